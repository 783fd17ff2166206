/**
 * The identity of a data folder (design D14): one small text file in dataDir, which people may read. It names the
 * server, the cluster, the newest epoch, the newest file and the folder of the log. By it a server recognises a log folder
 * that is missing, empty, exchanged, an older copy or without its newest file, and does not serve it as an older tree. The log decides everything else
 * (design D5): this file is written after the log, and its only effect is that a server refuses to start.
 *
 * The file has two slots of equal size, and each holds a whole identity with the number of its write. A file is made with
 * one identity in both. A later identity overwrites the older slot, so a write that power interrupts leaves the identity
 * before it. The reader takes the slot with the highest number whose checksum is correct. Earlier versions wrote one text
 * without slots (format 1), which is read as well.
 */
import { crc32c } from '../base/crc32c.ts'
import type { Epoch, ServerId } from '../base/ids.ts'
import type { FileIdentity } from '../ports/disk.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'

export interface DataIdentity {
  readonly serverId: ServerId
  readonly clusterId: ClusterId // 0: none yet, or between two clusters (ZabCore.beginSyncWith)
  readonly currentEpoch: Epoch // above 0: the log has held records
  /** The sequence of the newest segment that the log is known to have had; 0: none, or an older version wrote the file. */
  readonly newestSegment: number
  readonly walFolder: string // as configured
  /** What the log folder was at the last write; null: an older version wrote the file. */
  readonly walMark: FolderMark | null
  /** The server found the file `initialize`, so its empty log counts (db.autocreate=false). */
  readonly isInitialized: boolean
  /** Of the ensemble at the last write, the server itself included; null: an older version wrote the file. */
  readonly members: readonly ServerId[] | null
}

/** A folder that was copied or restored has another mark. Devices are left out, since their numbers change. */
export type FolderMark = Pick<FileIdentity, 'inode' | 'birth'>

export function isSameFolder(a: FolderMark, b: FolderMark): boolean {
  // Where inodes have no time of birth, a number that was given again cannot be recognised.
  return a.birth !== null && b.birth !== null ? a.birth === b.birth : a.inode === b.inode
}

export type IdentityReading =
  /** `inode`: of the file that was written; a copy of the file has another one. Null: an older version wrote it. */
  | {
      readonly kind: 'valid'
      readonly identity: DataIdentity
      readonly inode: string | null
      /** The newer of two slots without damage; null: a start writes the file again. */
      readonly slot: IdentitySlot | null
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'newer'; readonly format: string }

/** One of the two slots of a file. */
export interface IdentitySlot {
  readonly index: 0 | 1
  readonly sizeBytes: number // of each slot
  readonly writeNumber: number
}

const formats = ['1', '2']
const heading = '# Written by zkts-server: what this data folder is. Do not edit.'
/**
 * The largest unit in which disks write, also those that show sectors of 512 bytes: a slot that shared one with the other
 * would not survive its write.
 */
const slotAlignmentBytes = 4096
/** Room for numbers that become longer while the slots stay as they are. */
const slotRoomSizeBytes = 64

/** A file with one identity in both slots. `inode`: of the file that will hold the bytes. */
export function encodeIdentity(identity: DataIdentity, inode: string): Uint8Array {
  const text = textOf(identity, inode, 1)
  const sizeBytes = Math.ceil((text.length + slotRoomSizeBytes) / slotAlignmentBytes) * slotAlignmentBytes
  const file = new Uint8Array(2 * sizeBytes)
  file.set(padded(text, sizeBytes))
  file.set(padded(text, sizeBytes), sizeBytes)
  return file
}

/** Null: the identity is longer than a slot of this file. */
export function encodeSlot(
  identity: DataIdentity,
  inode: string,
  { sizeBytes, writeNumber }: IdentitySlot,
): Uint8Array | null {
  const text = textOf(identity, inode, writeNumber)
  return text.length < sizeBytes ? padded(text, sizeBytes) : null
}

/** The slot ends with a newline, so that people can read the next one. */
function padded(text: Uint8Array, sizeBytes: number): Uint8Array {
  const slot = new Uint8Array(sizeBytes).fill(blank)
  slot.set(text)
  slot[sizeBytes - 1] = newline
  return slot
}

const blank = 0x20
const newline = 0x0a

function textOf(identity: DataIdentity, inode: string, writeNumber: number): Uint8Array {
  const { walMark, members } = identity
  const text = [
    heading,
    'format=2',
    `write=${writeNumber}`,
    `server=${identity.serverId}`,
    `cluster=0x${identity.clusterId.toString(16)}`,
    `epoch=${identity.currentEpoch}`,
    `initialized=${identity.isInitialized}`,
    `segment=${identity.newestSegment}`,
    ...(members === null ? [] : [`members=${members.join(',')}`]),
    `log=${identity.walFolder}`,
    `loginode=${walMark?.inode ?? 'unknown'}`,
    `logbirth=${walMark?.birth ?? 'unknown'}`,
    `inode=${inode}`,
    '',
  ].join('\n')
  return new TextEncoder().encode(`${text}check=${checkOf(text)}\n`)
}

const form = new RegExp(
  [
    '^(#[^\\n]*\nformat=(?:1|2\nwrite=(?<write>\\d+))\nserver=(?<server>\\d+)\ncluster=0x(?<cluster>[0-9a-f]+)\nepoch=(?<epoch>\\d+)\n',
    'initialized=(?<initialized>true|false)\n(?:segment=(?<segment>\\d+)\n)?(?:members=(?<members>\\d+(?:,\\d+)*)\n)?log=(?<log>[^\\n]+)\n',
    '(?:loginode=(?<logInode>\\d+|unknown)\nlogbirth=(?<logBirth>\\d+|unknown)\ninode=(?<inode>\\d+)\n)?)',
    'check=(?<check>[0-9a-f]{8})\n(?<padding> *\n)?$',
  ].join(''),
)

export function readIdentity(bytes: Uint8Array): IdentityReading {
  const whole = readText(bytes)
  if (whole.kind === 'valid' && whole.writeNumber === null) return valid(whole, null)
  const sizeBytes = bytes.length / 2
  const isDivided = sizeBytes % slotAlignmentBytes === 0
  const texts = isDivided ? [readText(bytes.subarray(0, sizeBytes)), readText(bytes.subarray(sizeBytes))] : [whole]
  const slots = texts.filter(isSlot)
  const [first, second] = slots
  if (first === undefined || !isDivided) return texts.find(isNewer) ?? { kind: 'damaged' }
  if (second === undefined) return valid(first, null)
  const newest = second.writeNumber > first.writeNumber ? second : first
  return valid(newest, { index: newest === first ? 0 : 1, sizeBytes, writeNumber: newest.writeNumber })
}

function valid({ identity, inode }: ValidText, slot: IdentitySlot | null): IdentityReading {
  return { kind: 'valid', identity, inode, slot }
}

function isNewer(text: TextReading): text is Extract<TextReading, { readonly kind: 'newer' }> {
  return text.kind === 'newer'
}

function isSlot(text: TextReading): text is SlotText {
  return text.kind === 'valid' && text.writeNumber !== null
}

interface ValidText {
  readonly kind: 'valid'
  readonly identity: DataIdentity
  readonly inode: string | null
  readonly writeNumber: number | null // null: a text of format 1, without padding
}

type SlotText = ValidText & { readonly writeNumber: number }
type TextReading = ValidText | Extract<IdentityReading, { readonly kind: 'damaged' | 'newer' }>

function readText(bytes: Uint8Array): TextReading {
  const text = new TextDecoder().decode(bytes)
  const format = /^#[^\n]*\nformat=([^\n]+)\n/.exec(text)?.[1]
  if (format !== undefined && !formats.includes(format)) return { kind: 'newer', format }
  const match = form.exec(text)
  if (match === null || checkOf(match[1]!) !== match.groups!['check']) return { kind: 'damaged' }
  const { write, padding } = match.groups!
  if ((write === undefined) !== (padding === undefined)) return { kind: 'damaged' }
  const { server, cluster, epoch, initialized, segment, members, log, logInode, logBirth, inode } = match.groups!
  const isMarked = logInode !== undefined && logInode !== 'unknown'
  return {
    kind: 'valid',
    identity: {
      serverId: Number(server) as ServerId,
      clusterId: Number.parseInt(cluster!, 16) as ClusterId,
      currentEpoch: Number(epoch) as Epoch,
      isInitialized: initialized === 'true',
      newestSegment: Number(segment ?? 0),
      members: members === undefined ? null : members.split(',').map((id) => Number(id) as ServerId),
      walFolder: log!,
      walMark: isMarked ? { inode: logInode, birth: logBirth === 'unknown' ? null : logBirth! } : null,
    },
    inode: inode ?? null,
    writeNumber: write === undefined ? null : Number(write),
  }
}

function checkOf(text: string): string {
  return crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
}
