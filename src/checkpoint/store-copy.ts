/**
 * A copy of a store, cut into chunks while it is read. The view does not change, and where a chunk ends depends on the
 * entries alone, so a chunk that is asked for again has the same bytes. It keeps the first key of each chunk, about 100
 * bytes for each MiB.
 */
import { assert } from '../base/assert.ts'
import { checkpointChunkSizeBytesMax } from '../base/limits.ts'
import type { CheckpointCopy, CheckpointFacts } from '../ports/checkpoints.ts'
import type { KeyValueStore, KeyValueView } from '../ports/key-values.ts'
import { chunkHeaderSizeBytes, sealChunk } from './chunk.ts'
import { znodeKind } from './store-keys.ts'

/** Of znodes the digest of the tree is a proof, of sessions nothing is: so these are checked while they are read. */
export function viewForCopy(store: Pick<KeyValueStore, 'view'>): KeyValueView {
  return store.view(Uint8Array.of(znodeKind))
}

export interface StoreCopyOptions {
  readonly view: KeyValueView
  readonly facts: CheckpointFacts
  readonly hasChecksums: boolean
  readonly onClose?: () => Promise<void>
  /** What a failed read is reported as. */
  readonly explain?: (error: unknown) => unknown
  readonly sizeBytesMax?: number | undefined // of a chunk
}

export class StoreCopy implements CheckpointCopy {
  readonly facts: CheckpointFacts
  readonly hasChecksums: boolean
  readonly #view: KeyValueView
  readonly #chunkSizeBytesMax: number
  readonly #onClose: () => Promise<void>
  readonly #explain: (error: unknown) => unknown
  readonly #starts: Uint8Array[] = [new Uint8Array(0)] // by number of the chunk: its first key, or a smaller one
  #chunkCount: number | null = null
  #isClosed = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: StoreCopyOptions) {
    this.hasChecksums = options.hasChecksums
    this.#view = options.view
    this.facts = options.facts
    this.#onClose = options.onClose ?? (async () => {})
    this.#explain = options.explain ?? ((error) => error)
    this.#chunkSizeBytesMax = options.sizeBytesMax ?? checkpointChunkSizeBytesMax
  }

  get chunkCount(): number | null {
    return this.#chunkCount
  }

  /** Calls are carried out one after another. */
  chunk(number: number, room?: Uint8Array): Promise<Uint8Array | null> {
    assert(Number.isInteger(number) && number >= 0, 'chunks are numbered from 0', { number })
    const chunk = this.#last.then(() => {
      if (this.#isClosed) throw Object.assign(new Error('the copy of the checkpoint was closed'), { code: 'ECLOSED' })
      return this.#chunk(number, room).catch((error: unknown) => {
        throw this.#explain(error)
      })
    })
    this.#last = chunk.catch(() => {})
    return chunk
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    await this.abandon()
    await this.#onClose()
  }

  /** The store is about to be closed. */
  async abandon(): Promise<void> {
    this.#isClosed = true
    await this.#last
    await this.#view.close()
  }

  async #chunk(number: number, room?: Uint8Array): Promise<Uint8Array | null> {
    for (let before = this.#starts.length - 1; before < number; before += 1) {
      if (this.#chunkCount !== null) return null
      await this.#cut(before)
    }
    return this.#chunkCount !== null && number >= this.#chunkCount ? null : this.#cut(number, room)
  }

  /** Reads the chunk and notes where the next one starts. Null: the chunks before were all. */
  async #cut(number: number, room?: Uint8Array): Promise<Uint8Array | null> {
    const { bytes, next } = await this.#view.readRecords(
      this.#starts[number]!,
      chunkHeaderSizeBytes,
      this.#chunkSizeBytesMax,
      room,
    )
    const isEmpty = bytes.length === chunkHeaderSizeBytes
    if (next !== null) this.#starts[number + 1] ??= next
    else this.#chunkCount = isEmpty ? number : number + 1
    return isEmpty ? null : sealChunk(number, bytes, this.hasChecksums)
  }
}
