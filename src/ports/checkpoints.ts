/**
 * The checkpoint of one server: its tree and sessions as of one zxid, in a store on disk that another thread keeps. The
 * server says how far its log is committed; the keeper reads the log files itself, folds them into the store, and
 * answers when that is durable. Errors of the disk reject with the system's `code`, as those of `Disk` do; a checkpoint that
 * cannot be opened rejects with EDAMAGED, ELOCKED or EFOREIGN, as its `CheckpointFailure` says.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { Zxid } from '../base/ids.ts'
import type { Result } from '../base/result.ts'

/**
 * Where the content of a store came from: this server's own log, a copy that the leader sent, or a backup. A log that
 * does not contain the point of a received or restored store is replaced by it.
 */
export type CheckpointOrigin = 'folded' | 'received' | 'restored'

export interface CheckpointFacts {
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including `zxid`
  readonly origin: CheckpointOrigin
  readonly clusterId: number // 0: unknown
  readonly epoch: number // the current epoch at that point of the log
  readonly znodeCount: number
  readonly sessionCount: number
  /** Of the tree, with the version of the way in which it was made (src/tree/tree-digest.ts). */
  readonly digest: string
  readonly digestVersion: number
}

export interface VerifiedCheckpoint {
  readonly facts: CheckpointFacts
  /** What was wrong with the file `current`, which was written again; null: nothing. */
  readonly repaired: string | null
}

export interface CheckpointFailure {
  readonly kind:
    | 'damaged' // a file of the store is missing or was changed
    | 'foreign' // of another server, or of a version with another format
    | 'locked' // another process uses the store
  /** What and where. Of damage without a full stop; otherwise with what to do. */
  readonly message: string
  /** The name of the damaged store; left out: not known, or nothing is damaged. The errors of damage have it, too. */
  readonly store?: string
}

/** A consistent view of the store, unaffected by later steps of folding. */
export interface CheckpointCopy {
  readonly facts: CheckpointFacts
  readonly chunkCount: number | null // null: not known before the end
  readonly hasChecksums: boolean
  /**
   * The chunk with this number, from 0 on; null after the last one. Any earlier chunk may be asked for again. The bytes
   * are the caller's: they may be transferred to another thread. `room` is an earlier chunk that the caller has finished
   * with and does not use again: this one may be put into its memory.
   */
  chunk(number: number, room?: Uint8Array): Promise<Uint8Array | null>
  close(): Promise<void>
}

/** A point in the history of txns. `hash` covers all of them up to and including `zxid`. */
export interface HistoryPoint {
  readonly zxid: Zxid
  readonly hash: ChainHash
}

/** Consecutive committed txns. */
export interface HistoryPart {
  /** As a piece of a backup has them (src/protocol/backup/backup-piece.ts). The caller's: they may be transferred. */
  readonly bytes: Uint8Array
  readonly txnCount: number
  readonly last: HistoryPoint
}

export type HistoryFailure =
  | { readonly kind: 'log-begins-later'; readonly oldest: Zxid }
  /** The log does not have the point from which the history was asked for, or has another history up to it. */
  | { readonly kind: 'other-history' }

/** The history after one point, up to another, as the log has it. Calls come one after another. */
export interface HistoryReader {
  /** The next part; null after the last one. */
  next(): Promise<HistoryPart | null>
  close(): Promise<void>
}

/** Builds a fresh store from the chunks of a copy. What it has added is durable after `finish` only. */
export interface CheckpointReceiver {
  /**
   * Chunks come in order. False: the chunk is damaged and was not used; it may be sent again. After a rejection with ENOSPC it
   * may be added again, when space has returned.
   */
  add(number: number, chunk: Uint8Array): Promise<boolean>
  /**
   * All chunks were added, and the caller has found that they are a whole checkpoint, the one that `verified` names. Makes the
   * store durable and current. After a rejection with ENOSPC it may be called again.
   */
  finish(verified: CheckpointFacts): Promise<CheckpointFacts>
  abort(): Promise<void>
}

export interface Checkpoints {
  /** Called once, first. Null: there is no checkpoint. Changes no content on disk. */
  open(): Promise<Result<CheckpointFacts | null, CheckpointFailure>>
  /** Called after the log was accepted: removes stores that are not in use. What is in use is durable when it resolves. */
  clean(): Promise<void>
  /**
   * Forgets a damaged store, so that the next `advance` folds the whole log. `store`: only if this one is still current, since
   * a copy may have been received meanwhile.
   */
  discard(store?: string): Promise<void>
  /**
   * Folds the log up to `through`, which must be committed and durable in the log files. Resolves when the store is
   * durable. One call at a time.
   */
  advance(through: Zxid): Promise<CheckpointFacts>
  /**
   * Looks at the files of the checkpoint on the disk, as a start would: before a part of the log is removed, and often
   * enough that damage is noticed while the log can still replace the checkpoint. A file `current` that is missing or
   * wrong is written again. Null: there is no checkpoint.
   */
  verify(): Promise<Result<VerifiedCheckpoint | null, CheckpointFailure>>
  /** Without checksums if it does not leave this process: to make and to check them takes a fifth of the time of a start. */
  copy(hasChecksums?: boolean): Promise<CheckpointCopy>
  /**
   * Reads the log files: the txns after `after`, up to `through`, which must be committed and durable in them. Nothing of
   * this history may be removed from the log until the reader is closed.
   */
  history(after: HistoryPoint, through: Zxid): Promise<Result<HistoryReader, HistoryFailure>>
  receive(): Promise<CheckpointReceiver>
  /** Bytes of the files of the store. */
  sizeBytes(): Promise<number>
  close(): Promise<void>
}

export interface CheckpointsOptions {
  readonly folder: string // `<dataDir>/checkpoint`
  readonly logFolder: string // `<dataLogDir>/wal`
  readonly serverId: number
}

export type OpenCheckpoints = (options: CheckpointsOptions) => Checkpoints
