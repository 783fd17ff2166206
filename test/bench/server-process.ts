/**
 * A server under test as a child process: starts it, waits until it serves, stops it by its pid.
 * Owns: the child processes. Assumes: the server answers the four-letter word `srvr`.
 * A child that outlived this process would keep its port and use CPU during the next measurement. So children that
 * still run when this process exits are killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'

export interface ServerCommand {
  /** Used in messages. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly clientPort: number
  readonly niceness: number
  /** The server's standard output and standard error are written to this file. */
  readonly logFile: string
  readonly timeoutMs: number
}

export interface RunningServer {
  readonly clientPort: number
  readonly pid: number
  /** From the start of the process to the first `srvr` answer with a mode. */
  readonly startMs: number
  /** How the server ended, with the end of its log; undefined while it runs. */
  obituary(): string | undefined
  /** All that it has printed. */
  printed(): string
  /** SIGTERM, and SIGKILL if the process has not ended after the limit. */
  stop(limitMs?: number): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

const stopTimeoutMs = 10_000
const probeIntervalMs = 20
const probeTimeoutMs = 1_000
const running = new Set<ChildProcess>()
let exitHookInstalled = false

/** Resolves once `srvr` answers with a mode. Rejects with the end of the log if the process ends or the time is up. */
export async function startServerProcess(command: ServerCommand): Promise<RunningServer> {
  const startedAtMs = performance.now()
  const child = spawnServer(command)
  let exitReason: string | undefined
  const ended = new Promise<void>((resolve) => {
    const end = (reason: string): void => {
      exitReason ??= reason
      running.delete(child)
      resolve()
    }
    child.once('error', (cause) => end(cause.message))
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
  const obituary = (): string | undefined =>
    exitReason === undefined ? undefined : `${command.name} ended (${exitReason})\n${logTail(command.logFile)}`
  const stop = async (limitMs = stopTimeoutMs): Promise<void> => {
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    await ended
    clearTimeout(killer)
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  try {
    await waitUntilServing(command, obituary)
  } catch (cause) {
    await stop()
    throw cause
  }
  const startMs = performance.now() - startedAtMs
  const printed = (): string => readFileSync(command.logFile, 'utf8')
  return { clientPort: command.clientPort, pid: child.pid ?? 0, startMs, obituary, printed, stop, kill }
}

export function fourLetterWord(port: number, word: string, timeoutMs = 5_000): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(word))
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer to ${word} in ${timeoutMs} ms`)))
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

function spawnServer({ program, args, env, logFile, niceness }: ServerCommand): ChildProcess {
  installExitHook()
  const log = openSync(logFile, 'a')
  // `nice` becomes the program, so its pid is the server's. All threads of the server inherit the value.
  const [file, ...rest] = niceness === 0 ? [program, ...args] : ['nice', '-n', String(niceness), program, ...args]
  const child = spawn(file, rest, { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
  closeSync(log)
  running.add(child)
  return child
}

async function waitUntilServing(command: ServerCommand, obituary: () => string | undefined): Promise<void> {
  const { name, clientPort, timeoutMs, logFile } = command
  const deadlineMs = performance.now() + timeoutMs
  let serves = false
  const probe = async (): Promise<void> => {
    const answer = await fourLetterWord(clientPort, 'srvr', probeTimeoutMs).catch(() => '')
    if (answer.includes('Mode: ')) serves = true
  }
  while (!serves) {
    const ended = obituary()
    if (ended !== undefined) throw new Error(ended)
    if (performance.now() > deadlineMs) {
      throw new Error(`${name} on port ${clientPort} does not serve after ${timeoutMs} ms\n${logTail(logFile)}`)
    }
    // Not awaited: a server that is starting may leave a question without an answer (ZK: 3.9,
    // ServerCnxn.cleanupWriterSocket), and the wait would count as start time.
    void probe()
    await new Promise((resolve) => setTimeout(resolve, probeIntervalMs))
  }
}

function logTail(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n')
  return lines.slice(-20).join('\n')
}

function installExitHook(): void {
  if (exitHookInstalled) return
  exitHookInstalled = true
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL')
  })
}
