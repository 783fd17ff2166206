/**
 * The first sector of a segment file. The header and the file's directory entry are durable before the first batch is
 * written after it. The header carries the state of the log at the start of the segment and the checksum of the batch
 * before, so a missing, stale or foreign segment contradicts its neighbours. The last byte is never zero: if it is
 * zero, the write of the header never finished.
 *
 * File name: `<first possible zxid>-<sequence>.log`, both in hex with leading zeros. The sequence alone orders
 * segments; the zxid is for people. (It repeats when a segment holds no txn, and goes back after a truncation, hence
 * the sequence.)
 *
 * A segment may have the mark that the log restarts with it: a copy of the state has replaced all that came before. The
 * segments before it are void, whether they were removed already or not, and its state has another history than theirs.
 * It names no checksum before it, so a reader that comes from them sees that it does not continue them.
 *
 * Another mark says that the server adopts the log with this segment (adopt-log.ts). The segments before it may have been
 * written by other servers; it continues them, and its state has the epochs and the cluster id that hold from here on.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import { crc32c } from '../base/crc32c.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import type { Disk } from '../ports/disk.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import { endMark, sectorSizeBytes } from './batch-format.ts'
import type { LogState } from './log-state.ts'
import { readUint64, writeUint64 } from './record-codec.ts'

export const segmentHeaderSizeBytes = sectorSizeBytes
export const formatVersion = 1

const magic = 0x7a6b7473 // "zkts"
const checksumOffset = 504
const endOffset = 511

export interface SegmentHeader {
  readonly version: number
  readonly serverId: ServerId
  readonly sequence: number // 1 for the first segment, then without gaps
  readonly checksumBefore: number // of the last batch before this segment, 0 if none
  readonly firstBatch: number // the number of the first batch of this segment
  readonly state: LogState // at the start of the segment
  readonly restarts: boolean // the segments before it are void
  readonly adopts: boolean // the segments before it may be those of other servers
  readonly checksum: number // seeds the header checksums of the segment's batches
}

export type HeaderReading =
  | { readonly kind: 'valid'; readonly header: SegmentHeader }
  | { readonly kind: 'lost' } // never completely written
  | { readonly kind: 'damaged' }

export function encodeSegmentHeader(header: Omit<SegmentHeader, 'checksum' | 'version'>): Uint8Array {
  const bytes = new Uint8Array(segmentHeaderSizeBytes)
  const view = new DataView(bytes.buffer)
  const { state } = header
  view.setUint32(0, magic)
  view.setUint32(4, formatVersion)
  view.setUint32(8, header.serverId)
  view.setUint32(12, header.sequence)
  view.setUint32(16, header.checksumBefore)
  writeUint64(view, 20, header.firstBatch)
  writeUint64(view, 28, state.lastZxid)
  writeUint64(view, 36, state.lastHash)
  view.setUint32(44, state.acceptedEpoch)
  view.setUint32(48, wordOfLeader(state.acceptedLeader))
  view.setUint32(52, state.currentEpoch)
  writeUint64(view, 56, state.clusterId)
  writeUint64(view, 64, state.committed)
  view.setUint32(72, header.restarts ? 1 : 0)
  view.setUint32(76, header.adopts ? 1 : 0)
  view.setUint32(80, state.mustSync ? 1 : 0)
  view.setUint32(checksumOffset, crc32c(bytes.subarray(0, checksumOffset)))
  bytes[endOffset] = endMark
  return bytes
}

export function readSegmentHeader(bytes: Uint8Array): HeaderReading {
  if (bytes.length < segmentHeaderSizeBytes || bytes[endOffset] === 0) return { kind: 'lost' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, segmentHeaderSizeBytes)
  const checksum = view.getUint32(checksumOffset)
  const intact = checksum === crc32c(bytes.subarray(0, checksumOffset)) && view.getUint32(0) === magic
  if (!intact || bytes[endOffset] !== endMark || !isZero(bytes.subarray(checksumOffset + 4, endOffset))) {
    return { kind: 'damaged' }
  }
  const state: LogState = {
    lastZxid: readUint64(view, 28) as Zxid,
    lastHash: readUint64(view, 36) as ChainHash,
    acceptedEpoch: view.getUint32(44) as Epoch,
    acceptedLeader: leaderOfWord(view.getUint32(48)),
    currentEpoch: view.getUint32(52) as Epoch,
    clusterId: readUint64(view, 56) as ClusterId,
    committed: readUint64(view, 64) as Zxid,
    mustSync: view.getUint32(80) === 1,
  }
  return {
    kind: 'valid',
    header: {
      version: view.getUint32(4),
      serverId: view.getUint32(8) as ServerId,
      sequence: view.getUint32(12),
      checksumBefore: view.getUint32(16),
      firstBatch: readUint64(view, 20),
      state,
      restarts: view.getUint32(72) === 1,
      adopts: view.getUint32(76) === 1,
      checksum,
    },
  }
}

/**
 * Whether the segment starts exactly where the log before it ends: after this batch, with this state. An adoption may raise
 * the accepted epoch, and may change the cluster id.
 */
export function continuesLog(
  header: SegmentHeader,
  end: { readonly nextNumber: number; readonly checksum: number },
  state: LogState,
): boolean {
  const isSameHistory =
    header.checksumBefore === end.checksum &&
    header.firstBatch === end.nextNumber &&
    header.state.lastZxid === state.lastZxid &&
    header.state.lastHash === state.lastHash &&
    header.state.committed === state.committed
  if (header.adopts) return isSameHistory && header.state.acceptedEpoch >= state.acceptedEpoch
  return (
    isSameHistory &&
    header.state.acceptedEpoch === state.acceptedEpoch &&
    header.state.currentEpoch === state.currentEpoch
  )
}

/**
 * In every version of the format 0 means that no server is known from which the epoch was accepted. So server 0 is stored as a number that no server
 * has.
 */
const wordOfServerZero = 256

function wordOfLeader(leader: ServerId | null): number {
  if (leader === null) return 0
  return leader === 0 ? wordOfServerZero : leader
}

function leaderOfWord(word: number): ServerId | null {
  if (word === 0) return null
  return (word === wordOfServerZero ? 0 : word) as ServerId
}

export function segmentName(lastZxidBefore: Zxid, sequence: number): string {
  return `${(lastZxidBefore + 1).toString(16).padStart(16, '0')}${endOfSegmentName(sequence)}`
}

export function endOfSegmentName(sequence: number): string {
  return `-${sequence.toString(16).padStart(8, '0')}.log`
}

/** The sequence in a segment's name, null if it is not the name of a segment. */
export function sequenceOfName(name: string): number | null {
  const match = /^[0-9a-f]{16}-([0-9a-f]{8})\.log$/.exec(name)
  return match === null ? null : Number.parseInt(match[1]!, 16)
}

export interface SegmentName {
  readonly path: string
  readonly sequence: number
}

/** The segments in the folder, by sequence. */
export async function listSegments(disk: Disk, folder: string): Promise<readonly SegmentName[]> {
  const found: SegmentName[] = []
  for (const name of await disk.list(folder)) {
    const sequence = sequenceOfName(name)
    if (sequence !== null) found.push({ path: `${folder}/${name}`, sequence })
  }
  return found.sort((a, b) => a.sequence - b.sequence)
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}
