/**
 * Builds a fresh store from the chunks of a copy. Each chunk is durable when `add` resolves; the meta record is written
 * last, after the whole copy was verified, so a store without one is unfinished. What happens to the finished store, or to
 * one that is given up, is decided by the keeper.
 */
import { assert } from '../base/assert.ts'
import type { SessionId } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { CheckpointFacts, CheckpointFailure, CheckpointOrigin, CheckpointReceiver } from '../ports/checkpoints.ts'
import type { KeyValue, KeyValueStore } from '../ports/key-values.ts'
import { HashLanes } from '../tree/hash-lanes.ts'
import { aclKeyOf, hashAcl, hashData, hashImage } from '../tree/image-hash.ts'
import { addStoredName, rootPathHashA, rootPathHashB } from '../tree/path-hash.ts'
import { makeTreeDigest, type TreeDigest } from '../tree/tree-digest.ts'
import { BytesTable } from './bytes-table.ts'
import { type CheckpointMeta, encodeMeta } from './checkpoint-meta.ts'
import { forEachRecord, numberOfChunk, viewOf } from './chunk.ts'
import { type CopyContent, CopyReader, type ZnodePlace } from './copy-reader.ts'
import { metaKey } from './store-keys.ts'
import { createCountOffset, ownerOffset, readAcl, type StoredSession, type ZnodeParts } from './store-values.ts'

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
  /** Makes the finished store the current one. */
  readonly install: (received: ReceivedStore) => Promise<CheckpointFacts>
  readonly discard: (name: string, store: KeyValueStore) => Promise<void>
}

type ReceiverState = 'receiving' | 'finished' | 'aborted'

export class StoreReceiver implements CheckpointReceiver {
  readonly #options: ReceiverOptions
  readonly #reader = new CopyReader(new HashedContent(), false) // `add` has checked the checksum
  #nextNumber = 0
  #problem: string | null = null
  #state: ReceiverState = 'receiving'
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** A chunk that was added before is accepted again and ignored, since its sender may not know. */
  add(number: number, chunk: Uint8Array): Promise<boolean> {
    return this.#inOrder(() => this.#add(number, chunk))
  }

  finish(): Promise<Result<CheckpointFacts, CheckpointFailure>> {
    return this.#inOrder(() => this.#finish())
  }

  abort(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state !== 'receiving') return
      this.#state = 'aborted'
      await this.#options.discard(this.#options.name, this.#options.store)
    })
  }

  async #add(number: number, chunk: Uint8Array): Promise<boolean> {
    this.#assertReceiving()
    if (numberOfChunk(chunk, true) !== number || number > this.#nextNumber) return false
    if (number < this.#nextNumber) return true
    // A chunk that came as it was made, with content that is wrong: its sender would send the same again.
    this.#problem ??= this.#reader.add(chunk)
    if (this.#problem === null) await this.#options.store.write(entriesIn(chunk), [])
    this.#nextNumber += 1
    return true
  }

  async #finish(): Promise<Result<CheckpointFacts, CheckpointFailure>> {
    this.#assertReceiving()
    const { store, name, serverId, origin } = this.#options
    const verified = this.#problem === null ? this.#reader.finish() : err(this.#problem)
    if (!verified.ok) {
      const message = `the copy of a checkpoint that was received is not usable: ${verified.error}. It is asked for again.`
      return err({ kind: 'damaged', message })
    }
    const meta: CheckpointMeta = { ...this.#reader.meta, serverId, origin }
    await store.write([{ key: metaKey, value: encodeMeta(meta) }], [])
    this.#state = 'finished'
    return ok(await this.#options.install({ store, name, meta }))
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

/** All but the meta record. */
function entriesIn(chunk: Uint8Array): readonly KeyValue[] {
  const entries: KeyValue[] = []
  forEachRecord(chunk, viewOf(chunk), (keyStart, keyEnd, valueStart, valueEnd) => {
    if (chunk[keyStart] !== metaKey[0])
      entries.push({ key: chunk.subarray(keyStart, keyEnd), value: chunk.subarray(valueStart, valueEnd) })
    return null
  })
  return entries
}

/** Keeps nothing of the znodes but what they add to the digest. */
export class HashedContent implements CopyContent {
  readonly #hash = new HashLanes()
  readonly #pathHashA: number[] = [] // by depth, of the znode added last and its ancestors
  readonly #pathHashB: number[] = []
  readonly #aclHashes = new BytesTable<{ readonly a: number; readonly b: number }>()
  #digestA = 0
  #digestB = 0

  session(_id: SessionId, _session: StoredSession): void {}

  znode({ bytes, view, depth, nameStart, pathEnd, valueStart }: ZnodePlace, parts: ZnodeParts): string | null {
    const aclHash = this.#aclHashes.find(bytes, parts.aclStart, parts.dataStart, hashOfAcl)
    if (aclHash === null) return 'an ACL is not readable'
    const hash = this.#hash
    hashData(hash, parts.isDataNull, view, parts.dataStart, parts.dataLengthBytes)
    const { a: dataHashA, b: dataHashB } = hash
    if (depth === 0) {
      hash.start(rootPathHashA, rootPathHashB)
    } else {
      hash.start(this.#pathHashA[depth - 1]!, this.#pathHashB[depth - 1]!)
      addStoredName(hash, bytes, nameStart, pathEnd)
    }
    this.#pathHashA[depth] = hash.a
    this.#pathHashB[depth] = hash.b
    const createCount = view.getInt32(valueStart + createCountOffset)
    const ownerHigh = view.getInt32(valueStart + ownerOffset)
    const ownerLow = view.getInt32(valueStart + ownerOffset + 4)
    hashImage(hash, view, valueStart, createCount, ownerHigh, ownerLow, dataHashA, dataHashB, aclHash.a, aclHash.b)
    this.#digestA = (this.#digestA + hash.a) | 0
    this.#digestB = (this.#digestB + hash.b) | 0
    return null
  }

  digest(): TreeDigest {
    return makeTreeDigest(this.#digestA, this.#digestB)
  }
}

function hashOfAcl(bytes: Uint8Array): { readonly a: number; readonly b: number } | null {
  const entries = readAcl(bytes)
  return entries === null ? null : hashAcl(aclKeyOf(entries))
}
