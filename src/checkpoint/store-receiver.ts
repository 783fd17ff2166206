/**
 * Builds a fresh store from the chunks of a copy. It checks that each chunk is the one that was sent, and fills the store with
 * its entries, which come in the order of their keys. Whether they are a whole checkpoint is found out by the caller, who reads
 * the chunks too (`CheckpointLoader`). The meta record is written last and alone, when all else is durable, so a store without
 * one is unfinished. What happens to the finished store, or to one that is given up, is decided by the keeper.
 */
import { assert } from '../base/assert.ts'
import type { CheckpointFacts, CheckpointOrigin, CheckpointReceiver } from '../ports/checkpoints.ts'
import type { KeyValueFill, KeyValueStore } from '../ports/key-values.ts'
import { type CheckpointMeta, encodeMeta, factsOf, readMeta } from './checkpoint-meta.ts'
import { chunkHeaderSizeBytes, forEachRecordOf, numberOfChunk, viewOf } from './chunk.ts'
import { metaKey } from './store-keys.ts'

export interface ReceivedStore {
  readonly store: KeyValueStore
  readonly name: string
  readonly meta: CheckpointMeta
}

export interface ReceiverOptions {
  readonly fill: KeyValueFill
  readonly name: string
  readonly serverId: number
  readonly origin: CheckpointOrigin
  /** Opens the store, which was filled. Called again after a write that failed, when the store was closed. */
  readonly open: () => Promise<KeyValueStore>
  /** Makes the finished store the current one. */
  readonly install: (received: ReceivedStore) => Promise<CheckpointFacts>
  /** Null: the store is not open. */
  readonly discard: (name: string, store: KeyValueStore | null) => Promise<void>
}

type ReceiverState = 'receiving' | 'filled' | 'finished' | 'aborted'

export class StoreReceiver implements CheckpointReceiver {
  readonly #options: ReceiverOptions
  #store: KeyValueStore | null = null // null: it is not open
  #mustReopen = false // a write has failed
  #nextNumber = 0
  #metaBytes: Uint8Array | null = null
  #state: ReceiverState = 'receiving'
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** As the sender wrote it; null: the first chunk, which has it, was not added yet, or the record is not readable. */
  get meta(): CheckpointMeta | null {
    const reading = this.#metaBytes === null ? null : readMeta(this.#metaBytes)
    return reading?.kind === 'valid' ? reading.meta : null
  }

  /** A chunk that was added before is accepted again and ignored, since its sender may not know. */
  add(number: number, chunk: Uint8Array): Promise<boolean> {
    return this.#inOrder(() => this.#add(number, chunk))
  }

  finish(verified: CheckpointFacts): Promise<CheckpointFacts> {
    return this.#inOrder(() => this.#finish(verified))
  }

  abort(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state === 'finished' || this.#state === 'aborted') return
      this.#state = 'aborted'
      await this.#options.fill.close()
      await this.#options.discard(this.#options.name, this.#store)
    })
  }

  async #add(number: number, chunk: Uint8Array): Promise<boolean> {
    this.#assertState('receiving')
    if (numberOfChunk(chunk, true) !== number || number > this.#nextNumber) return false
    if (number < this.#nextNumber) return true
    const meta = number === 0 ? metaIn(chunk) : null
    // If this fails, nothing of the chunk was used, and it is added again.
    await this.#options.fill.add(chunk.subarray(meta?.end ?? chunkHeaderSizeBytes))
    if (meta !== null) this.#metaBytes = meta.value
    this.#nextNumber += 1
    return true
  }

  async #finish(verified: CheckpointFacts): Promise<CheckpointFacts> {
    // After an install that failed on a full disk, which of the stores is current is not known.
    if (this.#state === 'finished') throw Object.assign(new Error('the receiver has ended'), { code: 'ECLOSED' })
    const sent = this.meta
    assert(sent !== null && isSamePoint(factsOf(sent), verified), 'the copy that was verified is the one received', {
      received: sent?.zxid ?? null,
      verified: verified.zxid,
    })
    if (this.#state !== 'filled') await this.#endFill()
    this.#assertState('filled')
    const { name, serverId, origin } = this.#options
    const meta: CheckpointMeta = { ...sent, serverId, origin }
    const store = await this.#writeAlone(metaKey, encodeMeta(meta))
    this.#state = 'finished'
    return this.#options.install({ store, name, meta })
  }

  async #endFill(): Promise<void> {
    this.#assertState('receiving')
    await this.#options.fill.finish()
    this.#state = 'filled'
    await this.#options.fill.close()
  }

  /** Returns the store. */
  async #writeAlone(key: Uint8Array, value: Uint8Array): Promise<KeyValueStore> {
    const store = await this.#openedStore()
    try {
      await store.write([{ key, value }], [])
    } catch (error) {
      this.#mustReopen = true
      throw error
    }
    return store
  }

  async #openedStore(): Promise<KeyValueStore> {
    const failed = this.#mustReopen ? this.#store : null
    if (failed !== null) {
      this.#store = null
      this.#mustReopen = false
      await failed.close()
    }
    this.#store ??= await this.#options.open()
    return this.#store
  }

  #assertState(expected: ReceiverState): void {
    const state = this.#state
    assert(state === expected, 'a receiver is used until it is finished or given up', { state, expected })
  }

  #inOrder<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act)
    this.#last = result.catch(() => {})
    return result
  }
}

interface MetaRecord {
  readonly value: Uint8Array // a copy: it outlives the chunk
  readonly end: number // in the chunk
}

/** Null: the first record is another one. */
function metaIn(chunk: Uint8Array): MetaRecord | null {
  let meta: MetaRecord | null = null
  forEachRecordOf(chunk, viewOf(chunk), (keyStart, keyEnd, valueStart, valueEnd) => {
    if (keyEnd > keyStart && chunk[keyStart] === metaKey[0])
      meta = { value: chunk.slice(valueStart, valueEnd), end: valueEnd }
    return 'the first record is enough'
  })
  return meta
}

/** Whether both are of one checkpoint, whichever server has it. */
export function isSamePoint(a: CheckpointFacts, b: CheckpointFacts): boolean {
  return a.zxid === b.zxid && a.hash === b.hash && a.digest === b.digest
}
