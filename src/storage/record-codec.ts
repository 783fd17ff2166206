/**
 * The bytes of one record: kind u8, then its fields, big-endian; 64-bit numbers as two words.
 *   1 txn             zxid u64, hash u64, length u32, payload
 *   2 accepted-epoch  epoch u32, leader u32
 *   3 current-epoch   epoch u32, clusterId u64
 *   4 committed       zxid u64
 *   5 truncate        zxid u64, hash u64
 * Records have no checksum of their own: the batch is the unit of writing and of checking. Decoding assumes a batch
 * whose checksum holds, so bytes that are no record come from a writer of another version, or from a bug.
 */
import { assertNever } from '../base/assert.ts'
import type { ChainHash } from '../base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { StoredRecord } from './log-state.ts'

const wordSpan = 2 ** 32
const txnFixedSizeBytes = 21

export function recordSizeBytes(record: StoredRecord): number {
  switch (record.kind) {
    case 'txn':
      return txnFixedSizeBytes + record.payload.length
    case 'accepted-epoch':
    case 'committed':
      return 9
    case 'current-epoch':
      return 13
    case 'truncate':
      return 17
    default:
      return assertNever(record)
  }
}

/** Writes at `offset`, returns the offset after it. The only place that copies a payload. */
export function writeRecord(bytes: Uint8Array, view: DataView, offset: number, record: StoredRecord): number {
  switch (record.kind) {
    case 'txn':
      view.setUint8(offset, 1)
      writeUint64(view, offset + 1, record.zxid)
      writeUint64(view, offset + 9, record.hash)
      view.setUint32(offset + 17, record.payload.length)
      bytes.set(record.payload, offset + txnFixedSizeBytes)
      break
    case 'accepted-epoch':
      view.setUint8(offset, 2)
      view.setUint32(offset + 1, record.epoch)
      view.setUint32(offset + 5, record.leader)
      break
    case 'current-epoch':
      view.setUint8(offset, 3)
      view.setUint32(offset + 1, record.epoch)
      writeUint64(view, offset + 5, record.clusterId)
      break
    case 'committed':
      view.setUint8(offset, 4)
      writeUint64(view, offset + 1, record.zxid)
      break
    case 'truncate':
      view.setUint8(offset, 5)
      writeUint64(view, offset + 1, record.zxid)
      writeUint64(view, offset + 9, record.hash)
      break
    default:
      return assertNever(record)
  }
  return offset + recordSizeBytes(record)
}

/** The records of a batch body in order, or null if the bytes are not records. Payloads are views of `bytes`. */
export function readRecords(bytes: Uint8Array): readonly StoredRecord[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const records: StoredRecord[] = []
  let offset = 0
  while (offset < bytes.length) {
    const record = readRecord(bytes, view, offset)
    if (record === null) return null
    records.push(record)
    offset += recordSizeBytes(record)
  }
  return records
}

function readRecord(bytes: Uint8Array, view: DataView, offset: number): StoredRecord | null {
  const kind = bytes[offset]!
  const sizes = [0, txnFixedSizeBytes, 9, 13, 9, 17]
  const sizeBytes = sizes[kind] ?? 0
  if (sizeBytes === 0 || offset + sizeBytes > bytes.length) return null
  switch (kind) {
    case 1: {
      const start = offset + txnFixedSizeBytes
      const end = start + view.getUint32(offset + 17)
      if (end > bytes.length) return null
      const payload = bytes.subarray(start, end)
      return { kind: 'txn', zxid: zxidAt(view, offset + 1), hash: readUint64(view, offset + 9) as ChainHash, payload }
    }
    case 2:
      return {
        kind: 'accepted-epoch',
        epoch: view.getUint32(offset + 1) as Epoch,
        leader: view.getUint32(offset + 5) as ServerId,
      }
    case 3:
      return {
        kind: 'current-epoch',
        epoch: view.getUint32(offset + 1) as Epoch,
        clusterId: readUint64(view, offset + 5) as ClusterId,
      }
    case 4:
      return { kind: 'committed', zxid: zxidAt(view, offset + 1) }
    case 5:
      return { kind: 'truncate', zxid: zxidAt(view, offset + 1), hash: readUint64(view, offset + 9) as ChainHash }
    default:
      return null
  }
}

function zxidAt(view: DataView, offset: number): Zxid {
  return readUint64(view, offset) as Zxid
}

/** For numbers below 2⁵³, as is every 64-bit field of the log. */
export function writeUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / wordSpan))
  view.setUint32(offset + 4, value >>> 0)
}

export function readUint64(view: DataView, offset: number): number {
  return view.getUint32(offset) * wordSpan + view.getUint32(offset + 4)
}
