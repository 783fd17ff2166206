/**
 * Admin commands over HTTP, while the server runs. Owns: the HTTP port. A port that cannot be opened does not keep the server from
 * serving clients, as in ZooKeeper: it is logged, and the server goes on without it.
 */
import type { AdminCommand, CommandAnswer } from '../../admin/commands/admin-command.ts'
import type { AdminEndpoint } from '../../config/admin-endpoint.ts'
import type { Config } from '../../config/config.ts'
import { answerHttp } from '../../http/admin-routes.ts'
import type { HttpListener } from '../../ports/http.ts'
import type { Log } from '../../ports/log.ts'
import type { Address, ListenerHandle } from '../../ports/stream.ts'
import { portFailure } from '../start-failure.ts'

export interface AdminServerOptions {
  readonly http: HttpListener
  readonly endpoint: AdminEndpoint
  readonly names: readonly string[]
  readonly log: Log
  readonly run: (command: AdminCommand, args: ReadonlyMap<string, string>) => CommandAnswer | null
}

export class AdminServer {
  readonly #options: AdminServerOptions
  #listening: ListenerHandle | null = null

  constructor(options: AdminServerOptions) {
    this.#options = options
  }

  /** With the port that the system assigned; null: the port is not open. */
  get address(): Address | null {
    return this.#listening?.address ?? null
  }

  async open(): Promise<void> {
    const { http, endpoint, names, log, run } = this.#options
    const { address, commandUrl, idleTimeoutMs } = endpoint
    try {
      const routes = { commandUrl, names, run }
      this.#listening = await http.listen({ address, idleTimeoutMs }, (request) => answerHttp(request, routes))
      const { host, port } = this.#listening.address
      log.info('admin-server-started', { host, port, commandUrl })
    } catch (cause) {
      log.warn('admin-server-not-started', { text: portFailure('admin.serverPort', address, cause).message })
    }
  }

  async close(): Promise<void> {
    await this.#listening?.close()
    this.#listening = null
  }
}

/** In small letters: the machine's name with and without its domain, and those of the configuration. */
export function ownNames({ members, serverId }: Config, endpoint: AdminEndpoint, hostName: string): readonly string[] {
  const self = members.find(({ id }) => id === serverId)
  const names = [hostName, hostName.split('.')[0]!, endpoint.address.host, self?.host ?? '', ...endpoint.allowedHosts]
  return names.filter((name) => name !== '').map((name) => name.toLowerCase())
}
