/**
 * Clients with all servers in their connect strings that write in a closed loop, each to a znode of its own. A write has
 * a number, which is its data and the version that it makes. When a connection closes before the answer, the client
 * repeats the write in the same session: a server that closes in order has not carried out what it did not answer. A
 * repeated write that finds its own version has been carried out without an answer; a client that does not check versions
 * would do it twice.
 */
import { type Client, ClientError, connect } from '../../src/client/index.ts'

export interface WritersReport {
  readonly writeCount: number
  /** The longest time between two acknowledgements in a row of one client. */
  readonly gapMs: number
  /** The longest time in which no client had an acknowledgement. */
  readonly silenceMs: number
  readonly closedCount: number
  readonly repeatedCount: number
  /** Writes that were refused, or not acknowledged within the session timeout. */
  readonly failedCount: number
  readonly twiceCount: number
  readonly expiredCount: number
  /** Acknowledged writes that the znodes do not have in the end. */
  readonly lostCount: number
}

interface Writer {
  readonly path: string
  client: Client
  number: number
  ackedAtMs: number
}

const sessionTimeoutMs = 10_000
const retryDelayMs = 10

export class RepeatingWriters {
  readonly #servers: string
  readonly #writers: Writer[] = []
  #loops: readonly Promise<void>[] = []
  #ackedAtMs = 0
  #isOver = false
  #writeCount = 0
  #gapMs = 0
  #silenceMs = 0
  #closedCount = 0
  #repeatedCount = 0
  #failedCount = 0
  #twiceCount = 0
  #expiredCount = 0

  private constructor(servers: string) {
    this.#servers = servers
  }

  static async start(ports: readonly number[], count: number): Promise<RepeatingWriters> {
    const writers = new RepeatingWriters(ports.map((port) => `127.0.0.1:${port}`).join(','))
    for (let i = 0; i < count; i++) {
      const path = `/repeated-${i}`
      const client = await writers.#open()
      await client.create(path)
      writers.#writers.push({ path, client, number: 0, ackedAtMs: 0 })
    }
    writers.#ackedAtMs = performance.now()
    writers.#loops = writers.#writers.map((writer) => writers.#write(writer))
    return writers
  }

  /** Drops what was measured before, while the compilers were at work. */
  measureFromNow(): void {
    this.#gapMs = 0
    this.#silenceMs = 0
    this.#writeCount = 0
  }

  /** Lets each client finish its write. */
  async finish(): Promise<WritersReport> {
    this.#isOver = true
    await Promise.all(this.#loops)
    let lostCount = 0
    for (const { client, path, number } of this.#writers) {
      await client.sync(path)
      const { stat } = await client.getData(path)
      lostCount += Math.max(0, number - stat.version)
    }
    this.abandon()
    return {
      writeCount: this.#writeCount,
      gapMs: this.#gapMs,
      silenceMs: this.#silenceMs,
      closedCount: this.#closedCount,
      repeatedCount: this.#repeatedCount,
      failedCount: this.#failedCount,
      twiceCount: this.#twiceCount,
      expiredCount: this.#expiredCount,
      lostCount,
    }
  }

  abandon(): void {
    this.#isOver = true
    for (const { client } of this.#writers) client.abandon()
  }

  async #open(): Promise<Client> {
    const client = await connect({ servers: this.#servers, sessionTimeoutMs, retryDelayMs })
    client.onStateChange(({ kind }) => {
      if (kind === 'connecting') this.#closedCount++
    })
    return client
  }

  async #write(writer: Writer): Promise<void> {
    writer.ackedAtMs = performance.now()
    while (!this.#isOver) {
      const firstSentAtMs = performance.now()
      const isDone = await this.#writeOnce(writer)
      const nowMs = performance.now()
      if (!isDone || nowMs - firstSentAtMs > sessionTimeoutMs) this.#failedCount++
      if (!isDone) continue
      this.#writeCount++
      this.#gapMs = Math.max(this.#gapMs, nowMs - writer.ackedAtMs)
      this.#silenceMs = Math.max(this.#silenceMs, nowMs - this.#ackedAtMs)
      writer.ackedAtMs = nowMs
      this.#ackedAtMs = nowMs
    }
  }

  /** Whether the next write of this client was done. */
  async #writeOnce(writer: Writer): Promise<boolean> {
    const number = writer.number + 1
    for (let isRepeat = false; ; isRepeat = true) {
      try {
        await writer.client.setData(writer.path, Buffer.from(String(number)), writer.number)
        writer.number = number
        return true
      } catch (cause) {
        if (!(cause instanceof ClientError)) throw cause
        if (cause.errorName === 'bad-version' && isRepeat && (await this.#has(writer, number))) {
          this.#twiceCount++
          writer.number = number
          return true
        }
        if (writer.client.state.kind === 'expired') {
          this.#expiredCount++
          writer.client = await this.#open()
        }
        if (cause.errorName !== 'connection-loss' || this.#isOver) return false
        this.#repeatedCount++
      }
    }
  }

  async #has({ client, path }: Writer, number: number): Promise<boolean> {
    const { data, stat } = await client.getData(path)
    return stat.version === number && Buffer.from(data ?? []).toString() === String(number)
  }
}
