/**
 * One server's log in memory, for these clusters: operations run one after another, each becomes durable as a whole, a
 * crash loses those that are not durable. Checks on every record that the epochs on disk never fall and stay in order
 * (faults of ZOOKEEPER-1653 and 4643), and that no committed txn is cut. The front of the log may be removed, as if a
 * checkpoint held it, and a received checkpoint may replace the log, at once or when the server starts.
 */
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import { type Epoch, hexOfZxid, type ServerId, type Zxid, zeroEpoch, zeroZxid } from '../../src/base/ids.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import { emptyLogState } from '../../src/storage/log-state.ts'
import type { HistoryPoint } from '../../src/zab/history.ts'
import type { LogStretch, OlderThanLog, RecoveredHistory, StorageEffect } from '../../src/zab/zab-contract.ts'

const beginning: HistoryPoint = { zxid: zeroZxid, hash: emptyChainHash }

/** A copy of the state that is durably the checkpoint of the server. */
export interface TestCheckpoint extends HistoryPoint {
  readonly clusterId: ClusterId
}

/** What is durable in a log at one time. */
export type LogImage = Pick<
  TestLog,
  | 'txns'
  | 'base'
  | 'received'
  | 'acceptedEpoch'
  | 'acceptedLeader'
  | 'currentEpoch'
  | 'clusterId'
  | 'committed'
  | 'mustSync'
>

const { lastZxid: _zxid, lastHash: _hash, ...emptyState } = emptyLogState
const emptyImage: Omit<LogImage, 'txns'> = { base: beginning, received: null, ...emptyState }

export class TestLog {
  /** After `base`. */
  txns: TxnEntry[] = []
  base: HistoryPoint = beginning
  received: TestCheckpoint | null = null
  acceptedEpoch: Epoch = zeroEpoch
  acceptedLeader: ServerId | null = null
  currentEpoch: Epoch = zeroEpoch
  clusterId = 0 as ClusterId
  committed: Zxid = zeroZxid
  readonly queue: StorageEffect[] = []
  readonly #isCommitted: (entry: TxnEntry) => boolean
  mustSync = false
  /** What was on the disk before it was emptied or replaced. */
  #lost: { readonly currentEpoch: Epoch; readonly txns: readonly TxnEntry[] } | null = null

  constructor(isCommitted: (entry: TxnEntry) => boolean) {
    this.#isCommitted = isCommitted
  }

  wipe(): void {
    this.#lost = { currentEpoch: this.currentEpoch, txns: this.txns }
    Object.assign(this, emptyImage)
    this.txns = []
  }

  /** A copy of all that is durable. */
  image(): LogImage {
    const { txns, base, received, acceptedEpoch, acceptedLeader, currentEpoch, clusterId, committed, mustSync } = this
    const epochs = { acceptedEpoch, acceptedLeader, currentEpoch }
    return { txns: [...txns], base, received, ...epochs, clusterId, committed, mustSync }
  }

  /** The server gets the disk of another server, or an older copy of its own, and adopts the log on it. */
  adopt(image: LogImage): void {
    this.#lost = { currentEpoch: this.currentEpoch, txns: this.txns }
    Object.assign(this, image, { txns: [...image.txns], mustSync: true })
  }

  get lastZxid(): Zxid {
    return this.txns.at(-1)?.zxid ?? this.base.zxid
  }

  /** Forgets the txns up to that of `point`, which a checkpoint holds. */
  removeFront({ zxid, hash }: HistoryPoint): void {
    this.txns = this.txns.slice(this.#indexAfter(zxid))
    this.base = { zxid, hash }
  }

  /** Makes the operation durable. */
  perform(effect: StorageEffect): void {
    if (effect.kind === 'persist') for (const record of effect.records) this.#add(record)
    if (effect.kind === 'truncate-log') this.#truncate(effect.zxid)
    if (effect.kind === 'restart-log') this.#restart(effect)
  }

  read(after: Zxid, entryCountMax: number): LogStretch | OlderThanLog {
    if (after < this.base.zxid) return { start: null, oldest: this.base }
    const index = this.#indexAfter(after)
    const start = this.txns[index - 1] ?? this.base
    return { start: { zxid: start.zxid, hash: start.hash }, entries: this.txns.slice(index, index + entryCountMax) }
  }

  holds(entry: TxnEntry): boolean {
    if (entry.zxid <= this.base.zxid) return this.#isCommitted(entry)
    const found = this.txns[this.#indexAfter(entry.zxid) - 1]
    return found !== undefined && found.zxid === entry.zxid && found.hash === entry.hash
  }

  /**
   * An acknowledgement from before may still be under way; it counts until a leader has brought the empty log up again.
   */
  heldBeforeLoss(entry: TxnEntry, epoch: Epoch): boolean {
    const isInStep = this.clusterId !== 0 && !this.mustSync
    if (this.#lost === null || isInStep || this.#lost.currentEpoch < epoch) return false
    return this.#lost.txns.some(({ zxid, hash }) => zxid === entry.zxid && hash === entry.hash)
  }

  /** `known`: up to where the server knows, at its start, that its log is committed. */
  recover(known: Zxid): RecoveredHistory {
    if (this.received !== null && !this.#contains(this.received)) {
      const clusterId = this.clusterId === this.received.clusterId ? this.clusterId : (0 as ClusterId)
      this.#restart({ ...this.received, clusterId })
    }
    const split = this.#indexAfter(known > this.committed ? known : this.committed)
    const base = this.txns[split - 1]
    return {
      acceptedEpoch: this.acceptedEpoch,
      acceptedLeader: this.acceptedLeader,
      currentEpoch: this.currentEpoch,
      clusterId: this.clusterId,
      committed: base?.zxid ?? this.base.zxid,
      committedHash: base?.hash ?? this.base.hash,
      tail: this.txns.slice(split),
      mustSync: this.mustSync,
    }
  }

  #add(record: LogRecord): void {
    switch (record.kind) {
      case 'txn':
        claim(record.zxid > this.lastZxid, `txn ${hexOfZxid(record.zxid)} is logged after ${hexOfZxid(this.lastZxid)}`)
        this.txns.push(record)
        return
      case 'accepted-epoch':
        claim(record.epoch >= this.acceptedEpoch, `accepted epoch falls from ${this.acceptedEpoch} to ${record.epoch}`)
        claim(
          record.epoch > this.acceptedEpoch || record.leader === this.acceptedLeader,
          `epoch ${record.epoch} is accepted from ${record.leader} after ${this.acceptedLeader}`,
        )
        this.acceptedEpoch = record.epoch
        this.acceptedLeader = record.leader
        return
      case 'current-epoch':
        claim(record.epoch >= this.currentEpoch, `current epoch falls from ${this.currentEpoch} to ${record.epoch}`)
        claim(record.epoch <= this.acceptedEpoch, `epoch ${record.epoch} is current before it is accepted`)
        claim(
          this.lastZxid === 0 || this.clusterId === 0 || this.clusterId === record.clusterId,
          `a history of cluster ${this.clusterId} gets the name ${record.clusterId}`,
        )
        this.currentEpoch = record.epoch
        this.clusterId = record.clusterId
        if (record.clusterId !== 0) this.mustSync = false
        return
      case 'committed':
        claim(record.zxid <= this.lastZxid, 'a commit mark is logged before the txn that it marks')
        this.committed = record.zxid
    }
  }

  #contains({ zxid, hash }: HistoryPoint): boolean {
    if (zxid <= this.base.zxid) return true
    const found = this.txns[this.#indexAfter(zxid) - 1]
    return found?.zxid === zxid && found.hash === hash
  }

  #restart({ zxid, hash, clusterId }: TestCheckpoint): void {
    if (zxid === 0) {
      claim(clusterId === 0, 'a history with a cluster id is given up')
      this.received = null
    } else {
      claim(zxid > this.committed, `the log restarts at ${hexOfZxid(zxid)}, before what it has committed`)
      claim(this.received?.zxid === zxid, 'the log restarts before the copy is durable')
    }
    this.base = { zxid, hash }
    this.txns = []
    this.committed = zxid
    this.clusterId = clusterId
  }

  #truncate(zxid: Zxid): void {
    claim(zxid >= this.base.zxid, 'a log is cut before its beginning')
    const keep = this.#indexAfter(zxid)
    for (const entry of this.txns.slice(keep)) {
      // A log without a cluster id holds a part of a first synchronisation, of which nothing was acknowledged.
      claim(
        this.clusterId === 0 || !this.#isCommitted(entry),
        `committed txn ${hexOfZxid(entry.zxid)} is cut from a log`,
      )
    }
    this.txns.length = keep
  }

  #indexAfter(zxid: Zxid): number {
    let low = 0
    let high = this.txns.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.txns[middle]!.zxid <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }
}

function claim(holds: boolean, complaint: string): void {
  if (!holds) throw new Error(complaint)
}
