/**
 * A copy of the leader's state as a learner receives it (docs/internals/zab.md, step S0). Owns: which chunks were asked
 * for, have arrived and are stored. It outlives the attempt to follow in which it began, so that a learner which follows
 * the same leader again goes on where it was. Chunks are stored one at a time and in order. What is asked for and not yet
 * stored is limited, so a slow disk slows the leader down, and bulk data never fills the link.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { Zxid } from '../base/ids.ts'
import { copyChunksInFlightMax, damagedChunkCountMax } from '../base/limits.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { CopyStep } from './zab-contract.ts'

export interface CopyOffer {
  readonly copyId: number
  readonly zxid: Zxid
  readonly hash: ChainHash
}

/** Why a role ends whose history was replaced. */
export const copyReplacedHistory = 'a copy of the state has replaced the history'

export class CopyReceipt {
  readonly ticket: number
  readonly offer: CopyOffer
  readonly clusterId: ClusterId // of the leader
  #addedCount = 0 // the chunks before this number are stored
  readonly #asked = new Set<number>() // asked for in this attempt, and on the way
  readonly #arrived = new Map<number, Uint8Array>()
  #chunkCount: number | null = null // null: not known before the end
  #damagedCount = 0
  #isAdding = false // the chunk with the number `#addedCount`
  #isFinishing = false

  constructor(ticket: number, offer: CopyOffer, clusterId: ClusterId) {
    this.ticket = ticket
    this.offer = offer
    this.clusterId = clusterId
  }

  isOf({ copyId, zxid, hash }: CopyOffer): boolean {
    return this.offer.copyId === copyId && this.offer.zxid === zxid && this.offer.hash === hash
  }

  get isFinishing(): boolean {
    return this.#isFinishing
  }

  /** The disk of this server is at work, so the leader has nothing to send. */
  get isWorking(): boolean {
    return this.#isAdding || this.#isFinishing
  }

  get isTooDamaged(): boolean {
    return this.#damagedCount > damagedChunkCountMax
  }

  /** The attempt ended in which chunks were asked for: what has not arrived is asked for again. */
  resume(): void {
    this.#asked.clear()
  }

  /** The numbers of the chunks to ask for now. */
  takeRequests(): readonly number[] {
    const numbers: number[] = []
    const end = Math.min(this.#addedCount + copyChunksInFlightMax, this.#chunkCount ?? Number.POSITIVE_INFINITY)
    for (let number = this.#addedCount + (this.#isAdding ? 1 : 0); number < end; number++) {
      if (this.#asked.has(number) || this.#arrived.has(number)) continue
      this.#asked.add(number)
      numbers.push(number)
    }
    return numbers
  }

  receive(number: number, chunk: Uint8Array): void {
    if (this.#asked.delete(number)) this.#arrived.set(number, chunk)
  }

  /** Answers each request for a chunk after the last one, with its number: the lowest one is the count. */
  end(chunkCount: number): void {
    this.#chunkCount = Math.min(chunkCount, this.#chunkCount ?? chunkCount)
  }

  /** A damaged chunk is asked for again. */
  added(number: number, isGood: boolean): void {
    this.#isAdding = false
    if (isGood) this.#addedCount = number + 1
    else this.#damagedCount++
  }

  /** What the disk does next, if it is free. */
  takeStep(): CopyStep | null {
    if (this.isWorking) return null
    const { ticket } = this
    const number = this.#addedCount
    const chunk = this.#arrived.get(number)
    if (chunk !== undefined) {
      this.#arrived.delete(number)
      this.#isAdding = true
      return { kind: 'add', ticket, number, chunk }
    }
    if (this.#chunkCount !== number) return null
    this.#isFinishing = true
    return { kind: 'finish', ticket }
  }
}
