/**
 * A leader that no quorum answers stops serving, and does so before its followers, which no longer hear it, have another
 * leader. It counts from when it sent the heartbeat that a quorum has answered: a follower has heard it at that time or
 * later, and waits for peerTimeoutMs. That a link is open, or that something still comes over it, proves nothing.
 */
import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import type { ClusterServer } from './cluster-server.ts'
import { timing } from './cluster-server.ts'
import { commit, followersOf, newCluster, settle } from './working-cluster.ts'
import type { ZabCluster } from './zab-cluster.ts'

type Cut = 'from the leader' | 'to the leader' | 'both ways'

function cut(cluster: ZabCluster, leader: ServerId, others: readonly ClusterServer[], which: Cut): void {
  for (const { id } of others) {
    if (which !== 'to the leader') cluster.links.cut(leader, id)
    if (which !== 'from the leader') cluster.links.cut(id, leader)
  }
}

describe.each([3, 5])('a leader of %i voters', (voterCount) => {
  test.each(['from the leader', 'to the leader', 'both ways'] as const)(
    'has stopped before another leads when nothing comes through %s',
    (which) => {
      for (let seed = 1; seed <= 60; seed++) {
        const cluster = newCluster(voterCount, { seed, messageDelayMsMax: 2 })
        const leader = settle(cluster)
        commit(cluster, 1)
        cluster.run(seed) // the cut comes at any time between two heartbeats
        cut(cluster, leader.id, followersOf(leader, cluster), which)
        const cutAtMs = cluster.nowMs
        let stoppedAtMs = Number.POSITIVE_INFINITY
        const isReplaced = (): boolean => {
          if (leader.serving === null) stoppedAtMs = Math.min(stoppedAtMs, cluster.nowMs)
          return followersOf(leader, cluster).some(({ serving }) => serving?.as === 'leader')
        }
        expect(cluster.runUntil(isReplaced, 1_000), `seed ${seed}`).toBe(true)
        expect(stoppedAtMs, `seed ${seed}`).toBeLessThan(cluster.nowMs)
        expect(stoppedAtMs - cutAtMs, `seed ${seed}`).toBeLessThanOrEqual(timing.peerTimeoutMs)
      }
    },
  )
})

test.each(['from the leader', 'to the leader', 'both ways'] as const)(
  'a leader goes on as long as a quorum answers, though nothing comes through %s for one of three',
  (which) => {
    for (let seed = 1; seed <= 30; seed++) {
      const cluster = newCluster(3, { seed, messageDelayMsMax: 10 })
      cluster.hasLateMessages = false
      const leader = settle(cluster)
      const [cutOff] = followersOf(leader, cluster)
      for (let i = 0; i < 5; i++) {
        cut(cluster, leader.id, [cutOff!], which)
        cluster.run(20 + 37 * i)
        cluster.healAll()
        cluster.run(30)
        expect(leader.serving?.as, `seed ${seed}`).toBe('leader')
      }
      expect(leader.serving?.epoch).toBe(1)
    }
  },
)

test('a leader goes on though its followers stand still for less than it waits', () => {
  const cluster = newCluster(3)
  const leader = settle(cluster)
  for (let i = 0; i < 20; i++) {
    for (const { id } of followersOf(leader, cluster)) cluster.pause(id)
    cluster.run(timing.heartbeatIntervalMs / 2)
    for (const { id } of followersOf(leader, cluster)) cluster.resume(id)
    cluster.run(timing.heartbeatIntervalMs)
    expect(leader.serving?.epoch).toBe(1)
  }
})
