/**
 * A leader whose checkpoint is damaged cannot bring up a learner that its log cannot serve. Another server that holds the
 * same history may be able to, so it should lead.
 */
import { expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { yieldIntervalMs } from '../../src/base/limits.ts'
import { Membership } from '../../src/membership/membership.ts'
import type { ClusterOptions, ClusterStep } from './cluster-server.ts'
import { commit, majorityOf, newCluster, settle } from './working-cluster.ts'
import type { ZabCluster } from './zab-cluster.ts'

/** The logs have no front, and neither has the memory of a leader. All but server 1, which lost its disk, run. */
function clusterWithoutFronts(
  membership: Membership,
  damaged: readonly number[],
): { cluster: ZabCluster; led: number[] } {
  const led: number[] = []
  const onStep = (step: ClusterStep): void => {
    if (step.kind === 'effect' && step.effect.kind === 'serving-as-leader') led.push(step.server)
  }
  const options: Partial<ClusterOptions> = { membership, onStep }
  const cluster = newCluster(3, options)
  settle(cluster)
  commit(cluster, 5)
  cluster.run(3_000) // the commits are marked in the logs
  for (const server of cluster.servers) {
    cluster.crash(server.id, server.log.queue.length)
    cluster.copies.removeFront(server)
    server.hasDamagedCheckpoint = damaged.includes(server.id)
  }
  cluster.wipe(1)
  for (const { id } of cluster.servers) if (id !== 1) cluster.start(id)
  settle(cluster)
  led.length = 0
  return { cluster, led }
}

test('a leader that can give no copy steps down, and the next one brings the learner up', () => {
  const { cluster, led } = clusterWithoutFronts(majorityOf(3), [3])
  expect(cluster.leader!.id).toBe(3) // of two equal histories, that of the higher id
  cluster.start(1)
  settle(cluster)
  expect(led).toEqual([2])
  expect(cluster.server(1).serving?.as).toBe('follower')
  commit(cluster, 3)
})

test('a leader that can give no copy goes on if no other voter holds its history', () => {
  const { cluster, led } = clusterWithoutFronts(Membership.ofMajority([2 as ServerId], [1 as ServerId]), [2])
  cluster.start(1)
  cluster.run(2_000)
  expect([led, cluster.leader!.id]).toEqual([[], 2])
})

test('servers that all can give no copy do not take turns, and serve without the learner', () => {
  const { cluster, led } = clusterWithoutFronts(majorityOf(3), [2, 3])
  cluster.start(1)
  cluster.run(2_000)
  expect(led).toEqual([2, 3])
  cluster.run(5_000)
  expect(led).toEqual([2, 3])
  cluster.propose(cluster.leader!.id, 3)
  cluster.run(500)
  expect(cluster.checks.committed).toHaveLength(8)
  expect(cluster.server(1).serving).toBeNull()
  expect(yieldIntervalMs).toBeGreaterThan(60_000)
})
