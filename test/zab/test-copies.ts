/**
 * Copies of the state in a test cluster. A copy has no content: its chunks name the copy and their number, so that a
 * learner which mixed two copies, or left out a chunk, would be found out when it finishes.
 */
import type { Zxid } from '../../src/base/ids.ts'
import type { CopyAnswer, CopyStep } from '../../src/zab/zab-contract.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { ClusterChecks } from './cluster-checks.ts'
import type { ClusterServer, TestCopy } from './cluster-server.ts'

export interface TestCopiesOptions {
  readonly checks: ClusterChecks
  readonly random: SeededRandom
  readonly fails: () => boolean
  /** Gives the answer to the server after a while, unless it crashes before. */
  readonly answer: (server: ClusterServer, answer: () => CopyAnswer | null) => void
}

export class TestCopies {
  readonly #options: TestCopiesOptions
  readonly #all = new Map<number, TestCopy>()
  /** How many copies became a checkpoint. */
  finishedCount = 0

  constructor(options: TestCopiesOptions) {
    this.#options = options
  }

  perform(server: ClusterServer, step: CopyStep): void {
    const { answer, fails } = this.#options
    switch (step.kind) {
      case 'open':
        return answer(server, () => this.#open(server, step.copyId))
      case 'read': {
        const copy = server.copies.get(step.copyId)!
        const chunk = step.number < copy.chunkCount ? Uint8Array.from([...bytesOf(copy.copyId), step.number]) : null
        return answer(server, () => (server.copies.has(step.copyId) ? { ...step, kind: 'chunk', chunk } : null))
      }
      case 'close':
        server.copies.delete(step.copyId)
        return
      case 'hold-log':
        server.logHeldAfter = step.after
        return
      case 'receive':
        if (server.receipt !== null) throw new Error(`server ${server.id} receives two copies at once`)
        server.receipt = { ticket: step.ticket, chunks: [], finishing: null }
        return
      case 'add':
        return answer(server, () => {
          if (server.receipt?.ticket !== step.ticket) return null
          if (step.number !== server.receipt.chunks.length) throw new Error(`chunk ${step.number} out of order`)
          const isGood = !fails()
          if (isGood) server.receipt.chunks.push(step.chunk)
          return { kind: 'added', ticket: step.ticket, number: step.number, isGood }
        })
      case 'finish':
        server.receipt!.finishing = this.#verified(server.receipt!.chunks)
        return answer(server, () => this.#finish(server, step.ticket))
      case 'abort':
        server.receipt = null
    }
  }

  /** A crash keeps a copy that had become the checkpoint, and nothing else. */
  crashed(server: ClusterServer): void {
    const finishing = server.receipt?.finishing ?? null
    if (finishing !== null && this.#options.random.chance(2)) server.log.received = finishing
    server.copies.clear()
    server.logHeldAfter = null
    server.receipt = null
  }

  /** Removes the front of the log, up to a txn that is committed and that no learner needs. */
  removeFront(server: ClusterServer): void {
    const { checks, random } = this.#options
    const needed = [...server.copies.values()].map(({ zxid }) => zxid)
    if (server.logHeldAfter !== null) needed.push(server.logHeldAfter)
    const limit = Math.min(...needed, server.log.committed) as Zxid
    const known = checks.committed
      .slice(0, checks.deliveredBy(server.id))
      .filter((entry) => entry.zxid > server.log.base.zxid && entry.zxid <= limit && server.log.holds(entry))
    if (known.length > 0) server.log.removeFront(random.chance(2) ? known.at(-1)! : random.pick(known))
  }

  #open(server: ClusterServer, copyId: number): CopyAnswer {
    const { checks, random, fails } = this.#options
    if (fails()) return { kind: 'failed', copyId, reason: 'as the test wants' }
    const known = checks.committed
      .slice(0, checks.deliveredBy(server.id))
      .filter((entry) => entry.zxid > server.log.base.zxid && server.log.holds(entry))
    const { zxid, hash } = known.length > 0 && random.chance(2) ? random.pick(known) : server.log.base
    const copy = { copyId, zxid, hash, clusterId: server.log.clusterId, chunkCount: 1 + random.below(4) }
    server.copies.set(copyId, copy)
    this.#all.set(copyId, copy)
    return { kind: 'opened', copyId, zxid, hash, sizeBytes: 0 }
  }

  #verified(chunks: readonly Uint8Array[]): TestCopy {
    const view = new DataView(chunks[0]!.buffer)
    const copy = this.#all.get(view.getFloat64(0))
    const expected = copy && Array.from({ length: copy.chunkCount }, (_, i) => [...bytesOf(copy.copyId), i].join())
    if (copy === undefined || chunks.map((chunk) => chunk.join()).join(';') !== expected?.join(';')) {
      throw new Error(`chunks that are no copy: ${chunks.map((chunk) => chunk.join()).join('; ')}`)
    }
    return copy
  }

  #finish(server: ClusterServer, ticket: number): CopyAnswer {
    const copy = server.receipt!.finishing!
    server.receipt = null
    if (this.#options.fails()) return { kind: 'refused', ticket, reason: 'as the test wants' }
    server.log.received = copy
    this.finishedCount++
    return { kind: 'received', ticket, zxid: copy.zxid, hash: copy.hash }
  }
}

function bytesOf(copyId: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, copyId)
  return bytes
}
