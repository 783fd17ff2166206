/**
 * The decision tables of a start (design D14): from what the identity of a data folder says, and from what is found, to
 * whether the server may start. Serving where this refuses would show an empty or a foreign tree; refusing without need
 * keeps a healthy server down, so each row that refuses contradicts something that was made durable.
 */
import type { Epoch, ServerId } from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { DataIdentity } from './data-identity.ts'

export interface FolderFacts {
  readonly identity: DataIdentity | 'missing' | 'damaged'
  readonly serverId: ServerId
  /** The configured log folder holds segments. */
  readonly hasLog: boolean
  /** Folders of logs in other places: below dataDir, or where the identity remembers the log. */
  readonly otherLogs: readonly string[]
}

export type FolderPlan =
  | { readonly kind: 'open-log' }
  | { readonly kind: 'start-empty' }
  | { readonly kind: 'refuse'; readonly why: FolderRefusal }

export type FolderRefusal =
  | 'of-another-server'
  | 'log-missing' // the identity remembers one
  | 'log-elsewhere' // there is no identity, and a log in another place
  | 'identity-damaged' // and there is no log that could tell what it said

export function planFolder({ identity, serverId, hasLog, otherLogs }: FolderFacts): FolderPlan {
  if (typeof identity !== 'string' && identity.serverId !== serverId) return refuse('of-another-server')
  if (hasLog) return { kind: 'open-log' }
  if (identity === 'damaged') return refuse('identity-damaged')
  if (identity !== 'missing' && identity.currentEpoch > 0) return refuse('log-missing')
  if (otherLogs.length > 0) return refuse('log-elsewhere')
  return { kind: 'start-empty' }
}

function refuse(why: FolderRefusal): FolderPlan {
  return { kind: 'refuse', why }
}

export interface LogFacts {
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
}

export type LogRefusal = 'older-log' | 'of-another-cluster'

/** The log was read. The identity is written after the log, so a crash between the two leaves the log ahead of it. */
export function checkLog(identity: DataIdentity, log: LogFacts): LogRefusal | null {
  if (log.currentEpoch < identity.currentEpoch) return 'older-log'
  // Between two clusters both go through none, the log first, so two names at a time are never of a crash.
  if (log.clusterId !== 0 && identity.clusterId !== 0 && log.clusterId !== identity.clusterId) {
    return 'of-another-cluster'
  }
  return null
}
