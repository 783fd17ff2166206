/**
 * When a server without a leader serves reads: once it has looked for one long enough, until it has one (ZK: QuorumPeer
 * starts a ReadOnlyZooKeeperServer). What it shows is committed and may be old; only clients that accept it come in.
 * An attempt to follow begins the wait anew, since it mostly ends in serving; once begun, the mode outlasts attempts.
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

  /** The leader is lost, or an attempt to follow one. */
  lookingAgain(nowMs: number): void {
    this.#lookingSinceMs = nowMs
  }

  tick(role: Role, nowMs: number): void {
    const { config, clients, state, log } = this.#options
    if (!config.readOnlyModeEnabled || clients.serving.kind !== 'not-serving') return
    if (role !== 'looking') {
      this.#lookingSinceMs = null
      return
    }
    this.#lookingSinceMs ??= nowMs
    if (nowMs - this.#lookingSinceMs < Math.max(graceMsMin, config.tickTimeMs)) return
    clients.startReadOnly(nowMs)
    log.warn('read-only-began', { zxid: hexOfZxid(state.lastApplied) })
  }

  /** There is a leader: clients come back to a server that also writes. */
  end(): void {
    const { clients, log } = this.#options
    if (clients.serving.kind !== 'read-only') return
    clients.stopReadOnly()
    log.info('read-only-ended')
  }
}
