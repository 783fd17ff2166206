/**
 * The identity of a data folder (design D14): one small text file in dataDir, which people may read. It names the
 * server, the cluster, the newest epoch, the newest file and the folder of the log. By it a server recognises a log folder
 * that is missing, empty, exchanged, an older copy or without its newest file, and does not serve it as an older tree. The log decides everything else
 * (design D5): this file is written after the log, and its only effect is that a server refuses to start.
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
  | { readonly kind: 'valid'; readonly identity: DataIdentity; readonly inode: string | null }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'newer'; readonly format: string }

const identityFormat = '1'
const heading = '# Written by zkts-server: what this data folder is. Do not edit.'

/** `inode`: of the file that will hold the bytes. */
export function encodeIdentity(identity: DataIdentity, inode: string): Uint8Array {
  const { walMark, members } = identity
  const text = [
    heading,
    `format=${identityFormat}`,
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
    '^(#[^\\n]*\nformat=1\nserver=(?<server>\\d+)\ncluster=0x(?<cluster>[0-9a-f]+)\nepoch=(?<epoch>\\d+)\n',
    'initialized=(?<initialized>true|false)\n(?:segment=(?<segment>\\d+)\n)?(?:members=(?<members>\\d+(?:,\\d+)*)\n)?log=(?<log>[^\\n]+)\n',
    '(?:loginode=(?<logInode>\\d+|unknown)\nlogbirth=(?<logBirth>\\d+|unknown)\ninode=(?<inode>\\d+)\n)?)',
    'check=(?<check>[0-9a-f]{8})\n$',
  ].join(''),
)

export function readIdentity(bytes: Uint8Array): IdentityReading {
  const text = new TextDecoder().decode(bytes)
  const format = /^#[^\n]*\nformat=([^\n]+)\n/.exec(text)?.[1]
  if (format !== undefined && format !== identityFormat) return { kind: 'newer', format }
  const match = form.exec(text)
  if (match === null || checkOf(match[1]!) !== match.groups!['check']) return { kind: 'damaged' }
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
  }
}

function checkOf(text: string): string {
  return crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
}
