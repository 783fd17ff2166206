/**
 * One test for each way in which ZooKeeper has lost, kept or invented transactions while a learner was brought up to
 * its leader. The checks of the cluster run in each test, which asserts only what it adds to them.
 */
import { describe, expect, test } from 'vitest'
import { commit, committedCount, followersOf, isCommitted, logOf, newCluster, settle } from './working-cluster.ts'

describe('synchronisation', () => {
  test('a private tail does not win against servers that have moved on (ZOOKEEPER-335, 1081)', () => {
    const cluster = newCluster(3)
    const old = settle(cluster)
    commit(cluster, 2)
    cluster.partition([old.id])
    const orphan = cluster.propose(old.id, 3).at(-1)!
    cluster.run(20)
    expect(old.log.lastZxid).toBe(orphan)
    cluster.crash(old.id)
    settle(cluster)
    commit(cluster, 1)
    for (const { id } of cluster.servers) cluster.crash(id)
    cluster.healAll()
    cluster.start(old.id)
    cluster.start(followersOf(old, cluster)[0]!.id)
    expect(settle(cluster).id).not.toBe(old.id)
    expect(isCommitted(cluster, orphan)).toBe(false)
    expect(committedCount(cluster)).toBe(3)
  })

  test('a server with the highest zxid that was absent at the election loses exactly its tail (ZOOKEEPER-1154)', () => {
    const cluster = newCluster(3)
    const old = settle(cluster)
    const kept = commit(cluster, 4)
    for (const { id } of followersOf(old, cluster)) cluster.crash(id)
    cluster.propose(old.id, 5)
    cluster.run(5)
    cluster.crash(old.id)
    expect(old.log.txns).toHaveLength(9)
    for (const { id } of followersOf(old, cluster)) cluster.start(id)
    settle(cluster)
    const added = commit(cluster, 2)
    cluster.start(old.id)
    settle(cluster)
    cluster.run(100)
    expect(logOf(cluster, old.id)).toEqual([...kept, ...added])
  })

  test('a server joins at any moment of a stream of writes without missing one (ZOOKEEPER-962; TLA+ issues 1-3)', () => {
    for (let joinAtMs = 0; joinAtMs < 60; joinAtMs++) {
      const cluster = newCluster(3, { seed: 100 + joinAtMs })
      const leader = settle(cluster)
      const joiner = followersOf(leader, cluster)[0]!
      cluster.crash(joiner.id)
      cluster.run(200)
      for (let i = 0; i < 90; i++) {
        if (i === joinAtMs) cluster.start(joiner.id)
        if (cluster.leader !== null) cluster.propose(cluster.leader.id)
        cluster.run(1)
      }
      cluster.run(100)
      settle(cluster)
      expect(committedCount(cluster)).toBe(90)
      expect(cluster.checks.deliveredBy(joiner.id)).toBe(90)
    }
  })

  test('what never committed is not served from the log of a leader that came back (ZOOKEEPER-2846)', () => {
    const cluster = newCluster(3)
    const old = settle(cluster)
    commit(cluster, 2)
    const [stale, other] = followersOf(old, cluster)
    cluster.crash(stale!.id)
    cluster.run(10)
    cluster.partition([old.id])
    const orphan = cluster.propose(old.id).at(-1)!
    cluster.run(300)
    cluster.start(stale!.id)
    settle2(cluster, other!.id)
    commitOn(cluster, 3)
    cluster.healAll()
    settle(cluster)
    // The old leader leads again, and serves a server that still lags from its log.
    cluster.crash(stale!.id)
    commit(cluster, 2)
    cluster.crash(other!.id)
    cluster.run(200)
    cluster.start(stale!.id)
    settle(cluster)
    expect(cluster.leader!.id).toBe(old.id)
    expect(logOf(cluster, stale!.id)).not.toContain(orphan)
    expect(logOf(cluster, old.id)).not.toContain(orphan)
  })

  test('an orphan in the log does not come back at a restart after rejoining without one (ZOOKEEPER-2845)', () => {
    const cluster = newCluster(3)
    const old = settle(cluster)
    commit(cluster, 1)
    cluster.partition([old.id])
    const orphan = cluster.propose(old.id).at(-1)!
    cluster.run(400)
    commitOn(cluster, 1)
    cluster.healAll()
    settle(cluster)
    cluster.run(50)
    cluster.crash(old.id)
    cluster.start(old.id)
    settle(cluster)
    expect(logOf(cluster, old.id)).not.toContain(orphan)
    expect(logOf(cluster, old.id)).toHaveLength(2)
  })

  test('a leader that fails before it is established gains no zxid by it (ZOOKEEPER-790)', () => {
    const cluster = newCluster(3)
    settle(cluster)
    const zxids = commit(cluster, 2)
    for (let attempt = 0; attempt < 3; attempt++) {
      cluster.crash(cluster.leader!.id)
      cluster.runUntil(() => cluster.servers.some(({ zab }) => zab?.state === 'leading'), 1_000)
      for (const { id } of cluster.servers) cluster.crash(id)
      cluster.startAll()
      settle(cluster)
      for (const { id } of cluster.servers) expect(cluster.server(id).log.lastZxid).toBe(zxids.at(-1))
    }
  })

  test('a crash at every durable step of a join leaves a server that joins (ZOOKEEPER-4643, 1653, 2307)', () => {
    for (let step = 0; step < 14; step++) {
      let seen = 0
      let armed = 0
      const cluster = newCluster(3, {
        seed: step,
        onStep: (event) => {
          if (event.kind === 'durable' && event.server === armed && seen++ === step) cluster.crash(armed)
        },
      })
      const leader = settle(cluster)
      const joiner = followersOf(leader, cluster)[1]!
      cluster.crash(joiner.id)
      commit(cluster, 5)
      cluster.crash(leader.id)
      armed = joiner.id
      cluster.start(joiner.id)
      cluster.run(600)
      armed = 0
      // The joiner with what it had logged, and a server without these txns, must not lose what was committed.
      for (const { id } of cluster.servers) cluster.crash(id)
      cluster.start(joiner.id)
      cluster.start(leader.id)
      settle(cluster)
      expect(cluster.checks.committed.length).toBeGreaterThanOrEqual(5)
      cluster.startAll()
      settle(cluster)
      commit(cluster, 1)
    }
  })

  test('all followers die on up-to-date, and nothing is lost without the leader (ZOOKEEPER-3911, 4646)', () => {
    let isArmed = false
    const cluster = newCluster(3, {
      diskDelayMsMax: 20,
      onStep: (step) => {
        if (isArmed && step.kind === 'arrival' && step.message.kind === 'up-to-date') cluster.crash(step.to)
      },
    })
    const leader = settle(cluster)
    for (const { id } of followersOf(leader, cluster)) cluster.crash(id)
    cluster.run(300)
    isArmed = true
    for (const { id } of followersOf(leader, cluster)) cluster.start(id)
    cluster.run(500)
    isArmed = false
    const before = committedCount(cluster)
    for (const { id } of cluster.servers) cluster.crash(id)
    for (const { id } of followersOf(leader, cluster)) cluster.start(id)
    settle(cluster)
    expect(committedCount(cluster)).toBeGreaterThanOrEqual(before)
  })

  test('a commit between ack-new-leader and up-to-date is not lost (ZOOKEEPER-4394)', () => {
    const cluster = newCluster(5, {
      onStep: (step) => {
        if (step.kind !== 'arrival' || step.message.kind !== 'ack-new-leader') return
        if (cluster.server(step.to).serving?.as === 'leader') cluster.propose(step.to)
      },
    })
    settle(cluster)
    cluster.crash(1)
    cluster.run(200)
    cluster.start(1)
    settle(cluster)
    expect(cluster.checks.deliveredBy(cluster.server(1).id)).toBe(committedCount(cluster))
    expect(committedCount(cluster)).toBeGreaterThan(0)
  })

  test('a log operation of an earlier role that ends late changes nothing (ZOOKEEPER-4712)', () => {
    const cluster = newCluster(3)
    const leader = settle(cluster)
    const slow = followersOf(leader, cluster)[0]!
    commit(cluster, 1)
    cluster.stickDisk(slow.id)
    cluster.propose(leader.id, 10)
    cluster.run(20)
    expect(slow.log.queue.length).toBeGreaterThan(0)
    cluster.stepDown(leader.id)
    cluster.run(300)
    cluster.freeDisk(slow.id)
    settle(cluster)
    commit(cluster, 3)
    cluster.run(100)
    expect(logOf(cluster, slow.id)).toEqual(cluster.checks.committed.map(({ zxid }) => zxid))
  })

  test('followers that restart right after an epoch without a write come back (ZOOKEEPER-1387, 2033)', () => {
    const cluster = newCluster(3)
    for (let i = 0; i < 5; i++) {
      const leader = settle(cluster)
      for (const { id } of followersOf(leader, cluster)) {
        cluster.crash(id)
        cluster.start(id)
      }
      cluster.run(10)
    }
    settle(cluster)
    expect(commit(cluster, 1)).toHaveLength(1)
  })
})

type Cluster = ReturnType<typeof newCluster>

/** Runs until `id` serves; other servers may be cut off. */
function settle2(cluster: Cluster, id: number): void {
  expect(cluster.runUntil(() => cluster.server(id).serving !== null, 2_000)).toBe(true)
}

/** Proposes on the leader of the majority. */
function commitOn(cluster: Cluster, count: number): void {
  const leading = cluster.servers.filter(({ serving }) => serving?.as === 'leader').at(-1)!
  const last = cluster.propose(leading.id, count).at(-1)
  expect(cluster.runUntil(() => cluster.checks.committed.at(-1)?.zxid === last, 1_000)).toBe(true)
}
