/**
 * The decision tables of a start (design D14): whether the server may start, by the identity of the data folder and by
 * the logs that exist. To serve where this refuses would show an empty or a foreign tree. To refuse without need keeps
 * a healthy server down, so each refusal rests on a contradiction to something durable.
 */
import type { Epoch, ServerId } from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { DataIdentity } from './data-identity.ts'

export interface FolderFacts {
  readonly identity: DataIdentity | 'missing' | 'damaged'
  readonly serverId: ServerId
  /** The configured log folder holds segments. */
  readonly hasWal: boolean
  /**
   * The log folder is another one than at the last start, in the same place, and the identity was not copied along with
   * it: as after a restore of the log alone.
   */
  readonly isWalExchanged: boolean
  /** Data folder and log folder are other ones than at the last start: the data was copied as a whole. */
  readonly isCopy: boolean
  /** The server is standalone, or the only member of its ensemble. */
  readonly isAlone: boolean
  /** Other folders with a log: below dataDir, or the folder that the identity names. */
  readonly otherWals: readonly string[]
}

export type FolderPlan =
  | { readonly kind: 'open-log' }
  | { readonly kind: 'start-empty' }
  | { readonly kind: 'refuse'; readonly why: FolderRefusal }

export type FolderRefusal =
  | 'of-another-server'
  | 'log-missing' // the identity names a log that has held records
  | 'member-alone' // the data is that of a member of an ensemble, which may go on without it
  | 'copied' // what the server has acknowledged since the copy is missing, or another process uses the original
  | 'log-exchanged'
  | 'log-elsewhere' // no identity, but a log in another place
  | 'identity-damaged' // and no log from which it could be rebuilt

export function planFolder(facts: FolderFacts): FolderPlan {
  const { identity, serverId, hasWal, isWalExchanged, isCopy, isAlone, otherWals } = facts
  const isOther = typeof identity !== 'string' && identity.serverId !== serverId
  // An identity without an epoch and without the mark of "initialize" is of a folder that has never held data.
  if (isOther && (identity.currentEpoch > 0 || identity.isInitialized)) return refuse('of-another-server')
  const holdsData = typeof identity !== 'string' && identity.currentEpoch > 0
  if (holdsData && isAlone && (identity.members?.length ?? 1) > 1) return refuse('member-alone')
  if (hasWal && isCopy) return refuse('copied')
  if (hasWal && isWalExchanged) return refuse('log-exchanged')
  if (hasWal) return { kind: 'open-log' }
  if (identity === 'damaged') return refuse('identity-damaged')
  if (holdsData) return refuse('log-missing')
  if (otherWals.length > 0) return refuse('log-elsewhere')
  return { kind: 'start-empty' }
}

function refuse(why: FolderRefusal): FolderPlan {
  return { kind: 'refuse', why }
}

export interface LogFacts {
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
  /** Of the newest segment that has a header; 0: there is none. */
  readonly newestSegment: number
  /** A segment without a finished header; null: there is none. */
  readonly unusedSegment: string | null
}

export type LogRefusal =
  | 'log-emptied' // the log holds nothing, and this folder has held data, or may have
  | 'older-log'
  | 'newest-segment-missing'
  | 'of-another-cluster'

/**
 * After the log was read, before it is changed. The identity of an epoch is written after the log, so after a crash the
 * log may be newer, never older. The first identity, without an epoch, is written before the first segment. So a crash
 * during the first start leaves an empty segment together with that identity, and never an empty segment alone.
 */
export function checkWal(identity: FolderFacts['identity'], wal: LogFacts): LogRefusal | null {
  const isEmpty = wal.currentEpoch === 0
  if (identity === 'damaged') return isEmpty ? 'log-emptied' : null
  if (identity === 'missing') return isEmpty && wal.unusedSegment !== null ? 'log-emptied' : null
  if (isEmpty && identity.currentEpoch > 0) return 'log-emptied'
  if (wal.currentEpoch < identity.currentEpoch) return 'older-log'
  // On the way to another cluster both files first get the id 0, the log before the identity. So a crash never leaves
  // two different ids.
  if (wal.clusterId !== 0 && identity.clusterId !== 0 && wal.clusterId !== identity.clusterId) {
    return 'of-another-cluster'
  }
  // A segment is noted when it exists durably, and a restart of the log continues the sequence. So the newest segment has
  // at least this number, whatever a crash left.
  if (wal.newestSegment < identity.newestSegment) return 'newest-segment-missing'
  return null
}
