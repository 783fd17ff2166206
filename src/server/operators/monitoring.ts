/**
 * The pages for programs that watch this server: /metrics for Prometheus (ZK: PrometheusMetricsProvider), and /livez, /readyz
 * and /health for Kubernetes, with the reason in the body. They are served from before the data is read until the server has
 * closed. Owns: the port. Assumes: making a page only reads what is counted already, so that no request pays for it.
 */
import { type HealthState, healthOf } from '../../admin/health.ts'
import { prometheusContentType, renderPrometheus } from '../../admin/prometheus-text.ts'
import { metricsIdleMs } from '../../base/limits.ts'
import type { MetricFamily } from '../../base/metric-family.ts'
import type { MetricsEndpoint } from '../../config/config.ts'
import type { HttpListener, HttpRequest, HttpResponse } from '../../ports/http.ts'
import type { Log } from '../../ports/log.ts'
import type { Address, ListenerHandle } from '../../ports/stream.ts'
import type { HostFacts } from '../host-facts.ts'
import { portFailure, type StartFailure } from '../start-failure.ts'

interface Page {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export interface MonitoringOptions {
  readonly endpoint: MetricsEndpoint
  readonly http: HttpListener
  readonly host: HostFacts
  readonly log: Log
  readonly families: () => readonly MetricFamily[]
  readonly health: () => HealthState
}

export class Monitoring {
  readonly #options: MonitoringOptions
  #listening: ListenerHandle | null = null
  #processFamilies: () => readonly MetricFamily[] = () => []

  constructor(options: MonitoringOptions) {
    this.#options = options
  }

  /** A port that cannot be opened is a failure of the start, as in ZooKeeper: later, monitoring would have to notice it. */
  async listen(): Promise<StartFailure | null> {
    const { endpoint, http, host, log } = this.#options
    const { address } = endpoint
    try {
      this.#listening = await http.listen({ address, idleTimeoutMs: metricsIdleMs }, (request) => this.#answer(request))
    } catch (cause) {
      return portFailure('metricsProvider.httpPort', address, cause)
    }
    if (endpoint.exportsProcess) this.#processFamilies = host.measureProcess()
    log.info('metrics-served', { host: address.host, port: this.#listening.address.port })
    return null
  }

  /** Null while it is not open. */
  get address(): Address | null {
    return this.#listening?.address ?? null
  }

  async close(): Promise<void> {
    await this.#listening?.close()
    this.#listening = null
  }

  /** What is after a question mark has no meaning here. */
  #answer({ method, target }: HttpRequest): HttpResponse {
    const isReading = method === 'GET' || method === 'HEAD'
    const page = isReading ? (this.#pageAt(target.split('?')[0]!) ?? noPage) : notAllowed
    const headers = {
      'Content-Type': page.contentType,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(isReading ? {} : { Allow: 'GET, HEAD' }),
    }
    return { status: page.status, headers, body: page.body }
  }

  #pageAt(path: string): Page | null {
    switch (path) {
      case '/metrics':
        return metricsPage([...this.#options.families(), ...this.#processFamilies()])
      case '/livez':
        return this.#healthPage(({ isLive }) => isLive)
      case '/readyz':
      case '/health':
        return this.#healthPage(({ isReady }) => isReady)
      default:
        return null
    }
  }

  #healthPage(isWell: (verdict: ReturnType<typeof healthOf>) => boolean): Page {
    const state = this.#options.health()
    const verdict = healthOf(state)
    const isOk = isWell(verdict)
    const { isLive, isReady, text } = verdict
    const body = { status: isOk ? 'ok' : 'unavailable', state, live: isLive, ready: isReady, text }
    return {
      status: isOk ? 200 : 503,
      contentType: 'application/json; charset=utf-8',
      body: `${JSON.stringify(body)}\n`,
    }
  }
}

function metricsPage(families: readonly MetricFamily[]): Page {
  return { status: 200, contentType: prometheusContentType, body: renderPrometheus(families) }
}

const plainText = 'text/plain; charset=utf-8'
const noPage: Page = { status: 404, contentType: plainText, body: 'There is no such page.\n' }
const notAllowed: Page = { status: 405, contentType: plainText, body: 'Only GET and HEAD are allowed here.\n' }
