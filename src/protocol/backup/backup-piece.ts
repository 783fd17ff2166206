/**
 * A backup is a sequence of pieces. The same bytes go from the server to its client and into the file:
 *   1 chunk  one chunk of a copy of a checkpoint (src/checkpoint/chunk.ts), which has its own checksum and number
 *   2 txns   consecutive committed txns: for each zxid u64, chain hash u64, payload length u32, payload
 *   3 end    zxid u64, chain hash u64, epoch u32, cluster id u64, server id u32, time u64, count of txns u64
 * Numbers are big-endian. The number of the kind and the length are kept beside the bytes by what carries the piece. First
 * come the chunks, if the backup has a checkpoint, then the txns, then one end. Each txn continues the history before it,
 * which begins at the checkpoint or at the point from which the backup was asked for; the hash of the end covers all of it.
 */
import { assert } from '../../base/assert.ts'
import type { ChainHash } from '../../base/chain-hash.ts'
import { type Epoch, epochMax, type ServerId, type Zxid } from '../../base/ids.ts'
import type { ClusterId, TxnEntry } from '../disk/log-record.ts'

/** The state of a server after the last txn of a backup. */
export interface BackupEnd {
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including `zxid`
  readonly epoch: Epoch // the current epoch of the server
  readonly clusterId: ClusterId
  readonly serverId: ServerId
  readonly wallMs: number // by the clock of the server, when the backup was begun
  readonly txnCount: number // in the pieces before this one
}

export type BackupPiece =
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'txns'; readonly txns: readonly TxnEntry[] } // at least one
  | ({ readonly kind: 'end' } & BackupEnd)

/** A piece as it is sent and stored. */
export interface EncodedPiece {
  readonly kindNumber: number
  readonly bytes: Uint8Array
}

const kinds = ['chunk', 'txns', 'end'] as const
const txnHeaderSizeBytes = 20
const endSizeBytes = 48
const wordSpan = 2 ** 32

/** The number of this kind; it never changes its meaning. */
export function kindNumberOf(kind: BackupPiece['kind']): number {
  return kinds.indexOf(kind) + 1
}

/** A chunk is not copied. */
export function encodePiece(piece: BackupPiece): EncodedPiece {
  const kindNumber = kindNumberOf(piece.kind)
  switch (piece.kind) {
    case 'chunk':
      return { kindNumber, bytes: piece.bytes }
    case 'txns':
      return { kindNumber, bytes: encodeTxns(piece.txns) }
    case 'end':
      return { kindNumber, bytes: encodeEnd(piece) }
  }
}

/** Null: the bytes are no piece of that kind. Chunks and payloads are views of `bytes`, and are not looked into. */
export function decodePiece({ kindNumber, bytes }: EncodedPiece): BackupPiece | null {
  switch (kinds[kindNumber - 1]) {
    case 'chunk':
      return { kind: 'chunk', bytes }
    case 'txns': {
      const txns = decodeTxns(bytes)
      return txns === null ? null : { kind: 'txns', txns }
    }
    case 'end': {
      const end = decodeEnd(bytes)
      return end === null ? null : { kind: 'end', ...end }
    }
    default:
      return null
  }
}

function encodeTxns(txns: readonly TxnEntry[]): Uint8Array {
  assert(txns.length > 0, 'a piece of txns is not empty', {})
  const sizeBytes = txns.reduce((sum, { payload }) => sum + txnHeaderSizeBytes + payload.length, 0)
  const bytes = new Uint8Array(sizeBytes)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { zxid, hash, payload } of txns) {
    writeUint64(view, at, zxid)
    writeUint64(view, at + 8, hash)
    view.setUint32(at + 16, payload.length)
    bytes.set(payload, at + txnHeaderSizeBytes)
    at += txnHeaderSizeBytes + payload.length
  }
  return bytes
}

function decodeTxns(bytes: Uint8Array): readonly TxnEntry[] | null {
  const view = viewOf(bytes)
  const txns: TxnEntry[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at + txnHeaderSizeBytes
    if (start > bytes.length) return null
    const zxid = readUint64(view, at)
    const hash = readUint64(view, at + 8)
    const end = start + view.getUint32(at + 16)
    if (zxid === null || hash === null || end > bytes.length) return null
    if (zxid <= (txns.at(-1)?.zxid ?? 0)) return null
    txns.push({ zxid: zxid as Zxid, hash: hash as ChainHash, payload: bytes.subarray(start, end) })
    at = end
  }
  return txns.length === 0 ? null : txns
}

function encodeEnd({ zxid, hash, epoch, clusterId, serverId, wallMs, txnCount }: BackupEnd): Uint8Array {
  const bytes = new Uint8Array(endSizeBytes)
  const view = new DataView(bytes.buffer)
  writeUint64(view, 0, zxid)
  writeUint64(view, 8, hash)
  view.setUint32(16, epoch)
  writeUint64(view, 20, clusterId)
  view.setUint32(28, serverId)
  writeUint64(view, 32, wallMs)
  writeUint64(view, 40, txnCount)
  return bytes
}

function decodeEnd(bytes: Uint8Array): BackupEnd | null {
  if (bytes.length !== endSizeBytes) return null
  const view = viewOf(bytes)
  const zxid = readUint64(view, 0)
  const hash = readUint64(view, 8)
  const epoch = view.getUint32(16)
  const clusterId = readUint64(view, 20)
  const serverId = view.getUint32(28)
  const wallMs = readUint64(view, 32)
  const txnCount = readUint64(view, 40)
  if (zxid === null || hash === null || clusterId === null || wallMs === null || txnCount === null) return null
  if (epoch > epochMax) return null
  return {
    zxid: zxid as Zxid,
    hash: hash as ChainHash,
    epoch: epoch as Epoch,
    clusterId: clusterId as ClusterId,
    serverId: serverId as ServerId,
    wallMs,
    txnCount,
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function writeUint64(view: DataView, offset: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'a number of a backup fits its field', { value })
  view.setUint32(offset, Math.floor(value / wordSpan))
  view.setUint32(offset + 4, value >>> 0)
}

/** Null: no server writes so large a number. */
function readUint64(view: DataView, offset: number): number | null {
  const value = view.getUint32(offset) * wordSpan + view.getUint32(offset + 4)
  return Number.isSafeInteger(value) ? value : null
}
