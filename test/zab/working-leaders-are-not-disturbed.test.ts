/**
 * No server alone makes a leader step down that has a quorum without it: not one that returns, whatever epoch or history it
 * has, nor one whose disk or links are bad. docs/internals/zab.md lists each way in which a leader steps down.
 */
import { describe, expect, test } from 'vitest'
import type { Epoch, ServerId } from '../../src/base/ids.ts'
import type { LogRecord } from '../../src/protocol/disk/log-record.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { timing } from './cluster-server.ts'
import { commit, followersOf, isCommitted, logOf, majorityOf, newCluster, settle } from './working-cluster.ts'
import { ZabCluster } from './zab-cluster.ts'

/** Server 1 returns to a cluster that works without it. Before, it was in step and then lived through `records`. */
function returnWith(voterCount: number, records: readonly LogRecord[], seed = 7): ZabCluster {
  const cluster = newCluster(voterCount, { seed })
  const leader = settle(cluster)
  commit(cluster, 2)
  const back = cluster.server(1)
  expect(leader.id).not.toBe(back.id)
  cluster.crash(1)
  writeToLog(cluster, records)
  cluster.propose(leader.id, 2)
  cluster.run(timing.linkTimeoutMs)
  cluster.start(1)
  return cluster
}

/** As if server 1, which does not run, had written them before it ended. */
function writeToLog(cluster: ZabCluster, records: readonly LogRecord[]): void {
  const { log } = cluster.server(1)
  const tag = { incarnation: 0, step: 'txns', zxid: log.lastZxid } as const
  log.perform({ kind: 'persist', records, tag, whenDurable: [] })
}

const acceptedLater: LogRecord = { kind: 'accepted-epoch', epoch: 9 as Epoch, leader: 1 as ServerId }

describe('a server that has accepted a later epoch', () => {
  test.each([3, 5])('joins one of %i voters, and its leader goes on', (voterCount) => {
    for (let seed = 1; seed <= 30; seed++) {
      const cluster = returnWith(voterCount, [acceptedLater], seed)
      const leader = settle(cluster)
      expect(leader.serving?.epoch).toBe(1)
      expect(cluster.server(1).serving).toEqual({ as: 'follower', epoch: 1 })
      commit(cluster, 3)
      cluster.run(timing.heartbeatIntervalMs)
      expect(logOf(cluster, 1 as ServerId)).toEqual(logOf(cluster, leader.id))
      // The promise stays on its disk.
      expect(cluster.server(1).log.acceptedEpoch).toBe(9)
      expect(cluster.server(1).log.currentEpoch).toBe(1)
    }
  })

  test('counts in no quorum: with it alone the leader commits nothing, and the next epoch is above its own', () => {
    const cluster = returnWith(3, [acceptedLater])
    const leader = settle(cluster)
    const other = followersOf(leader, cluster).find(({ id }) => id !== 1)!
    cluster.stickDisk(other.id)
    const [zxid] = cluster.propose(leader.id, 1)
    cluster.run(timing.linkTimeoutMs)
    expect(cluster.server(1).log.lastZxid).toBe(zxid)
    expect(isCommitted(cluster, zxid!)).toBe(false)
    cluster.crash(other.id)
    cluster.run(timing.linkTimeoutMs)
    settle(cluster)
    expect(cluster.leader!.serving!.epoch).toBe(10)
    expect(isCommitted(cluster, zxid!)).toBe(true)
    expect(commit(cluster, 1)).toHaveLength(1)
  })

  test('confirms no leader', () => {
    const confirmed: number[] = []
    const cluster = new ZabCluster({
      membership: majorityOf(3),
      seed: 3,
      messageDelayMsMax: 0,
      diskDelayMsMax: 1,
      onStep: (step) => {
        if (step.kind === 'effect' && step.effect.kind === 'leadership-confirmed') confirmed.push(step.effect.sequence)
      },
    })
    for (const id of [2, 3]) cluster.start(id)
    settle(cluster)
    writeToLog(cluster, [acceptedLater])
    cluster.start(1)
    const leader = settle(cluster)
    cluster.confirmLeadership(leader.id)
    cluster.run(10)
    const before = confirmed.length
    expect(before).toBeGreaterThan(0)
    cluster.pause(leader.id === 3 ? 2 : 3)
    cluster.confirmLeadership(leader.id)
    cluster.run(10)
    expect(confirmed).toHaveLength(before)
  })

  test('waits until the epoch is established if a quorum has gathered without it', () => {
    const cluster = new ZabCluster({ membership: majorityOf(5), seed: 5, messageDelayMsMax: 0, diskDelayMsMax: 1 })
    writeToLog(cluster, [acceptedLater])
    for (const id of [2, 3, 4, 5]) cluster.start(id)
    expect(cluster.runUntil(() => cluster.servers.some(({ zab }) => zab?.state === 'leading'), 500)).toBe(true)
    cluster.start(1)
    settle(cluster)
    expect(cluster.leader!.serving!.epoch).toBe(1)
  })

  test('makes the leader open a later epoch if it was in step in that epoch: then a quorum has left this leader', () => {
    let isReplaced = false
    const cluster = newCluster(3, {
      replace: (from, to, message) => {
        if (isReplaced || from !== 1 || to !== 3 || message.kind !== 'ack-epoch' || cluster.nowMs < 500) return message
        isReplaced = true
        return { ...message, currentEpoch: 9 as Epoch }
      },
    })
    settle(cluster)
    cluster.crash(1)
    cluster.run(500)
    cluster.start(1)
    cluster.run(timing.peerTimeoutMs)
    settle(cluster)
    expect(isReplaced).toBe(true)
    expect(cluster.leader!.serving!.epoch).toBe(2)
  })
})

test('a former leader with txns that no quorum has returns and loses them; the leader goes on', () => {
  const cluster = newCluster(3)
  const former = settle(cluster)
  commit(cluster, 1)
  cluster.partition([former.id])
  cluster.propose(former.id, 3)
  cluster.run(2 * timing.linkTimeoutMs)
  const next = cluster.leader!
  expect(next.id).not.toBe(former.id)
  commitBy(cluster, next.id)
  cluster.healAll()
  expect(settle(cluster).id).toBe(next.id)
  cluster.run(timing.heartbeatIntervalMs)
  expect(next.serving).toEqual({ as: 'leader', epoch: 2 })
  expect(logOf(cluster, former.id)).toEqual(logOf(cluster, next.id))
})

test.each([
  [
    'whose disk does not answer',
    (cluster: ZabCluster) => cluster.stickDisk(1),
    (cluster: ZabCluster) => cluster.freeDisk(1),
  ],
  ['that stands still', (cluster: ZabCluster) => cluster.pause(1), (cluster: ZabCluster) => cluster.resume(1)],
  ['that crashes', (cluster: ZabCluster) => cluster.crash(1), (cluster: ZabCluster) => cluster.start(1)],
  ['that is cut off', (cluster: ZabCluster) => cluster.partition([1]), (cluster: ZabCluster) => cluster.healAll()],
] as const)('a server %s again and again does not end the work of its leader', (_what, spoil, mend) => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = new SeededRandom(seed)
    const cluster = newCluster(3, { seed })
    const leader = settle(cluster)
    for (let i = 0; i < 15; i++) {
      spoil(cluster)
      cluster.run(random.below(3 * timing.linkTimeoutMs))
      mend(cluster)
      cluster.propose(leader.id, 1)
      cluster.run(random.below(timing.linkTimeoutMs))
      expect(leader.serving).toEqual({ as: 'leader', epoch: 1 })
    }
    settle(cluster)
    expect(cluster.leader!.id).toBe(leader.id)
  }
})

function commitBy(cluster: ZabCluster, leader: ServerId): void {
  const [zxid] = cluster.propose(leader, 1)
  expect(cluster.runUntil(() => isCommitted(cluster, zxid!), 1_000)).toBe(true)
}
