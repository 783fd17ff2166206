/**
 * Clients that were told goodbye and have not gone. One that keeps its side open is cut off in the end: otherwise
 * whoever never closes a socket could use up those that this server may have.
 */
import type { ClientStream } from './client-stream.ts'

/** A client that was told goodbye is cut off after this, plus the time for what it has to read. */
const goodbyeMs = 2_000
/** What an operator at the other end of a slow line reads at least, while `wchc` lists ten thousands of watches. */
const goodbyeSizeBytesPerMs = 64

export class LeavingClients {
  readonly #untilMs = new Map<ClientStream, number>()

  get count(): number {
    return this.#untilMs.size
  }

  add(client: ClientStream, nowMs: number): void {
    this.#untilMs.set(client, nowMs + goodbyeMs)
  }

  /** What was written last lies with the stream now. */
  giveTimeToRead(client: ClientStream): void {
    const untilMs = this.#untilMs.get(client)
    if (untilMs !== undefined) this.#untilMs.set(client, untilMs + client.queuedBytes / goodbyeSizeBytesPerMs)
  }

  /** False: it had not been told goodbye. */
  left(client: ClientStream): boolean {
    return this.#untilMs.delete(client)
  }

  tick(nowMs: number): void {
    for (const [client, untilMs] of this.#untilMs) {
      if (nowMs >= untilMs) client.stream.destroy()
    }
  }

  destroyAll(): void {
    for (const client of [...this.#untilMs.keys()]) client.stream.destroy()
  }
}
