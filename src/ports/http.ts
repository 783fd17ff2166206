/**
 * HTTP requests as plain values. The listener owns sockets, limits of size and time, and the answers to what is no HTTP; all
 * else is decided above it. A handler gets whole requests, and a reader that is slow or gone holds nothing but its own response.
 */
import type { Address, ListenerHandle } from './stream.ts'

export interface HttpRequest {
  readonly method: string // in capitals
  /** As it was sent: the path and what follows its question mark, neither decoded nor checked. */
  readonly target: string
  /** By name in small letters; values of a repeated header are joined as HTTP says. */
  readonly headers: Readonly<Record<string, string>>
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface HttpListenOptions {
  readonly address: Address
  /** A connection on which nothing moves for this long is closed. */
  readonly idleTimeoutMs: number
}

export interface HttpListener {
  /**
   * The handler returns the response in the turn of the event loop in which the request was complete. Rejects with an Error whose
   * `code` is the system's (EADDRINUSE, EACCES, …). `close` ends the connections at once.
   */
  listen(options: HttpListenOptions, handler: (request: HttpRequest) => HttpResponse): Promise<ListenerHandle>
}
