/**
 * One server under test as a child process: start it, wait until it serves, stop it by its pid.
 * Owns: the children of this process. Assumes: a server answers the four-letter word `srvr`.
 * If a child outlived this process it would keep its port and eat the CPU of the next measurement,
 * so whatever is still running when the process exits is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'

export interface ServerCommand {
  /** For messages. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly clientPort: number
  /** Takes what the server writes to its standard outputs. */
  readonly logFile: string
  readonly timeoutMs: number
}

export interface RunningServer {
  readonly clientPort: number
  readonly pid: number
  /** From the start of the process to the first `srvr` answer that names a mode. */
  readonly startMs: number
  /** How it ended and the end of its log; undefined while it runs. */
  obituary(): string | undefined
  stop(): Promise<void>
}

const stopTimeoutMs = 10_000
const probeIntervalMs = 20
const probeTimeoutMs = 1_000
const running = new Set<ChildProcess>()
let exitHookInstalled = false

/** Resolves once `srvr` names a mode; rejects, with the end of the log, when the process dies or time is up. */
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
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await ended
    clearTimeout(killer)
  }
  try {
    await waitUntilServing(command, obituary)
  } catch (cause) {
    await stop()
    throw cause
  }
  const startMs = performance.now() - startedAtMs
  return { clientPort: command.clientPort, pid: child.pid ?? 0, startMs, obituary, stop }
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

/** Ports that were free a moment ago; all are held open until the last is known, so they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = []
  const ports: number[] = []
  for (let i = 0; i < count; i++) {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    held.push(server)
    ports.push((server.address() as { readonly port: number }).port)
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function spawnServer({ program, args, env, logFile }: ServerCommand): ChildProcess {
  installExitHook()
  const log = openSync(logFile, 'a')
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
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
    // Not awaited: a server that is just starting may leave one question without an answer (ZK 3.9 does,
    // ServerCnxn.cleanupWriterSocket), and waiting for that would be counted as its start time.
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
