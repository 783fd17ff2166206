/**
 * The limits on connections, for each address and in total, and on the rate of connect requests.
 * Owns: the number of connections of each address. Assumes: `entered` is called once for each accepted connection, and
 * `left` once when it has ended; a missed `left` would lower the limit of its address until the server restarts.
 */
import type { Config } from '../../config/config.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Random } from '../../ports/random.ts'
import type { DriverCloseReason } from './close-reasons.ts'
import { ConnectionThrottle, type RequestedSession } from './connection-throttle.ts'

type AdmissionMetrics = Pick<
  ServerMetrics,
  'connection_rejected' | 'connection_request_count' | 'connection_token_deficit'
>

export class ClientAdmission {
  readonly #perAddressMax: number
  readonly #totalMax: number
  readonly #metrics: AdmissionMetrics
  readonly #throttle: ConnectionThrottle | null
  readonly #newSessionKind: RequestedSession
  readonly #countByAddress = new Map<string, number>()

  constructor(config: Config, metrics: AdmissionMetrics, random: Random) {
    this.#perAddressMax = config.maxClientConnectionsPerAddress
    this.#totalMax = config.maxClientConnections
    this.#metrics = metrics
    const throttle = config.clientLimits.connectionThrottle
    this.#throttle = throttle === null ? null : new ConnectionThrottle(throttle, random)
    this.#newSessionKind = config.localSessionsEnabled ? 'new-local' : 'new-global'
  }

  /** Null: the connection is accepted. */
  refusalOf(remoteAddress: string, openCount: number): DriverCloseReason | null {
    const fromAddress = this.#countByAddress.get(remoteAddress) ?? 0
    const reason =
      this.#perAddressMax > 0 && fromAddress >= this.#perAddressMax
        ? 'too-many-from-address'
        : this.#totalMax > 0 && openCount >= this.#totalMax
          ? 'too-many-connections'
          : null
    if (reason !== null) this.#metrics.connection_rejected.add()
    return reason
  }

  entered(remoteAddress: string): void {
    this.#countByAddress.set(remoteAddress, (this.#countByAddress.get(remoteAddress) ?? 0) + 1)
  }

  left(remoteAddress: string): void {
    const rest = (this.#countByAddress.get(remoteAddress) ?? 1) - 1
    if (rest > 0) this.#countByAddress.set(remoteAddress, rest)
    else this.#countByAddress.delete(remoteAddress)
  }

  /** The chance that a connect request is refused although there are tokens; 0 to 1. */
  get dropChance(): number {
    return this.#throttle?.dropChance ?? 0
  }

  /** A connect request has arrived; `isNewSession` unless it names an existing session. */
  admitsSession(isNewSession: boolean, nowMs: number): boolean {
    if (this.#throttle !== null) {
      if (!this.#throttle.admits(isNewSession ? this.#newSessionKind : 'returning', nowMs)) {
        this.#metrics.connection_rejected.add()
        return false
      }
      this.#metrics.connection_token_deficit.note(this.#throttle.deficitCount)
    }
    this.#metrics.connection_request_count.add()
    return true
  }
}
