/**
 * A backup of a server, as a client of it gets it: facts, then pieces in order.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { ServerId, Zxid } from '../base/ids.ts'
import type { BackupPiece } from '../protocol/backup/backup-piece.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'

/** A point of the history of one ensemble. */
export interface BackupPoint {
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including `zxid`
}

export interface BackupOptions {
  /** The backup continues an earlier one that ends here: it has no checkpoint, only the txns after this point. */
  readonly after?: BackupPoint
}

export interface BackupFacts {
  readonly clusterId: ClusterId
  readonly serverId: ServerId
  /** The txns of the backup begin after this point: the checkpoint, or `after`. */
  readonly start: BackupPoint
  readonly hasCheckpoint: boolean
  /**
   * The last txn of the backup: what was committed, and durable on this server, when the backup was begun. Every write is in it
   * that was acknowledged before, unless the disk of this server was full: then the backup ends where its log ends.
   */
  readonly through: Zxid
  /** Of all pieces, as far as the server knows in advance. */
  readonly sizeBytesEstimate: number
}

/**
 * The pieces come in order, and the last one is the `end`. Iterating rejects with a `ClientError` if the session ends, and
 * with a `BackupError` if the server cannot go on; what was received until then is not a backup. It can be iterated once.
 * The end of the iteration, also an early one, closes the backup on the server, as `close` does.
 */
export interface Backup extends AsyncIterable<BackupPiece> {
  readonly facts: BackupFacts
  close(): Promise<void>
}

export type BackupRefusal =
  | 'log-begins-later' // the log of the server begins after the point asked for, at `oldest`
  | 'other-history' // the server has another history up to the point asked for
  | 'history-ends-earlier' // the server does not have that point: it lags, or has another history
  | 'too-many' // the server has as many open backups as it serves at once
  | 'closed' // the server no longer has this backup: nothing was read for a time, or the client is on another server now
  | 'failed' // the server could not read its checkpoint or its log

export class BackupError extends Error {
  readonly refusal: BackupRefusal
  /** With log-begins-later: a backup can continue from this txn or a later one. */
  readonly oldest: Zxid | null

  constructor(refusal: BackupRefusal, oldest: Zxid | null, explanation: string) {
    super(explanation)
    this.name = 'BackupError'
    this.refusal = refusal
    this.oldest = oldest
  }
}
