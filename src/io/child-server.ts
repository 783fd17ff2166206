/**
 * A server as a child process, for an ensemble on one machine. Its output is read line by line, so that the lines of
 * several servers never mix. Its standard input is a pipe without bytes: the pipe ends when this process ends, also by
 * SIGKILL, and the server, started with `--end-with-input`, then closes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ChildEnd {
  readonly code: number | null
  readonly signal: string | null
}

export interface ChildServer {
  readonly pid: number | null // null: the process could not be started
  readonly ended: Promise<ChildEnd>
  /** Sends SIGTERM; the server then closes its connections and its log before it ends. */
  stop(): void
}

export function startChildServer(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void,
): ChildServer {
  // Node's own flags are passed on. Because of `detached`, Ctrl-C at a terminal reaches only this process, which then
  // stops its children.
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  for (const output of [child.stdout, child.stderr]) {
    if (output !== null) createInterface({ input: output }).on('line', onLine)
  }
  // If this process ends without having called `stop`, the child must end too.
  const killChild = (): void => void child.kill('SIGKILL')
  process.once('exit', killChild)
  const ended = new Promise<ChildEnd>((resolve) => {
    const end = (code: number | null, signal: string | null): void => {
      process.removeListener('exit', killChild)
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
