/**
 * Who may connect, and who may ask for a session: the limits on connections, of one address and in all, and on the rate
 * of connect requests. Owns: the count of each address, which must be told of every connection that came and went.
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

  /** Null: the connection may stay. */
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

  /** A connect request has come; `isNewSession` unless it names one. */
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
