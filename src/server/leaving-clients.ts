/**
 * Clients that were told goodbye and have not gone. One that keeps its side open is cut off in the end: otherwise
 * whoever never closes a socket could use up those that this server may have.
 */
import type { ClientStream } from './client-stream.ts'

const goodbyeMs = 2_000

export class LeavingClients {
  readonly #sinceMs = new Map<ClientStream, number>() // oldest first

  get count(): number {
    return this.#sinceMs.size
  }

  add(client: ClientStream, nowMs: number): void {
    this.#sinceMs.set(client, nowMs)
  }

  /** False: it had not been told goodbye. */
  left(client: ClientStream): boolean {
    return this.#sinceMs.delete(client)
  }

  tick(nowMs: number): void {
    for (const [client, sinceMs] of this.#sinceMs) {
      if (nowMs - sinceMs < goodbyeMs) break
      client.stream.destroy()
    }
  }

  destroyAll(): void {
    for (const client of [...this.#sinceMs.keys()]) client.stream.destroy()
  }
}
