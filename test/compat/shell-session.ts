/**
 * Writes lines to an interactive shell of ZooKeeper and returns its output. The output is checked with patterns, since the
 * wording changes between versions, while names, data and codes do not.
 */
import { spawn } from 'node:child_process'

const shellTimeoutMs = 60_000

export interface ShellRun {
  readonly output: string // both streams, in order of arrival
  readonly exitCode: number | null
}

/** Waits `pauseMs` before the first line and between lines, for shells that do not wait for their own answers. */
export function runShell(command: readonly string[], lines: readonly string[], pauseMs: number): Promise<ShellRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.stdin.on('error', () => undefined) // a shell that ends early is noticed by its exit code
    child.once('error', reject)
    const timer = setTimeout(() => child.kill('SIGKILL'), shellTimeoutMs)
    child.once('close', (exitCode) => {
      clearTimeout(timer)
      resolve({ output, exitCode })
    })
    void feed(child.stdin, lines, pauseMs)
  })
}

async function feed(stdin: NodeJS.WritableStream, lines: readonly string[], pauseMs: number): Promise<void> {
  for (const line of lines) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    stdin.write(`${line}\n`)
  }
  stdin.end()
}
