/** Settings for one `Zab` or `ZabCore` alone, and histories for it. */
import { type ChainHash, emptyChainHash, nextChainHash } from '../../src/base/chain-hash.ts'
import { type Epoch, makeZxid, type ServerId, type Zxid, zeroEpoch, zeroZxid } from '../../src/base/ids.ts'
import { Membership } from '../../src/membership/membership.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ClusterId, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import type { RecoveredHistory, ZabSettings } from '../../src/zab/zab-contract.ts'

export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {}, child: () => silentLog }

export const self = 1 as ServerId
export const leader = 2 as ServerId
export const other = 3 as ServerId

export const settings: ZabSettings = {
  self,
  membership: Membership.ofMajority([self, leader, other]),
  peerTimeoutMs: 100,
  initLimitMs: 500,
  heartbeatIntervalMs: 40,
  slowLeaderMs: 0,
  settleMs: 10,
  firstIncarnation: 1_000,
  freshClusterId: 77 as ClusterId,
  trustsEmptyLog: true,
  copiesAtOnceMax: 2,
}

/** `counts[i]` txns of epoch i+1, chained. */
export function historyOf(counts: readonly number[], sizeBytes = 3, salt = 0): readonly TxnEntry[] {
  const entries: TxnEntry[] = []
  let hash: ChainHash = emptyChainHash
  for (const [i, count] of counts.entries()) {
    for (let counter = 1; counter <= count; counter++) {
      const zxid = makeZxid((i + 1) as Epoch, counter)
      const payload = new Uint8Array(sizeBytes).fill(counter + salt)
      hash = nextChainHash(hash, zxid, payload)
      entries.push({ zxid, hash, payload })
    }
  }
  return entries
}

export const nothingRecovered: RecoveredHistory = {
  acceptedEpoch: zeroEpoch,
  acceptedLeader: null,
  currentEpoch: zeroEpoch,
  clusterId: 0 as ClusterId,
  committed: zeroZxid,
  committedHash: emptyChainHash,
  tail: [],
  mustSync: false,
}

export const epoch = (n: number): Epoch => n as Epoch
export const zxid = (n: number, counter: number): Zxid => makeZxid(n as Epoch, counter)
