/**
 * A server as a child process, for an ensemble on one machine. Its output comes back line by line, so that the lines
 * of several servers never mix.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ChildEnd {
  readonly code: number | null
  readonly signal: string | null
}

export interface ChildServer {
  readonly pid: number | null // null: it could not be started
  readonly ended: Promise<ChildEnd>
  /** Asks it to close; it may take a moment. */
  stop(): void
}

export function startChildServer(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void,
): ChildServer {
  // Node's own flags are passed on; a terminal's Ctrl-C reaches us alone, and we decide who stops.
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  for (const output of [child.stdout, child.stderr]) {
    if (output !== null) createInterface({ input: output }).on('line', onLine)
  }
  // If this process dies without a word, the child must not be left behind.
  const killWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const ended = new Promise<ChildEnd>((resolve) => {
    const end = (code: number | null, signal: string | null): void => {
      process.removeListener('exit', killWithUs)
      resolve({ code, signal })
    }
    child.once('error', (error) => {
      onLine(error.message)
      end(null, null)
    })
    child.once('close', end)
  })
  return { pid: child.pid ?? null, ended, stop: () => void child.kill('SIGTERM') }
}
