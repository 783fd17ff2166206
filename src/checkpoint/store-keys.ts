/**
 * The keys of a checkpoint store: one byte for the kind of entry, then what names it.
 *   1                    the meta record
 *   2  id (8 bytes)      a session
 *   3  path              a znode
 * A path is written as in znode-name.ts, with the byte 0 for each '/', and the root is empty. No name contains 0 or 1, so
 * the order of keys is depth-first, parents before children, and a znode with all below it is one contiguous range.
 */
import type { SessionId } from '../base/ids.ts'
import { nameLengthBytes, readName, writeName } from '../tree/znode-name.ts'
import { type ByteSlabs, ownBytes } from './byte-slabs.ts'

export const metaKey: Uint8Array = Uint8Array.of(1)
export const sessionKind = 2
export const znodeKind = 3
export const sessionKeySizeBytes = 9

const slash = 0x2f

export function sessionKeyOf(sessionId: SessionId): Uint8Array {
  const key = new Uint8Array(sessionKeySizeBytes)
  key[0] = sessionKind
  new DataView(key.buffer).setBigUint64(1, sessionId)
  return key
}

export function znodeKeyOf(path: string, slabs: Pick<ByteSlabs, 'allocate'> = ownBytes): Uint8Array {
  if (path === '/') return Uint8Array.of(znodeKind)
  const key = slabs.allocate(1 + nameLengthBytes(path, 0, path.length))
  key[0] = znodeKind
  writeName(path, 0, path.length, key, 1)
  for (let at = 1; at < key.length; at += 1) if (key[at] === slash) key[at] = 0
  return key
}

export function pathOfZnodeKey(key: Uint8Array): string {
  if (key.length === 1) return '/'
  const bytes = key.slice(1)
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] === 0) bytes[at] = slash
  return readName(bytes, 0, bytes.length)
}

/** The first key after the znode and all below it. */
export function endOfSubtree(key: Uint8Array): Uint8Array {
  return withByte(key, 1)
}

/** The smallest key that is greater. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return withByte(key, 0)
}

function withByte(key: Uint8Array, byte: number): Uint8Array {
  const longer = new Uint8Array(key.length + 1)
  longer.set(key)
  longer[key.length] = byte
  return longer
}
