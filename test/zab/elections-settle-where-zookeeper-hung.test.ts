/**
 * One test for each way in which ZooKeeper's elections have hung, disturbed a working ensemble, counted the wrong
 * messages, or run out of zxids.
 */
import { describe, expect, test } from 'vitest'
import { type ChainHash, emptyChainHash, nextChainHash } from '../../src/base/chain-hash.ts'
import { type Epoch, epochOf, makeZxid, type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { type ClusterServer, timing } from './cluster-server.ts'
import { commit, followersOf, majorityOf, newCluster, settle } from './working-cluster.ts'
import { ZabCluster } from './zab-cluster.ts'

describe('election', () => {
  test('a server that returns joins the present leader, whatever its own history (ZOOKEEPER-917)', () => {
    const cluster = newCluster(3)
    const leader = settle(cluster)
    const strong = followersOf(leader, cluster).at(-1)!
    for (let i = 0; i < 10; i++) {
      cluster.partition([strong.id])
      cluster.run(3 * timing.linkTimeoutMs)
      cluster.healAll()
      settle(cluster)
      expect(cluster.leader!.id).toBe(leader.id)
      expect(cluster.leader!.serving!.epoch).toBe(1)
    }
  })

  test('a server whose election round is much lower or higher joins within one exchange (ZOOKEEPER-1514)', () => {
    const cluster = newCluster(3)
    settle(cluster)
    // A server alone loses its leader again and again, and its round grows far above the others.
    for (let i = 0; i < 20; i++) {
      cluster.partition([1])
      cluster.run(2 * timing.linkTimeoutMs)
      cluster.healAll()
      cluster.run(2 * timing.redialMs)
    }
    cluster.crash(3)
    cluster.start(3) // of round 1 again
    settle(cluster)
    expect(commit(cluster, 1)).toHaveLength(1)
  })

  test('voters find a leader though the best candidate reaches only one of them', () => {
    const cluster = newCluster(5)
    for (const id of [1, 2, 4] as ServerId[]) {
      cluster.links.cut(5 as ServerId, id)
      cluster.links.cut(id, 5 as ServerId)
    }
    // Server 3 votes for 5 at first, but 5 cannot win.
    const isLed = (): boolean => cluster.servers.filter(({ serving }) => serving !== null).length === 4
    expect(cluster.runUntil(isLed, 3_000)).toBe(true)
    expect(cluster.leader!.id).toBe(4)
  })

  test.each([1, 2, 3, 4, 5])(
    'a voter that cannot reach the best candidate does not keep the others from electing it (case %i)',
    (seed) => {
      const cluster = newCluster(3, { seed, messageDelayMsMax: seed - 1 })
      settle(cluster)
      const [voter, middle, best] = [1, 2, 3] as ServerId[]
      expect(cluster.leader!.id).toBe(best)
      cluster.crash(middle!)
      cluster.links.cut(voter!, best!)
      cluster.links.cut(best!, voter!)
      cluster.propose(best!, 2)
      cluster.run(4 * timing.linkTimeoutMs)
      // The best candidate has not met the voter since it started, so it waits for the voter's vote. The voter does not wait for it.
      cluster.crash(best!)
      cluster.start(best!)
      cluster.start(middle!)
      const isLed = (): boolean => cluster.servers.filter(({ serving }) => serving !== null).length === 2
      expect(cluster.runUntil(isLed, timing.redialMs + timing.peerTimeoutMs)).toBe(true)
      expect(cluster.leader!.id).toBe(best)
    },
  )

  test.each(Array.from({ length: 60 }, (_, i) => i + 1))(
    'a server that reaches a quorum without a more recent history leads, whatever links are cut (case %i)',
    (seed) => {
      const random = new SeededRandom(seed)
      const cluster = newCluster(5, { seed, messageDelayMsMax: random.pick([0, 3]) })
      settle(cluster)
      const { servers, links } = cluster
      // Histories of different lengths: some servers do not get the last txns.
      for (const { id } of servers) if (random.chance(2) && id !== cluster.leader!.id) cluster.crash(id)
      cluster.propose(cluster.leader!.id, 2)
      cluster.run(random.below(20))
      const isCut = new Set<string>()
      for (const { id: a } of servers) {
        for (const { id: b } of servers) {
          if (a >= b || !random.chance(2)) continue
          isCut.add(`${a} ${b}`)
          links.cut(a, b)
          links.cut(b, a)
        }
      }
      if (random.chance(2)) cluster.crash(random.pick(servers).id)
      cluster.startAll()
      const reaches = (a: number, b: number): boolean => !isCut.has(`${Math.min(a, b)} ${Math.max(a, b)}`)
      const isNewer = (a: ClusterServer, b: ClusterServer): boolean => lastOf(a) > lastOf(b)
      const mayLead = servers.some((a) => servers.filter((b) => reaches(a.id, b.id) && !isNewer(b, a)).length >= 3)
      const isLed = (): boolean =>
        cluster.leader !== null && servers.filter(({ serving }) => serving !== null).length >= 3
      // Links take a moment to notice that they are cut.
      cluster.run(2 * timing.linkTimeoutMs)
      expect(cluster.runUntil(isLed, 20 * timing.peerTimeoutMs)).toBe(mayLead)
    },
  )

  test('a new leader is found each time the last one is killed (ZOOKEEPER-275, 498)', () => {
    const cluster = newCluster(5)
    for (let i = 0; i < 30; i++) {
      const leader = settle(cluster)
      const { id } = leader
      cluster.crash(id)
      const fromMs = cluster.nowMs
      settle(cluster)
      expect(cluster.nowMs - fromMs).toBeLessThan(5 * timing.peerTimeoutMs)
      cluster.start(id)
    }
    expect(commit(cluster, 1)).toHaveLength(1)
  })

  test('a leader is found though every disk and link is slow (ZOOKEEPER-1419)', () => {
    const cluster = newCluster(5, { messageDelayMsMax: 10, diskDelayMsMax: 30 })
    settle(cluster)
    cluster.crash(cluster.leader!.id)
    settle(cluster)
    expect(commit(cluster, 1)).toHaveLength(1)
  })

  test('a voter that changes its mind while a leader activates costs one more election, not an outage (ZOOKEEPER-3109)', () => {
    let changes = 0
    const cluster = newCluster(3, {
      onStep: (step) => {
        if (step.kind !== 'effect' || step.effect.kind !== 'send' || step.effect.message.kind !== 'follower-info')
          return
        if (changes++ < 2) cluster.crash(step.server)
      },
    })
    cluster.run(50)
    cluster.startAll()
    settle(cluster)
    expect(cluster.nowMs).toBeLessThan(5 * timing.peerTimeoutMs)
  })

  test('acknowledgements that one server repeats count once (ZOOKEEPER-1113)', () => {
    const cluster = newCluster(5, { seed: 3 })
    const leader = settle(cluster)
    commit(cluster, 1)
    const [one, ...others] = followersOf(leader, cluster)
    for (const { id } of others) cluster.pause(id)
    const zxid = cluster.propose(leader.id).at(-1)!
    cluster.run(20)
    expect(one!.log.lastZxid).toBe(zxid)
    const syncId = leader.zab!.syncIdOf(one!.id)!
    const ack = { kind: 'ack', syncId, durable: zxid } as const
    for (let i = 0; i < 5; i++) cluster.links.send(one!.id, leader.id, ack)
    cluster.run(20)
    expect(cluster.checks.committed).toHaveLength(1)
  })

  test('an acknowledgement of an earlier attempt to follow does not count (ZOOKEEPER-4712)', () => {
    const cluster = newCluster(3)
    const leader = settle(cluster)
    const [one, two] = followersOf(leader, cluster)
    cluster.crash(two!.id)
    cluster.run(300)
    settle(cluster)
    cluster.stickDisk(one!.id)
    const zxid = cluster.propose(leader.id).at(-1)!
    cluster.run(10)
    const syncId = leader.zab!.syncIdOf(one!.id)!
    cluster.links.send(one!.id, leader.id, { kind: 'ack', syncId: syncId - 1, durable: zxid })
    cluster.run(10)
    expect(leader.log.lastZxid).toBe(zxid)
    expect(cluster.checks.committed).toHaveLength(0)
    cluster.freeDisk(one!.id)
    cluster.run(20)
    expect(cluster.checks.committed).toHaveLength(1)
  })

  test('a learner that its leader has dropped over an open link comes back at once', () => {
    const cluster = newCluster(3)
    const leader = settle(cluster)
    const learner = followersOf(leader, cluster)[0]!
    const syncId = leader.zab!.syncIdOf(learner.id)!
    cluster.links.send(learner.id, leader.id, { kind: 'up-to-date', syncId, committed: zeroZxid, recordsMoves: true })
    cluster.run(timing.peerTimeoutMs / 2)
    const laterSyncId = leader.zab!.syncIdOf(learner.id)
    expect(laterSyncId).not.toBeNull()
    expect(laterSyncId).not.toBe(syncId)
    commit(cluster, 1)
    expect(cluster.leader!.id).toBe(leader.id)
    expect(cluster.checks.deliveredBy(learner.id)).toBe(1)
  })

  test('a leader whose last learner looks for a leader does not claim to lead when it has given up itself', () => {
    const cluster = newCluster(3, { hasTimeouts: false })
    const leader = settle(cluster)
    const [one, two] = followersOf(leader, cluster)
    cluster.crash(two!.id)
    cluster.run(300)
    const syncId = leader.zab!.syncIdOf(one!.id)!
    cluster.links.send(leader.id, one!.id, { kind: 'ack', syncId, durable: zeroZxid }) // so that it gives up
    cluster.run(5)
    expect(cluster.leader).toBeNull()
    settle(cluster)
  })

  test('a deposed leader does not confirm that it leads (ZOOKEEPER-1675, 2136)', () => {
    const confirmed: ServerId[] = []
    const cluster = newCluster(3, {
      onStep: (step) => {
        if (step.kind === 'effect' && step.effect.kind === 'leadership-confirmed') confirmed.push(step.server)
      },
    })
    const leader = settle(cluster)
    cluster.confirmLeadership(leader.id)
    cluster.run(10)
    expect(confirmed).toEqual([leader.id])
    cluster.partition([leader.id])
    cluster.confirmLeadership(leader.id)
    cluster.run(500)
    expect(cluster.leader!.id).not.toBe(leader.id)
    expect(confirmed).toEqual([leader.id])
  })

  test('a quorum finds a leader beside a server with a later epoch whose history contradicts theirs', () => {
    const cluster = new ZabCluster({ membership: majorityOf(3), seed: 7, messageDelayMsMax: 0, diskDelayMsMax: 1 })
    const zxid = makeZxid(1 as Epoch, 1)
    for (const { id, log } of cluster.servers) {
      const payload = Uint8Array.of(id === 3 ? 2 : 1)
      const records: LogRecord[] = [
        { kind: 'txn', zxid, hash: nextChainHash(emptyChainHash, zxid, payload), payload },
        { kind: 'accepted-epoch', epoch: (id === 3 ? 9 : 1) as Epoch, leader: 1 as ServerId },
        { kind: 'current-epoch', epoch: (id === 3 ? 9 : 1) as Epoch, clusterId: 1 as ClusterId },
      ]
      log.perform({ kind: 'persist', records, tag: noTag, whenDurable: [] })
    }
    cluster.startAll()
    const serve = (): boolean => [1, 2].every((id) => cluster.server(id).serving !== null)
    expect(cluster.runUntil(serve, 10 * timing.peerTimeoutMs)).toBe(true)
    expect(cluster.leader!.serving!.epoch).toBeLessThan(20)
    expect(cluster.server(3).serving).toBeNull()
  })

  test('the write after the last counter of an epoch opens the next epoch (ZOOKEEPER-1277, 4883)', () => {
    const cluster = new ZabCluster({ membership: majorityOf(3), seed: 7, messageDelayMsMax: 0, diskDelayMsMax: 1 })
    const epoch = 7 as Epoch
    const last = { zxid: makeZxid(epoch, 2 ** 32 - 2), hash: 5 as ChainHash, payload: new Uint8Array(1) }
    cluster.checks.assume(last)
    for (const { log } of cluster.servers) {
      log.perform({ kind: 'persist', records: recordsOf(last, epoch), tag: noTag, whenDurable: [] })
    }
    cluster.startAll()
    settle(cluster)
    const leader = cluster.leader!
    expect(leader.serving!.epoch).toBe(8)
    expect(leader.zab!.isOutOfZxids).toBe(false)
    expect(epochOf(commit(cluster, 1)[0]!)).toBe(8)
  })
})

function lastOf({ log }: ClusterServer): Zxid {
  return log.txns.at(-1)?.zxid ?? zeroZxid
}

const noTag = { incarnation: 0, step: 'txns', zxid: zeroZxid } as const

function recordsOf(last: TxnEntry, epoch: Epoch): readonly LogRecord[] {
  return [
    { kind: 'txn', ...last },
    { kind: 'accepted-epoch', epoch, leader: 1 as ServerId },
    { kind: 'current-epoch', epoch, clusterId: 1 as ClusterId },
    { kind: 'committed', zxid: last.zxid },
  ]
}
