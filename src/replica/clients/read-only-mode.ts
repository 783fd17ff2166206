/**
 * Decides when a server without a leader serves reads: after it has looked for one for a time, until it has one (ZK:
 * QuorumPeer starts a ReadOnlyZooKeeperServer). Reads show committed data that may be old; only clients that accept
 * read-only servers are admitted. An attempt to follow restarts the wait, since it usually succeeds; a mode that has
 * begun continues during such attempts.
 */
import { hexOfZxid } from '../../base/ids.ts'
import type { Config } from '../../config/config.ts'
import type { Log } from '../../ports/log.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { Role } from '../trace-event.ts'
import type { Clients } from './clients.ts'

export interface ReadOnlyModeOptions {
  readonly config: Pick<Config, 'readOnlyModeEnabled' | 'tickTimeMs'>
  readonly clients: Clients
  readonly state: ReplicatedState
  readonly log: Log
}

const graceMsMin = 2_000

export class ReadOnlyMode {
  readonly #options: ReadOnlyModeOptions
  #lookingSinceMs: number | null = null

  constructor(options: ReadOnlyModeOptions) {
    this.#options = options
  }

  /** The leader was lost, or an attempt to follow one has failed. */
  lookingAgain(nowMs: number): void {
    this.#lookingSinceMs = nowMs
  }

  tick(role: Role, nowMs: number): void {
    const { config, clients, state, log } = this.#options
    const { kind } = clients.serving
    if (!config.readOnlyModeEnabled || (kind !== 'not-serving' && kind !== 'waiting')) return
    if (role !== 'looking') {
      this.#lookingSinceMs = null
      return
    }
    this.#lookingSinceMs ??= nowMs
    if (nowMs - this.#lookingSinceMs < Math.max(graceMsMin, config.tickTimeMs)) return
    clients.stopWaiting('waited') // those that accept this mode come back
    clients.startReadOnly(nowMs)
    log.warn('read-only-began', { zxid: hexOfZxid(state.lastApplied) })
  }

  /** This server has a leader: its clients are closed, so that they reconnect to a server that also accepts writes. */
  end(): void {
    const { clients, log } = this.#options
    if (clients.serving.kind !== 'read-only') return
    clients.stopReadOnly()
    log.info('read-only-ended')
  }
}
