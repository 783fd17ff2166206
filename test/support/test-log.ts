/**
 * One server's log in memory, for these clusters: operations run one after another, each becomes durable as a whole, a
 * crash loses those that are not durable. Checks on every record that the epochs on disk never fall and stay in order
 * (faults of ZOOKEEPER-1653 and 4643), and that no committed txn is cut.
 */
import { type ChainHash, emptyChainHash } from '../../src/base/chain-hash.ts'
import { type Epoch, hexOfZxid, type ServerId, type Zxid, zeroEpoch, zeroZxid } from '../../src/base/ids.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import type { LogStretch, RecoveredHistory, StorageEffect } from '../../src/zab/zab-contract.ts'

export class TestLog {
  txns: TxnEntry[] = []
  acceptedEpoch: Epoch = zeroEpoch
  acceptedLeader: ServerId | null = null
  currentEpoch: Epoch = zeroEpoch
  clusterId = 0 as ClusterId
  committed: Zxid = zeroZxid
  readonly queue: StorageEffect[] = []
  readonly #isCommitted: (entry: TxnEntry) => boolean
  /** What was on the disk before it was emptied. */
  #lost: { readonly currentEpoch: Epoch; readonly txns: readonly TxnEntry[] } | null = null

  constructor(isCommitted: (entry: TxnEntry) => boolean) {
    this.#isCommitted = isCommitted
  }

  wipe(): void {
    this.#lost = { currentEpoch: this.currentEpoch, txns: this.txns }
    this.txns = []
    this.acceptedEpoch = zeroEpoch
    this.acceptedLeader = null
    this.currentEpoch = zeroEpoch
    this.clusterId = 0 as ClusterId
    this.committed = zeroZxid
  }

  get lastZxid(): Zxid {
    return this.txns.at(-1)?.zxid ?? zeroZxid
  }

  /** Makes the operation durable. */
  perform(effect: StorageEffect): void {
    if (effect.kind === 'persist') for (const record of effect.records) this.#add(record)
    if (effect.kind === 'truncate-log') this.#truncate(effect.zxid)
  }

  read(after: Zxid, entryCountMax: number): LogStretch {
    const index = this.#indexAfter(after)
    const start = this.txns[index - 1] ?? { zxid: zeroZxid, hash: emptyChainHash }
    return { start: { zxid: start.zxid, hash: start.hash }, entries: this.txns.slice(index, index + entryCountMax) }
  }

  holds(entry: TxnEntry): boolean {
    const found = this.txns[this.#indexAfter(entry.zxid) - 1]
    return found !== undefined && found.zxid === entry.zxid && found.hash === entry.hash
  }

  /**
   * An acknowledgement from before may still be under way; it counts until a leader has brought the empty log up again.
   */
  heldBeforeWipe(entry: TxnEntry, epoch: Epoch): boolean {
    if (this.#lost === null || this.clusterId !== 0 || this.#lost.currentEpoch < epoch) return false
    return this.#lost.txns.some(({ zxid, hash }) => zxid === entry.zxid && hash === entry.hash)
  }

  /** `known`: up to where the server knows, at its start, that its log is committed. */
  recover(known: Zxid): RecoveredHistory {
    const split = this.#indexAfter(known > this.committed ? known : this.committed)
    const base = this.txns[split - 1]
    return {
      acceptedEpoch: this.acceptedEpoch,
      acceptedLeader: this.acceptedLeader,
      currentEpoch: this.currentEpoch,
      clusterId: this.clusterId,
      committed: base?.zxid ?? zeroZxid,
      committedHash: base?.hash ?? (emptyChainHash as ChainHash),
      tail: this.txns.slice(split),
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
          this.txns.length === 0 || this.clusterId === 0 || this.clusterId === record.clusterId,
          `a history of cluster ${this.clusterId} gets the name ${record.clusterId}`,
        )
        this.currentEpoch = record.epoch
        this.clusterId = record.clusterId
        return
      case 'committed':
        claim(record.zxid <= this.lastZxid, 'a commit mark is logged before the txn that it marks')
        this.committed = record.zxid
    }
  }

  #truncate(zxid: Zxid): void {
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
