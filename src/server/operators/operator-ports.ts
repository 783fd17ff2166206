/**
 * The HTTP ports of one server for those who operate it: metrics and health from before the data is read, admin commands while
 * it runs. Owns: which of them are open. Without an HTTP port of the platform, as in the simulator, there are none.
 */
import type { AdminCommand, CommandAnswer } from '../../admin/commands/admin-command.ts'
import type { HealthState } from '../../admin/health.ts'
import type { MetricFamily } from '../../base/metric-family.ts'
import type { Config } from '../../config/config.ts'
import type { HttpListener } from '../../ports/http.ts'
import type { Log } from '../../ports/log.ts'
import type { Address } from '../../ports/stream.ts'
import type { HostFacts } from '../host-facts.ts'
import type { StartFailure } from '../start-failure.ts'
import { AdminServer, ownNames } from './admin-server.ts'
import { Monitoring } from './monitoring.ts'

export interface OperatorPortsOptions {
  readonly config: Config
  readonly http: HttpListener | undefined
  readonly host: HostFacts
  readonly log: Log
  readonly families: () => readonly MetricFamily[]
  readonly health: () => HealthState
}

export class OperatorPorts {
  readonly #options: OperatorPortsOptions
  readonly #monitoring: Monitoring | null
  #adminServer: AdminServer | null = null

  constructor(options: OperatorPortsOptions) {
    this.#options = options
    const { config, http, host, log, families, health } = options
    const endpoint = config.metricsEndpoint
    const isMonitored = endpoint !== null && http !== undefined
    this.#monitoring = isMonitored ? new Monitoring({ endpoint, http, host, log, families, health }) : null
  }

  get adminAddress(): Address | null {
    return this.#adminServer?.address ?? null
  }

  get metricsAddress(): Address | null {
    return this.#monitoring?.address ?? null
  }

  async openMonitoring(): Promise<StartFailure | null> {
    return (await this.#monitoring?.listen()) ?? null
  }

  /** Once the server has its data. */
  async openAdmin(
    run: (command: AdminCommand, args: ReadonlyMap<string, string>) => CommandAnswer | null,
  ): Promise<void> {
    const { config, http, host, log } = this.#options
    const { adminEndpoint: endpoint } = config
    if (endpoint === null || http === undefined) return
    const names = ownNames(config, endpoint, host.environment.hostName)
    this.#adminServer = new AdminServer({ http, endpoint, names, log, run })
    await this.#adminServer.open()
  }

  async closeAdmin(): Promise<void> {
    await this.#adminServer?.close()
  }

  async close(): Promise<void> {
    await this.closeAdmin()
    await this.#monitoring?.close()
  }
}
