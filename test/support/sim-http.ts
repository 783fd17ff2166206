/** The HTTP of a simulated machine: a test sends a request to a port, and gets the response of the server that listens to it. */
import type { HttpListener, HttpListenOptions, HttpRequest, HttpResponse } from '../../src/ports/http.ts'
import type { ListenerHandle } from '../../src/ports/stream.ts'

type Handler = (request: HttpRequest) => HttpResponse

export class SimHttp implements HttpListener {
  readonly #handlers = new Map<number, Handler>()
  readonly #failure: Error | null

  /** `failure`: what `listen` rejects with. */
  constructor(failure: Error | null = null) {
    this.#failure = failure
  }

  async listen({ address }: HttpListenOptions, handler: Handler): Promise<ListenerHandle> {
    if (this.#failure !== null) throw this.#failure
    this.#handlers.set(address.port, handler)
    const close = async (): Promise<void> => {
      this.#handlers.delete(address.port)
    }
    return { address, close }
  }

  isOpen(port: number): boolean {
    return this.#handlers.has(port)
  }

  ask(port: number, target: string, method = 'GET'): HttpResponse {
    const handler = this.#handlers.get(port)
    if (handler === undefined) throw new Error(`no server listens at port ${port}`)
    return handler({ method, target, headers: { host: 'localhost' } })
  }
}
