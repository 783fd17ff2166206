/**
 * Checks that pieces are a whole backup: first one checkpoint, whose digest is that of its znodes, then txns that continue
 * its history one by one, then an end that names the last of them. More txns and another end may follow, as often as the
 * backup was continued. A caller that gets no problem up to an end has every txn from the checkpoint to that end. What it does
 * with the pieces is up to the caller; the point that `search` looks for is found on the way.
 */
import { type ChainHash, nextChainHash } from '../base/chain-hash.ts'
import { hexOfZxid, type Zxid } from '../base/ids.ts'
import { CopyReader } from '../checkpoint/copy-reader.ts'
import { HashedContent } from '../checkpoint/hashed-content.ts'
import type { CheckpointFacts } from '../ports/checkpoints.ts'
import type { BackupEnd, BackupPiece } from '../protocol/backup/backup-piece.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import { timeOfTxn } from '../protocol/txn/txn-codec.ts'

export interface TimedPoint {
  readonly zxid: Zxid
  readonly timeMs: number // by the clock of the leader
}

/** Of everything up to an end. */
export interface BackupFacts {
  readonly checkpoint: CheckpointFacts
  readonly firstTxn: TimedPoint | null
  readonly lastTxn: TimedPoint | null
  readonly txnCount: number
  readonly endCount: number
  readonly end: BackupEnd // the last one
  readonly epochMax: number // of all epochs that the backup names
}

/** Gets what a backup has, in order, after it was checked. */
export interface BackupSearch {
  checkpoint(facts: CheckpointFacts): void
  txn(point: TimedPoint): void
  end(end: BackupEnd): void
}

interface Progress {
  readonly zxid: Zxid
  readonly hash: ChainHash
  readonly firstTxn: TimedPoint | null
  readonly lastTxn: TimedPoint | null
  readonly txnCount: number
  readonly endCount: number
}

type CheckState =
  | { readonly kind: 'checkpoint'; readonly reader: CopyReader; chunkCount: number }
  | { readonly kind: 'txns'; readonly checkpoint: CheckpointFacts; progress: Progress; txnCountSinceEnd: number }

export class BackupCheck {
  #state: CheckState = { kind: 'checkpoint', reader: new CopyReader(new HashedContent(), true), chunkCount: 0 }
  readonly #search: BackupSearch | null
  #facts: BackupFacts | null = null
  #atEnd: Progress | null = null

  constructor(search: BackupSearch | null = null) {
    this.#search = search
  }

  /** Up to the last end; null: none came. */
  get facts(): BackupFacts | null {
    return this.#facts
  }

  /** Returns what is wrong with the piece, or null. After a problem only `dropAfterEnd` makes sense. */
  add(piece: BackupPiece): string | null {
    if (piece.kind === 'chunk') return this.#addChunk(piece.bytes)
    const problem = this.#state.kind === 'checkpoint' ? this.#finishCheckpoint(this.#state.reader) : null
    if (problem !== null) return problem
    return piece.kind === 'txns' ? this.#addTxns(piece.txns) : this.#addEnd(piece)
  }

  /** Forgets what came after the last end. */
  dropAfterEnd(): void {
    if (this.#state.kind !== 'txns' || this.#atEnd === null) return
    this.#state.progress = this.#atEnd
    this.#state.txnCountSinceEnd = 0
  }

  #addChunk(bytes: Uint8Array): string | null {
    const state = this.#state
    if (state.kind !== 'checkpoint') return 'a chunk of a checkpoint follows the checkpoint'
    state.chunkCount += 1
    return state.reader.add(bytes)
  }

  #finishCheckpoint(reader: CopyReader): string | null {
    if (this.#state.kind === 'checkpoint' && this.#state.chunkCount === 0) return 'it has no checkpoint'
    const verified = reader.finish()
    if (!verified.ok) return `the checkpoint is not complete: ${verified.error}`
    const checkpoint = verified.value
    const { zxid, hash } = checkpoint
    const progress = { zxid, hash, firstTxn: null, lastTxn: null, txnCount: 0, endCount: 0 }
    this.#state = { kind: 'txns', checkpoint, progress, txnCountSinceEnd: 0 }
    this.#search?.checkpoint(checkpoint)
    return null
  }

  #addTxns(txns: readonly TxnEntry[]): string | null {
    const state = this.#state
    if (state.kind !== 'txns') return 'txns come before the checkpoint'
    for (const { zxid, hash, payload } of txns) {
      const { progress } = state
      if (zxid <= progress.zxid) return `txn ${hexOfZxid(zxid)} follows ${hexOfZxid(progress.zxid)}`
      if (nextChainHash(progress.hash, zxid, payload) !== hash)
        return `txn ${hexOfZxid(zxid)} does not continue the history before it`
      const point = { zxid, timeMs: timeOfTxn(payload) }
      const firstTxn = progress.firstTxn ?? point
      state.progress = { ...progress, zxid, hash, firstTxn, lastTxn: point, txnCount: progress.txnCount + 1 }
      state.txnCountSinceEnd += 1
      this.#search?.txn(point)
    }
    return null
  }

  #addEnd({ kind: _, ...end }: { readonly kind: 'end' } & BackupEnd): string | null {
    const state = this.#state
    if (state.kind !== 'txns') return 'an end comes before the checkpoint'
    const { progress, checkpoint } = state
    const where = `the end at ${hexOfZxid(end.zxid)}`
    if (end.zxid !== progress.zxid || end.hash !== progress.hash)
      return `${where} does not follow ${hexOfZxid(progress.zxid)}, the last txn before it`
    if (end.txnCount !== state.txnCountSinceEnd)
      return `${where} counts ${end.txnCount} txns, and ${state.txnCountSinceEnd} come before it`
    const clusterId = this.#facts?.end.clusterId ?? (checkpoint.clusterId || end.clusterId)
    if (end.clusterId !== clusterId)
      return `${where} is of cluster 0x${end.clusterId.toString(16)}, and what comes before it of cluster 0x${clusterId.toString(16)}`
    const { firstTxn, lastTxn, txnCount } = progress
    const endCount = progress.endCount + 1
    const epochMax = Math.max(this.#facts?.epochMax ?? checkpoint.epoch, end.epoch)
    this.#facts = { checkpoint, firstTxn, lastTxn, txnCount, endCount, end, epochMax }
    state.progress = { ...progress, endCount }
    state.txnCountSinceEnd = 0
    this.#atEnd = state.progress
    this.#search?.end(end)
    return null
  }
}
