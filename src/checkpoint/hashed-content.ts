/** What the znodes of a copy add up to, without keeping them: for a caller that checks a copy and does not load it. */
import type { SessionId } from '../base/ids.ts'
import { HashLanes } from '../tree/hash-lanes.ts'
import { aclKeyOf, hashAcl, hashData, hashImage } from '../tree/image-hash.ts'
import { addStoredName, rootPathHashA, rootPathHashB } from '../tree/path-hash.ts'
import { makeTreeDigest, type TreeDigest } from '../tree/tree-digest.ts'
import { BytesTable } from './bytes-table.ts'
import type { CopyContent, ZnodePlace } from './copy-reader.ts'
import { createCountOffset, ownerOffset, readAcl, type StoredSession, type ZnodeParts } from './store-values.ts'

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
