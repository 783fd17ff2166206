/**
 * A follower compares its tree with that of its leader (invariant 4; ZK: DataTree.compareDigest). ZooKeeper puts a digest
 * into every txn; here a heartbeat carries the digest at the zxid up to which it commits, so a write costs nothing, and an
 * idle ensemble is compared, too. A zxid that is not applied here yet is compared once it is.
 * A mismatch is counted once for each zxid and logged at error, once a minute. Which of the two trees is wrong cannot be
 * known here: three servers whose followers report the same digest of their own have a wrong leader. The server therefore
 * goes on, unless the configuration says that it stops: if the leader is the wrong one, all followers would stop.
 */
import { moveDataAway } from '../../base/data-advice.ts'
import { hexOfZxid, type ServerId, type Zxid } from '../../base/ids.ts'
import { digestMismatchReminderMs } from '../../base/limits.ts'
import type { Config } from '../../config/config.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Log } from '../../ports/log.ts'
import { treeDigestVersion } from '../../tree/tree-digest.ts'
import type { ReplicatedState } from './replicated-state.ts'

export interface DigestComparisonOptions {
  readonly policy: Config['digestPolicy']
  readonly state: ReplicatedState
  readonly metrics: ServerMetrics
  readonly log: Log
  /** Monotonic, of the event being handled. */
  readonly nowMs: () => number
  readonly stop: (reason: string) => void
}

export interface VersionedDigest {
  readonly digest: string // '' = none
  readonly digestVersion: number
}

interface LeaderDigest {
  readonly leader: ServerId
  readonly zxid: Zxid
  readonly digest: string
}

const noDigest: VersionedDigest = { digest: '', digestVersion: 0 }

const advice =
  'run "zkts-cli hash -s host:port" for each server and compare the lines of equal zxids: the server that differs from the ' +
  'others is wrong, and the last equal line says since when. Restart that server, so that it rebuilds its tree from its ' +
  `log; if it is the leader, another one leads meanwhile. If it differs again, stop it, ${moveDataAway}, and start it ` +
  'empty, so that it is brought up from the others'

export class DigestComparison {
  readonly #options: DigestComparisonOptions
  #awaited: LeaderDigest | null = null
  #mismatchZxid: Zxid | null = null // the one that was counted last
  #reportedAtMs: number | null = null
  #unreportedCount = 0

  constructor(options: DigestComparisonOptions) {
    this.#options = options
  }

  /** On the leader: the digest of its tree for a heartbeat that commits up to `committed`, if that is what it has applied. */
  ownAt(committed: Zxid): VersionedDigest {
    const { policy, state } = this.#options
    if (policy === 'not-compared' || committed === 0 || committed !== state.lastApplied) return noDigest
    return { digest: state.tree.digest(), digestVersion: treeDigestVersion }
  }

  /**
   * On a follower: the leader's tree at `zxid`. While one zxid is awaited, later ones are dropped; a heartbeat after it
   * was applied is compared again.
   */
  received(leader: ServerId, zxid: Zxid, { digest, digestVersion }: VersionedDigest): void {
    const { policy, state } = this.#options
    if (policy === 'not-compared' || digestVersion !== treeDigestVersion) return
    if (zxid > state.lastApplied) this.#awaited ??= { leader, zxid, digest }
    else if (zxid === state.lastApplied) this.#compare({ leader, zxid, digest })
  }

  /** Called after each txn: while no zxid is awaited it costs one comparison. */
  applied(zxid: Zxid): void {
    const awaited = this.#awaited
    if (awaited === null || zxid < awaited.zxid) return
    this.#awaited = null
    if (zxid === awaited.zxid) this.#compare(awaited)
  }

  #compare({ leader, zxid, digest: leaderDigest }: LeaderDigest): void {
    const { policy, state, metrics, stop } = this.#options
    const digest = state.tree.digest()
    if (digest === leaderDigest || zxid === this.#mismatchZxid) return
    this.#mismatchZxid = zxid
    metrics.digest_mismatches_count.add()
    this.#report(leader, zxid, digest, leaderDigest)
    if (policy === 'stop') {
      stop(
        `the tree of this server differs from that of the leader (server ${leader}) at ${hexOfZxid(zxid)}: ${advice}`,
      )
    }
  }

  #report(peerId: ServerId, zxid: Zxid, digest: string, leaderDigest: string): void {
    const { log, nowMs } = this.#options
    if (this.#reportedAtMs !== null && nowMs() - this.#reportedAtMs < digestMismatchReminderMs) {
      this.#unreportedCount++
      return
    }
    const leftOutCount = this.#unreportedCount
    this.#reportedAtMs = nowMs()
    this.#unreportedCount = 0
    log.error('tree-digest-differs', { peerId, zxid: hexOfZxid(zxid), digest, leaderDigest, leftOutCount, advice })
  }
}
