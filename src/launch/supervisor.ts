/**
 * The supervisor of `--local N`: runs each server of an ensemble as a child process, restarts one that ended, and
 * passes their log lines on.
 * Owns: the child processes. Assumes: its own process runs as long as any of them.
 */
import { type ChildServer, startChildServer } from '../io/child-server.ts'
import { writeTextFile } from '../io/node-files.ts'
import type { Log } from '../ports/log.ts'
import type { Timers } from '../ports/timers.ts'
import { exitCodes } from '../server/exit-codes.ts'
import { endWithInputFlag } from './command-line.ts'
import { connectStringOf, type LocalMember, localEnsemble } from './local-ensemble.ts'

/** The pause before a server that ended is started again. */
const restartDelayMs = 1000

export interface SupervisorOptions {
  readonly serverCount: number
  /** Contains the folders of all servers. */
  readonly folder: string
  /** The entry file of a server. */
  readonly program: string
  readonly log: Log
  /** Further arguments of each server, after `--config`. */
  readonly args: readonly string[]
  readonly isPretty: boolean
  readonly timers: Timers
  /** Gets the log lines of all servers. */
  readonly writeLogLine: (line: string) => void
  readonly print: (line: string) => void
}

/**
 * A server that was killed or that stopped by itself is started again after a second, so that a failover and the return
 * of the server can be watched. A server that cannot start would fail the second time too; then all servers stop.
 */
export class Supervisor {
  readonly #members: readonly LocalMember[]
  readonly #options: SupervisorOptions
  readonly #running = new Set<ChildServer>()
  readonly #pauses = new Set<() => void>()
  #isStopping = false

  constructor(options: SupervisorOptions) {
    this.#members = localEnsemble(options.serverCount, options.folder)
    this.#options = options
  }

  /** Resolves with the exit code when all servers have ended. */
  async run(): Promise<number> {
    for (const member of this.#members) {
      await writeTextFile(member.configPath, member.configText)
      await writeTextFile(member.myidPath, member.myidText)
    }
    this.#options.print(`connect to ${connectStringOf(this.#members)}; Ctrl-C stops all servers`)
    const codes = await Promise.all(this.#members.map((member) => this.#keepRunning(member)))
    return codes.find((code) => code !== exitCodes.closed.code) ?? exitCodes.closed.code
  }

  async #keepRunning(member: LocalMember): Promise<number> {
    const { log, args, isPretty, program, writeLogLine } = this.#options
    const { id: serverId, clientPort } = member
    // A JSON line has the field serverId; a pretty line gets the number as a prefix.
    const onLine = (line: string): void => writeLogLine(isPretty ? `[${serverId}] ${line}` : line)
    while (!this.#isStopping) {
      const child = startChildServer(program, ['--config', member.configPath, endWithInputFlag, ...args], onLine)
      this.#running.add(child)
      log.info('local-server-started', { serverId, pid: child.pid, clientPort })
      const { code, signal } = await child.ended
      this.#running.delete(child)
      if (this.#isStopping) return code ?? exitCodes.closed.code
      if (signal === null && code !== exitCodes.stopped.code && code !== exitCodes.closed.code) {
        log.error('local-server-failed', { serverId, exitCode: code })
        this.stop()
        return code ?? exitCodes.notStarted.code
      }
      log.warn('local-server-ended', { serverId, exitCode: code, signal, restartDelayMs })
      await this.#pause()
    }
    return exitCodes.closed.code
  }

  /** Sends SIGTERM to all servers; `run` resolves when they have closed. */
  stop(): void {
    this.#isStopping = true
    for (const child of this.#running) child.stop()
    for (const end of this.#pauses) end()
  }

  /** Ends early if `stop` is called. */
  async #pause(): Promise<void> {
    await new Promise<void>((done) => {
      const cancel = this.#options.timers.after(restartDelayMs, () => end())
      const end = (): void => {
        cancel()
        this.#pauses.delete(end)
        done()
      }
      this.#pauses.add(end)
    })
  }
}
