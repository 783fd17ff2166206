/**
 * Builds a fresh store from the chunks of a copy. It checks that each chunk is the one that was sent, and keeps the entries
 * in batches, which are written while the next chunks arrive. Whether the entries are a whole checkpoint is found out by the
 * caller, who reads the chunks too (`CheckpointLoader`). The meta record is written last and alone, when all else is durable,
 * so a store without one is unfinished. What happens to the finished store, or to one that is given up, is decided by the
 * keeper.
 */
import { assert } from '../base/assert.ts'
import { checkpointReceivedSizeBytesMax } from '../base/limits.ts'
import type { CheckpointFacts, CheckpointOrigin, CheckpointReceiver } from '../ports/checkpoints.ts'
import type { KeyValue, KeyValueStore } from '../ports/key-values.ts'
import { type CheckpointMeta, encodeMeta, factsOf, readMeta } from './checkpoint-meta.ts'
import { forEachRecord, numberOfChunk, viewOf } from './chunk.ts'
import { metaKey } from './store-keys.ts'

export interface ReceivedStore {
  readonly store: KeyValueStore
  readonly name: string
  readonly meta: CheckpointMeta
}

export interface ReceiverOptions {
  readonly store: KeyValueStore
  readonly name: string
  readonly serverId: number
  readonly origin: CheckpointOrigin
  readonly sizeBytesMax?: number | undefined // of a batch
  /** Opens the store again, which was closed after a write that failed. */
  readonly reopen: () => Promise<KeyValueStore>
  /** Makes the finished store the current one. */
  readonly install: (received: ReceivedStore) => Promise<CheckpointFacts>
  /** Null: the store is closed. */
  readonly discard: (name: string, store: KeyValueStore | null) => Promise<void>
}

type ReceiverState = 'receiving' | 'finished' | 'aborted'

interface Write {
  readonly entries: Iterable<KeyValue>
  done: Promise<void>
}

export class StoreReceiver implements CheckpointReceiver {
  readonly #options: ReceiverOptions
  #store: KeyValueStore | null // null: closed, and not opened again yet
  #mustReopen = false // a write has failed
  #nextNumber = 0
  #metaBytes: Uint8Array | null = null
  #collected: Uint8Array[] = [] // chunks
  #collectedSizeBytes = 0
  #write: Write | null = null // the one under way, or the one that failed
  #state: ReceiverState = 'receiving'
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReceiverOptions) {
    this.#options = options
    this.#store = options.store
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
      if (this.#state !== 'receiving') return
      this.#state = 'aborted'
      await this.#write?.done.catch(() => {})
      await this.#options.discard(this.#options.name, this.#store)
    })
  }

  async #add(number: number, chunk: Uint8Array): Promise<boolean> {
    this.#assertReceiving()
    if (numberOfChunk(chunk, true) !== number || number > this.#nextNumber) return false
    if (number < this.#nextNumber) return true
    // Before anything of the chunk is used: if this fails, the chunk is added again.
    const { sizeBytesMax = checkpointReceivedSizeBytesMax } = this.#options
    if (this.#collectedSizeBytes + chunk.length > sizeBytesMax) await this.#beginWrite()
    this.#collect(chunk)
    this.#nextNumber += 1
    return true
  }

  #collect(chunk: Uint8Array): void {
    if (this.#nextNumber === 0) this.#metaBytes = metaIn(chunk)
    this.#collected.push(chunk)
    this.#collectedSizeBytes += chunk.length
  }

  async #finish(verified: CheckpointFacts): Promise<CheckpointFacts> {
    // After an install that failed on a full disk, which of the stores is current is not known.
    if (this.#state === 'finished') throw Object.assign(new Error('the receiver has ended'), { code: 'ECLOSED' })
    this.#assertReceiving()
    const sent = this.meta
    assert(sent !== null && isSamePoint(factsOf(sent), verified), 'the copy that was verified is the one received', {
      received: sent?.zxid ?? null,
      verified: verified.zxid,
    })
    await this.#beginWrite()
    await this.#endWrite()
    const { name, serverId, origin } = this.#options
    const meta: CheckpointMeta = { ...sent, serverId, origin }
    this.#write = this.#newWrite([{ key: metaKey, value: encodeMeta(meta) }])
    await this.#endWrite()
    this.#state = 'finished'
    return this.#options.install({ store: this.#openStore(), name, meta })
  }

  /** Hands what was collected to the store, which writes one batch at a time. */
  async #beginWrite(): Promise<void> {
    await this.#endWrite()
    if (this.#collected.length === 0) return
    this.#write = this.#newWrite(new EntriesOf(this.#collected))
    this.#collected = []
    this.#collectedSizeBytes = 0
  }

  /** The write under way is durable when it resolves. One that has failed is carried out again, on a store opened again. */
  async #endWrite(): Promise<void> {
    const write = this.#write
    if (write === null) return
    if (this.#mustReopen) {
      await this.#reopen()
      write.done = this.#put(write.entries)
    }
    await write.done
    this.#write = null
  }

  #newWrite(entries: Iterable<KeyValue>): Write {
    return { entries, done: this.#put(entries) }
  }

  #put(entries: Iterable<KeyValue>): Promise<void> {
    const done = this.#openStore().write(entries, [])
    done.catch(() => {
      this.#mustReopen = true
    })
    return done
  }

  async #reopen(): Promise<void> {
    const failed = this.#store
    this.#store = null
    await failed?.close()
    this.#store = await this.#options.reopen()
    this.#mustReopen = false
  }

  #openStore(): KeyValueStore {
    assert(this.#store !== null, 'a receiver writes to an open store', { name: this.#options.name })
    return this.#store
  }

  #assertReceiving(): void {
    assert(this.#state === 'receiving', 'a receiver is used until it is finished or given up', { state: this.#state })
  }

  #inOrder<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act)
    this.#last = result.catch(() => {})
    return result
  }
}

/** The entries of chunks, without the meta record. They are made when they are asked for: a batch has many. */
class EntriesOf implements Iterable<KeyValue> {
  readonly #chunks: readonly Uint8Array[]

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks
  }

  *[Symbol.iterator](): Iterator<KeyValue> {
    for (const chunk of this.#chunks) {
      for (const entry of entriesIn(chunk)) if (entry.key[0] !== metaKey[0]) yield entry
    }
  }
}

function entriesIn(chunk: Uint8Array): readonly KeyValue[] {
  const entries: KeyValue[] = []
  forEachRecord(chunk, viewOf(chunk), (keyStart, keyEnd, valueStart, valueEnd) => {
    entries.push({ key: chunk.subarray(keyStart, keyEnd), value: chunk.subarray(valueStart, valueEnd) })
    return null
  })
  return entries
}

/** Null: the first record is another one. */
function metaIn(chunk: Uint8Array): Uint8Array | null {
  const first = entriesIn(chunk)[0]
  return first !== undefined && first.key[0] === metaKey[0] ? first.value : null
}

/** Whether both are of one checkpoint, whichever server has it. */
export function isSamePoint(a: CheckpointFacts, b: CheckpointFacts): boolean {
  return a.zxid === b.zxid && a.hash === b.hash && a.digest === b.digest
}
