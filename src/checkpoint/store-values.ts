/**
 * The values of a checkpoint store, big-endian. A znode:
 *    0 the Stat, as clients get it (68 bytes)     80 data: 0 = null, 1 = bytes (u8)
 *   68 create count i32                           81 size of the ACL u32
 *   72 owner u64, raw                             85 the ACL, then the data
 * An ACL: number of entries u32; each entry: perms i32, then scheme and id, each as u32 size and bytes. The bytes of texts
 * are those of znode-name.ts, so that every string comes back as it was. A session (16 bytes):
 *    0 timeout in ms i32                  12 the server that it is attached to, plus 1 (u8); 0 = not known
 *    4 zxid of its creation u64           13 its number among the sessions of that txn u24
 * Zxid and number give the order of creation, which is the order of the session table on every server.
 */
import { assert } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'
import { statOffsets, statSizeBytes } from '../protocol/client/stat.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { readUint64, writeUint64 } from '../storage/record-codec.ts'
import { nameLengthBytes, readName, writeName } from '../tree/znode-name.ts'
import { type ByteSlabs, ownBytes } from './byte-slabs.ts'

export const createCountOffset = statSizeBytes
export const ownerOffset = createCountOffset + 4
/** Stat, create count and owner: the fields of fixed size. */
export const znodeHeadSizeBytes = ownerOffset + 8
const dataKindOffset = znodeHeadSizeBytes
const aclSizeOffset = dataKindOffset + 1
const aclOffset = aclSizeOffset + 4

export function encodeZnode(
  head: Uint8Array,
  headAt: number,
  aclBytes: Uint8Array,
  data: Uint8Array | null,
  slabs: Pick<ByteSlabs, 'allocate'> = ownBytes,
): Uint8Array {
  const bytes = slabs.allocate(aclOffset + aclBytes.length + (data?.length ?? 0))
  for (let i = 0; i < znodeHeadSizeBytes; i += 1) bytes[i] = head[headAt + i]!
  bytes[dataKindOffset] = data === null ? 0 : 1
  bytes[aclSizeOffset] = aclBytes.length >>> 24
  bytes[aclSizeOffset + 1] = aclBytes.length >>> 16
  bytes[aclSizeOffset + 2] = aclBytes.length >>> 8
  bytes[aclSizeOffset + 3] = aclBytes.length
  bytes.set(aclBytes, aclOffset)
  if (data !== null) bytes.set(data, aclOffset + aclBytes.length)
  return bytes
}

/** The parts of a znode's value that have no fixed place. Positions are those of the bytes that were passed. */
export interface ZnodeParts {
  aclStart: number
  dataStart: number // and the end of the ACL
  dataLengthBytes: number
  isDataNull: boolean
}

/** Finds the parts in the bytes of [start, end); false if they are no znode. Does not read the ACL. */
export function splitZnode(view: DataView, start: number, end: number, parts: ZnodeParts): boolean {
  if (end - start < aclOffset) return false
  const dataLengthBytes = view.getInt32(start + statOffsets.dataLength)
  const dataKind = view.getUint8(start + dataKindOffset)
  parts.aclStart = start + aclOffset
  parts.dataStart = parts.aclStart + view.getUint32(start + aclSizeOffset)
  parts.dataLengthBytes = dataLengthBytes
  parts.isDataNull = dataKind === 0
  return dataKind <= 1 && dataLengthBytes >= 0 && (dataKind === 1 || dataLengthBytes === 0)
    ? parts.dataStart + dataLengthBytes === end
    : false
}

export function encodeAcl(entries: readonly AclEntry[]): Uint8Array {
  let sizeBytes = 4
  for (const { scheme, id } of entries) sizeBytes += 12 + textSizeBytes(scheme) + textSizeBytes(id)
  const bytes = new Uint8Array(sizeBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, entries.length)
  let at = 4
  for (const { perms, scheme, id } of entries) {
    view.setInt32(at, perms)
    at = writeText(bytes, view, at + 4, scheme)
    at = writeText(bytes, view, at, id)
  }
  return bytes
}

/** Null if the bytes are no ACL. */
export function readAcl(bytes: Uint8Array): readonly AclEntry[] | null {
  const end = bytes.length
  if (end < 4) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, end)
  const entries: AclEntry[] = []
  let at = 4
  for (let left = view.getUint32(0); left > 0; left -= 1) {
    const schemeAt = at + 4
    const schemeEnd = endOfText(view, schemeAt, end)
    const idEnd = schemeEnd === null ? null : endOfText(view, schemeEnd, end)
    if (schemeEnd === null || idEnd === null) return null
    const scheme = readName(bytes, schemeAt + 4, schemeEnd - schemeAt - 4)
    const id = readName(bytes, schemeEnd + 4, idEnd - schemeEnd - 4)
    entries.push({ perms: view.getInt32(at), scheme, id })
    at = idEnd
  }
  return at === end ? entries : null
}

export const sessionValueSizeBytes = 16

export interface StoredSession {
  readonly timeoutMs: number
  readonly attachedTo: ServerId | null // null: not known
  readonly zxid: number // of its creation
  readonly order: number // among the sessions that this txn created
}

export function encodeSession({ timeoutMs, attachedTo, zxid, order }: StoredSession): Uint8Array {
  const bytes = new Uint8Array(sessionValueSizeBytes)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, timeoutMs)
  writeUint64(view, 4, zxid)
  assert(order < 2 ** 24, 'the sessions of one txn fit their number', { order })
  view.setUint32(12, order)
  view.setUint8(12, attachedTo === null ? 0 : attachedTo + 1)
  return bytes
}

export function readSession(view: DataView, start: number): StoredSession {
  const [timeoutMs, zxid] = [view.getInt32(start), readUint64(view, start + 4)]
  const attached = view.getUint8(start + 12)
  const order = view.getUint32(start + 12) & 0xff_ffff
  return { timeoutMs, attachedTo: attached === 0 ? null : ((attached - 1) as ServerId), zxid, order }
}

function textSizeBytes(text: string): number {
  return nameLengthBytes(text, 0, text.length)
}

function writeText(bytes: Uint8Array, view: DataView, at: number, text: string): number {
  const sizeBytes = textSizeBytes(text)
  view.setUint32(at, sizeBytes)
  writeName(text, 0, text.length, bytes, at + 4)
  return at + 4 + sizeBytes
}

function endOfText(view: DataView, at: number, end: number): number | null {
  if (at + 4 > end) return null
  const textEnd = at + 4 + view.getUint32(at)
  return textEnd <= end ? textEnd : null
}
