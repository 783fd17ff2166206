/**
 * Reads the chunks of a copy in order and checks that they are a whole checkpoint: every record is of a known form, the
 * znodes are a tree without a hole, there are as many sessions and znodes as the meta record says, and the digest is the
 * one in it. What is done with the entries is decided by the `CopyContent`. A copy that passes is the state of the
 * server that sent it, entry by entry.
 */
import { assert } from '../base/assert.ts'
import type { SessionId } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { CheckpointFacts } from '../ports/checkpoints.ts'
import { statOffsets } from '../protocol/client/stat.ts'
import type { TreeDigest } from '../tree/tree-digest.ts'
import { type CheckpointMeta, factsOf, readMeta } from './checkpoint-meta.ts'
import { forEachRecordOf, numberOfChunk, viewOf } from './chunk.ts'
import { DepthFirstWalk } from './depth-first-walk.ts'
import { metaKey, sessionKeySizeBytes, sessionKind, znodeKind } from './store-keys.ts'
import { readSession, type StoredSession, sessionValueSizeBytes, splitZnode, type ZnodeParts } from './store-values.ts'

export interface CopyContent {
  session(sessionId: SessionId, session: StoredSession): void
  /**
   * `key`: [start, end) of the path in the key. The name begins at `nameStart`, the value at `valueStart`; `parts` is
   * valid during the call. Depth 0 is the root; the parent is the last znode before with a depth that is lower by one.
   * Returns what is wrong, or null.
   */
  znode(place: ZnodePlace, parts: ZnodeParts): string | null
  /** Of the znodes so far. */
  digest(): TreeDigest
}

/** One object serves for all znodes. */
export interface ZnodePlace {
  bytes: Uint8Array
  view: DataView // of the same bytes
  depth: number
  pathStart: number
  nameStart: number
  pathEnd: number // of the name, too
  valueStart: number
}

export class CopyReader {
  readonly #content: CopyContent
  readonly #hasChecksums: boolean
  readonly #walk = new DepthFirstWalk()
  readonly #place: ZnodePlace = {
    bytes: nothing,
    view: viewOf(nothing),
    depth: 0,
    pathStart: 0,
    nameStart: 0,
    pathEnd: 0,
    valueStart: 0,
  }
  readonly #parts: ZnodeParts = { aclStart: 0, dataStart: 0, dataLengthBytes: 0, isDataNull: true }
  #meta: CheckpointMeta | null = null
  #chunkCount = 0
  #sessionCount = 0
  #lastSessionId = -1n
  #znodeCount = 0

  /** `hasChecksums`: the chunks have them, and they were not checked yet. */
  constructor(content: CopyContent, hasChecksums: boolean) {
    this.#content = content
    this.#hasChecksums = hasChecksums
  }

  /** After the first chunk. */
  get meta(): CheckpointMeta {
    assert(this.#meta !== null, 'the first chunk was read', {})
    return this.#meta
  }

  /** Returns what is wrong, or null. A chunk of which a part was used cannot be added again: the copy is given up. */
  add(chunk: Uint8Array): string | null {
    const number = numberOfChunk(chunk, this.#hasChecksums)
    if (number === null) return `chunk ${this.#chunkCount} is damaged`
    if (number !== this.#chunkCount) return `chunk ${number} came where chunk ${this.#chunkCount} was expected`
    const view = viewOf(chunk)
    this.#place.bytes = chunk
    this.#place.view = view
    const problem = forEachRecordOf(chunk, view, (keyStart, keyEnd, valueStart, valueEnd) => {
      if (keyEnd === keyStart) return 'an entry has no key'
      const kind = chunk[keyStart]
      if (this.#meta === null)
        return this.#addMeta(chunk.subarray(keyStart, keyEnd), chunk.subarray(valueStart, valueEnd))
      if (kind === znodeKind) return this.#addZnode(keyStart, keyEnd, valueStart, valueEnd)
      if (kind === sessionKind) return this.#addSession(view, keyStart, keyEnd, valueStart, valueEnd)
      return `entries of the kind ${kind} are unknown`
    })
    this.#chunkCount += 1
    return problem === null ? null : `chunk ${number}: ${problem}`
  }

  /** After the last chunk. */
  finish(): Result<CheckpointFacts, string> {
    if (this.#meta === null) return err('the copy is empty')
    const facts = factsOf(this.#meta)
    const hole = this.#walk.finish()
    if (hole !== null) return err(hole)
    const digest = this.#content.digest()
    const found = `${this.#znodeCount} znodes, ${this.#sessionCount} sessions, digest ${digest}`
    const expected = `${facts.znodeCount} znodes, ${facts.sessionCount} sessions, digest ${facts.digest}`
    return found === expected ? ok(facts) : err(`it has ${found}, and its meta record says ${expected}`)
  }

  #addMeta(key: Uint8Array, value: Uint8Array): string | null {
    if (key.length !== metaKey.length || key[0] !== metaKey[0]) return 'the meta record is missing'
    const reading = readMeta(value)
    switch (reading.kind) {
      case 'valid':
        this.#meta = reading.meta
        return null
      case 'damaged':
        return 'the meta record is damaged'
      case 'newer':
        return `it was made by a version of zkts with ${reading.what}, which this version does not read`
    }
  }

  #addSession(view: DataView, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): string | null {
    const isSession = keyEnd - keyStart === sessionKeySizeBytes && valueEnd - valueStart === sessionValueSizeBytes
    if (!isSession) return 'a session is not readable'
    const sessionId = view.getBigUint64(keyStart + 1) as SessionId
    if (this.#walk.depth >= 0 || sessionId <= this.#lastSessionId) return 'sessions are not in order'
    this.#lastSessionId = sessionId
    this.#sessionCount += 1
    this.#content.session(sessionId, readSession(view, valueStart))
    return null
  }

  #addZnode(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): string | null {
    const place = this.#place
    const { bytes, view } = place
    if (!splitZnode(view, valueStart, valueEnd, this.#parts)) return 'a znode is not readable'
    const childCount = view.getInt32(valueStart + statOffsets.numChildren)
    const problem = this.#walk.enter(bytes, keyStart + 1, keyEnd, childCount)
    if (problem !== null) return problem
    place.depth = this.#walk.depth
    place.pathStart = keyStart + 1
    place.nameStart = this.#walk.nameStart
    place.pathEnd = keyEnd
    place.valueStart = valueStart
    this.#znodeCount += 1
    return this.#content.znode(place, this.#parts)
  }
}

const nothing = new Uint8Array(0)
