/**
 * Clients of the servers that survive a failover, one for each: each writes to a znode of its own without a pause. They report
 * what a program would have noticed: connections that closed, writes that failed, writes that were done twice, a watch
 * that did not fire.
 */
import { type Client, connect } from '../../src/client/index.ts'

export interface Noticed {
  /** From the fault until each client has had a write acknowledged that it sent after the fault; the longest of them. */
  readonly writeMs: number
  /** The longest time between two acknowledgements in a row that one of them had, the last one before the fault included. */
  readonly gapMs: number
  readonly connectionsClosed: number
  readonly writesFailed: number
  readonly writesDoubled: number
  readonly watchesLost: number
}

interface Survivor {
  readonly client: Client
  readonly path: string
  readonly watched: string
  readonly ackedAtMs: number[]
  closedCount: number
  failedCount: number
  ackedCount: number
  firedCount: number
}

export class SurvivingClients {
  readonly #survivors: readonly Survivor[]
  readonly #loops: readonly Promise<void>[]
  #isOver = false

  private constructor(survivors: readonly Survivor[]) {
    this.#survivors = survivors
    this.#loops = survivors.map((survivor) => this.#write(survivor))
  }

  static async start(ports: readonly number[]): Promise<SurvivingClients> {
    const survivors: Survivor[] = []
    for (const port of ports) {
      const client = await connect(`127.0.0.1:${port}`)
      const path = `/written-${port}`
      const watched = `/watched-${port}`
      const counts = { closedCount: 0, failedCount: 0, ackedCount: 0, firedCount: 0 }
      const survivor: Survivor = { client, path, watched, ackedAtMs: [], ...counts }
      client.onStateChange(() => survivor.closedCount++)
      await client.create(path)
      await client.create(watched)
      await client.getData(watched, { watch: () => survivor.firedCount++ })
      survivors.push(survivor)
    }
    return new SurvivingClients(survivors)
  }

  /**
   * Resolves when every client has had writes acknowledged after `overAtMs`, when the fault was over; `limitMs` is for the
   * whole wait.
   */
  async finish(faultAtMs: number, overAtMs: number, limitMs: number): Promise<Noticed> {
    const isBack = ({ ackedAtMs }: Survivor): boolean => ackedAtMs.filter((atMs) => atMs > overAtMs).length >= 10
    while (!this.#survivors.every(isBack)) {
      if (performance.now() - faultAtMs > limitMs) throw new Error(`a client has written nothing for ${limitMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    this.#isOver = true
    await Promise.all(this.#loops)
    let [writeMs, gapMs, connectionsClosed, writesFailed, writesDoubled, watchesLost] = [0, 0, 0, 0, 0, 0]
    for (const survivor of this.#survivors) {
      const { client, path, watched, ackedAtMs } = survivor
      // The first acknowledgement after the fault may have been on its way.
      writeMs = Math.max(writeMs, ackedAtMs.filter((atMs) => atMs > faultAtMs)[1]! - faultAtMs)
      gapMs = Math.max(gapMs, longestGapMs(ackedAtMs, faultAtMs))
      const { stat } = await client.getData(path)
      await client.setData(watched, new Uint8Array(1))
      connectionsClosed += survivor.closedCount > 0 ? 1 : 0
      writesFailed += survivor.failedCount
      // A failed write may have been done once.
      writesDoubled += Math.max(0, stat.version - survivor.ackedCount - survivor.failedCount)
      watchesLost += survivor.firedCount === 1 ? 0 : 1
      client.abandon()
    }
    return { writeMs, gapMs, connectionsClosed, writesFailed, writesDoubled, watchesLost }
  }

  /** After an error. */
  abandon(): void {
    this.#isOver = true
    for (const { client } of this.#survivors) client.abandon()
  }

  async #write(survivor: Survivor): Promise<void> {
    while (!this.#isOver) {
      try {
        await survivor.client.setData(survivor.path, new Uint8Array(1))
        survivor.ackedCount++
        survivor.ackedAtMs.push(performance.now())
      } catch {
        survivor.failedCount++
      }
    }
  }
}

function longestGapMs(ackedAtMs: readonly number[], fromMs: number): number {
  const first = ackedAtMs.findLastIndex((atMs) => atMs <= fromMs)
  const gaps = ackedAtMs.slice(first + 1).map((atMs, i) => atMs - ackedAtMs[first + i]!)
  return Math.max(...gaps)
}
