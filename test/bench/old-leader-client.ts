/**
 * A client of a leader whose links to its peers are cut. It writes without a pause, for as long as it gets answers. A
 * leader that acknowledges a write which the client sent after the cut has acknowledged what no quorum holds.
 */
import { type Client, connect } from '../../src/client/index.ts'

const path = '/written-to-the-old-leader'

export class OldLeaderClient {
  readonly #client: Client
  readonly #loop: Promise<void>
  #faultAtMs = Number.POSITIVE_INFINITY
  #ackedCount = 0
  #ackedLateCount = 0
  #isOver = false

  private constructor(client: Client) {
    this.#client = client
    this.#loop = this.#write()
  }

  static async start(port: number): Promise<OldLeaderClient> {
    const client = await connect(`127.0.0.1:${port}`)
    await client.create(path)
    return new OldLeaderClient(client)
  }

  faultBegins(): void {
    this.#faultAtMs = performance.now()
  }

  /** Reads from the servers at these ports how many of the acknowledged writes they have. */
  async finish(ports: readonly number[]): Promise<{ readonly acknowledgedCount: number; readonly lostCount: number }> {
    this.abandon()
    await this.#loop
    const reader = await connect(ports.map((port) => `127.0.0.1:${port}`).join(','))
    await reader.sync(path)
    const { stat } = await reader.getData(path)
    await reader.close()
    return { acknowledgedCount: this.#ackedLateCount, lostCount: Math.max(0, this.#ackedCount - stat.version) }
  }

  abandon(): void {
    this.#isOver = true
    this.#client.abandon()
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      const sentAtMs = performance.now()
      try {
        await this.#client.setData(path, new Uint8Array(1))
        this.#ackedCount++
        if (sentAtMs > this.#faultAtMs) this.#ackedLateCount++
      } catch {
        // It has no answer, so it may or may not have been done.
      }
    }
  }
}
