/**
 * A leader hands over to another voter (docs/internals/zab.md, steps H1 to H4): no vote has to be counted, no committed txn is
 * lost, and whatever fails in between, the servers find a leader as they do after any lost one.
 */
import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { handOverLimitMs } from '../../src/base/limits.ts'
import { Membership } from '../../src/membership/membership.ts'
import type { ZabMessage } from '../../src/protocol/peer/peer-message.ts'
import { type ClusterServer, type ClusterStep, timing } from './cluster-server.ts'
import { commit, followersOf, isCommitted, newCluster, settle } from './working-cluster.ts'
import type { ZabCluster } from './zab-cluster.ts'

describe('a hand-over', () => {
  test.each([3, 5])('makes the named one of %i servers lead without a vote of a looking server', (voterCount) => {
    for (let to = 1; to < voterCount; to++) {
      const votes: ZabMessage[] = []
      const ends: string[] = []
      const cluster = newCluster(voterCount, {
        onStep: (step) => {
          if (step.kind === 'arrival' && step.message.kind === 'vote') votes.push(step.message)
          if (isEnd(step)) ends.push(step.effect.problem ?? 'passed')
        },
      })
      expect(settle(cluster).id).toBe(voterCount)
      commit(cluster, 3)
      const zxid = cluster.propose(voterCount).at(-1)!
      votes.length = 0
      expect(cluster.handOver(voterCount, to)).toEqual({ kind: 'began' })
      expect(cluster.runUntil(() => cluster.leader?.id === to, 100)).toBe(true)
      settle(cluster)
      expect(ends).toEqual(['passed'])
      expect(votes.filter((vote) => vote.kind === 'vote' && vote.state === 'looking')).toEqual([])
      expect(isCommitted(cluster, zxid)).toBe(true)
      expect(cluster.leader!.serving!.epoch).toBe(2)
      expect(commit(cluster, 1)).toHaveLength(1)
    }
  })

  test('to no server in particular chooses the highest id among those that have everything', () => {
    const cluster = newCluster(5)
    commitOn(cluster)
    cluster.stickDisk(4)
    cluster.propose(5)
    cluster.handOver(5, null)
    expect(cluster.runUntil(() => cluster.leader?.id === 3, 100)).toBe(true)
    cluster.freeDisk(4)
    settle(cluster)
    expect(cluster.leader!.id).toBe(3)
  })

  test('waits until the successor is durable up to the last txn and that is committed', () => {
    const cluster = newCluster(3)
    commitOn(cluster)
    cluster.stickDisk(1)
    const zxid = cluster.propose(3).at(-1)!
    cluster.handOver(3, 1)
    cluster.run(50)
    expect(isCommitted(cluster, zxid)).toBe(true) // by servers 2 and 3
    expect(cluster.leader!.id).toBe(3)
    cluster.freeDisk(1)
    expect(cluster.runUntil(() => cluster.leader?.id === 1, 100)).toBe(true)
    expect(isCommitted(cluster, zxid)).toBe(true)
  })

  test('does not wait for the disk of the leader, which may be the reason for it', () => {
    const cluster = newCluster(3)
    commitOn(cluster)
    cluster.stickDisk(3)
    const zxid = cluster.propose(3).at(-1)!
    cluster.handOver(3, null)
    const isLedBy2 = (): boolean => cluster.server(2).serving?.as === 'leader'
    expect(cluster.runUntil(isLedBy2, 100)).toBe(true)
    expect(isCommitted(cluster, zxid)).toBe(true)
    cluster.freeDisk(3)
    settle(cluster)
  })

  test('is given up after a limit, and the leader goes on as if it had not begun', () => {
    const { cluster, ends } = observedCluster()
    commitOn(cluster)
    cluster.stickDisk(1)
    cluster.propose(3)
    cluster.handOver(3, 1)
    expect(cluster.server(3).isHandingOver).toBe(true)
    cluster.run(handOverLimitMs + 2 * timing.tickMs)
    expect(ends).toEqual([`server 1 did not answer and catch up within ${handOverLimitMs} ms`])
    expect(cluster.server(3).isHandingOver).toBe(false)
    expect(cluster.leader!.serving!.epoch).toBe(1)
    cluster.freeDisk(1)
    commit(cluster, 2)
  })

  test('is given up when the link to the successor closes', () => {
    const { cluster, ends } = observedCluster()
    commitOn(cluster)
    cluster.stickDisk(1)
    cluster.propose(3)
    cluster.handOver(3, 1)
    cluster.crash(1)
    expect(cluster.runUntil(() => ends.length > 0, 100)).toBe(true)
    expect(ends).toEqual(['server 1 is no longer in step'])
    cluster.freeDisk(1)
    cluster.start(1)
    settle(cluster)
    commit(cluster, 1)
    expect(cluster.leader!.serving!.epoch).toBe(1)
  })

  test('to a server that does not answer is given up, since the message could be lost', () => {
    const { cluster, ends } = observedCluster()
    commitOn(cluster)
    cluster.links.cut(1 as ServerId, 3 as ServerId)
    cluster.handOver(3, 1)
    expect(cluster.runUntil(() => ends.length > 0, 3 * timing.linkTimeoutMs)).toBe(true)
    expect(ends).toEqual(['server 1 is no longer in step'])
    cluster.healAll()
    commit(cluster, 1)
    expect(cluster.leader!.serving!.epoch).toBe(1)
  })

  test('that was asked for by a follower is carried out by its leader', () => {
    const cluster = newCluster(3)
    commitOn(cluster)
    expect(cluster.handOver(1, 1)).toEqual({ kind: 'leader-asked' })
    expect(cluster.runUntil(() => cluster.leader?.id === 1, 100)).toBe(true)
    settle(cluster)
    expect(cluster.handOver(2, null)).toEqual({ kind: 'leader-asked' })
    expect(cluster.runUntil(() => cluster.leader?.id === 3, 100)).toBe(true)
    commitOn(cluster)
  })

  test('is refused if it makes no sense', () => {
    const membership = Membership.ofMajority([1, 2, 3] as ServerId[], [4] as ServerId[])
    const cluster = newCluster(3, { membership })
    commitOn(cluster)
    const refusalOf = (id: number, to: number | null): string => {
      const start = cluster.handOver(id, to)
      return start.kind === 'refused' ? start.problem : start.kind
    }
    expect(refusalOf(3, 3)).toBe('server 3 leads already')
    expect(refusalOf(3, 4)).toBe('server 4 has no vote')
    expect(refusalOf(3, 9)).toBe('server 9 has no vote')
    cluster.crash(1)
    cluster.run(timing.linkTimeoutMs)
    expect(refusalOf(3, 1)).toBe('server 1 is not in step with this leader')
    cluster.crash(3)
    cluster.run(timing.linkTimeoutMs)
    expect(refusalOf(2, 2)).toBe('this server has no leader')
    // A request of a follower that is refused changes nothing.
    cluster.startAll()
    const { id, serving } = settle(cluster)
    cluster.handOver(followersOf(cluster.leader!, cluster)[0]!.id, 4)
    cluster.run(100)
    expect(cluster.leader).toMatchObject({ id, serving, isHandingOver: false })
  })

  test('serves all that asked for the same, and a different one is refused meanwhile', () => {
    const { cluster, asked } = observedCluster()
    commitOn(cluster)
    expect(cluster.handOver(3, 1)).toEqual({ kind: 'began' })
    expect(cluster.handOver(3, 1)).toEqual({ kind: 'began' })
    expect(cluster.handOver(3, null)).toEqual({ kind: 'began' })
    expect(cluster.handOver(3, 2)).toEqual({ kind: 'refused', problem: 'a hand-over to server 1 is under way' })
    expect(cluster.runUntil(() => cluster.leader?.id === 1, 100)).toBe(true)
    expect(asked).toEqual([1, null])
    // The successor is asked before it leads an epoch: it does not lead yet.
    settle(cluster)
  })

  test('to a server that reaches no quorum costs one election by messages alone', () => {
    const cluster = newCluster(5, { hasTimeouts: false })
    commitOn(cluster)
    for (const id of [2, 3, 4] as ServerId[]) {
      cluster.links.cut(1 as ServerId, id)
      cluster.links.cut(id, 1 as ServerId)
    }
    cluster.run(2 * timing.linkTimeoutMs)
    expect(cluster.leader!.id).toBe(5)
    cluster.handOver(5, 1)
    const isLed = (): boolean => cluster.leader !== null && cluster.leader.serving!.epoch > 1
    expect(cluster.runUntil(isLed, 10 * timing.tickMs)).toBe(true)
    expect(cluster.leader!.id).not.toBe(1)
    // The former leader does not wait for the successor, which has seen at once that it cannot lead.
    expect(cluster.runUntil(() => cluster.server(5).serving !== null, 5 * timing.tickMs)).toBe(true)
    cluster.healAll()
    commitOn(cluster)
  })

  test('while a link of the successor is down to one server leaves that server to find the new leader by votes', () => {
    const cluster = newCluster(5)
    commitOn(cluster)
    cluster.links.cut(1 as ServerId, 2 as ServerId)
    cluster.links.cut(2 as ServerId, 1 as ServerId)
    cluster.run(2 * timing.linkTimeoutMs)
    cluster.handOver(5, 1)
    expect(cluster.runUntil(() => cluster.leader?.id === 1, 100)).toBe(true)
    cluster.healAll()
    settle(cluster)
    expect(cluster.leader!.id).toBe(1)
  })

  test('to a server that never leads ends in an election', () => {
    const { cluster, ends } = observedCluster((step) => {
      if (step.kind !== 'arrival' || step.message.kind !== 'hand-over' || step.to !== 1) return
      cluster.pause(1) // just before it handles the message
    })
    commitOn(cluster)
    cluster.handOver(3, 1)
    expect(cluster.runUntil(() => ends.length > 0, 100)).toBe(true)
    expect(ends).toEqual(['passed'])
    expect(cluster.runUntil(() => cluster.leader !== null, 5 * timing.peerTimeoutMs)).toBe(true)
    cluster.resume(1)
    commitOn(cluster)
  })

  test('whose message the successor does not get ends in an election, also if its rounds are far lower', () => {
    let isPassing = false
    const cluster = newCluster(3, {
      hasTimeouts: false,
      onStep: (step) => {
        if (!isPassing) return
        // The message to server 1 is held, and lost when server 2 has got its own.
        if (isEnd(step)) cluster.links.cut(3 as ServerId, 1 as ServerId)
        if (step.kind !== 'arrival' || step.message.kind !== 'hand-over') return
        expect(step.to).toBe(2)
        isPassing = false
        cluster.links.close(cluster.links.between(1 as ServerId, 3 as ServerId))
      },
    })
    commitOn(cluster)
    for (let i = 0; i < 5; i++) {
      cluster.stepDown(cluster.leader!.id)
      settle(cluster)
    }
    cluster.crash(1)
    cluster.run(2 * timing.linkTimeoutMs)
    cluster.start(1) // of round 1 again
    settle(cluster)
    expect(cluster.leader!.id).toBe(3)
    isPassing = true
    cluster.handOver(3, 1)
    expect(cluster.runUntil(() => cluster.leader === null, 100)).toBe(true)
    expect(cluster.runUntil(() => cluster.leader !== null, timing.linkTimeoutMs + 10 * timing.tickMs)).toBe(true)
    cluster.healAll()
    commitOn(cluster)
  })

  test('with a learner that receives a copy of the state leaves that learner to start over with the successor', () => {
    const membership = Membership.ofMajority([1, 2, 3] as ServerId[], [4] as ServerId[])
    let isReceiving = false
    const cluster = newCluster(3, {
      membership,
      onStep: (step) => {
        if (step.kind === 'arrival' && step.message.kind === 'checkpoint-chunk') isReceiving = true
      },
    })
    cluster.crash(4)
    commitOn(cluster)
    commit(cluster, 30)
    cluster.run(2_000) // until the logs note what is committed
    // A server that starts has only what is in its log.
    for (const server of cluster.servers) {
      cluster.copies.removeFront(server)
      cluster.crash(server.id)
    }
    for (const id of [1, 2, 3]) cluster.start(id)
    settle(cluster)
    cluster.start(4)
    expect(cluster.runUntil(() => isReceiving, 2_000)).toBe(true)
    cluster.handOver(3, 2)
    expect(cluster.runUntil(() => cluster.leader?.id === 2, 200)).toBe(true)
    settle(cluster)
    expect(cluster.server(4).serving).not.toBeNull()
  })

  /** At each step of a hand-over, one of the three servers crashes, or one of their links closes. */
  test.each(['1 crashes', '2 crashes', '3 crashes', 'the link of 3 and 1 closes', 'the link of 3 and 2 closes'])(
    'loses nothing if %s after any step',
    (fault) => {
      let stepCount = Number.POSITIVE_INFINITY
      for (let at = 0; at < stepCount; at++) stepCount = Math.min(stepCount, handOverWithFault(fault, at))
      expect(stepCount).toBeGreaterThan(20)
    },
  )
})

/** Server 3 hands over to server 1. Returns the number of steps to the new leader if no fault came in between. */
function handOverWithFault(fault: string, at: number): number {
  let steps = -1
  let isDone = false
  const cluster: ZabCluster = newCluster(3, {
    onStep: () => {
      if (steps < 0 || isDone || steps++ !== at) return
      isDone = true
      const first = Number(/\d/.exec(fault)![0])
      if (fault.endsWith('crashes')) cluster.crash(first)
      else cluster.links.close(cluster.links.between(3 as ServerId, Number(fault.at(-8)) as ServerId))
    },
  })
  commitOn(cluster)
  const zxids = cluster.propose(3, 2)
  steps = 0
  cluster.handOver(3, 1)
  const isLed = (): boolean => isDone || cluster.leader?.id === 1
  expect(cluster.runUntil(isLed, 1_000)).toBe(true)
  const stepCount = isDone ? Number.POSITIVE_INFINITY : steps
  isDone = true
  // At the surviving servers too, whatever was committed before the fault is kept: the checks of the cluster see to it.
  settle(cluster)
  cluster.startAll()
  expect(cluster.runUntil(() => cluster.leader?.isHandingOver === false, 1_000)).toBe(true)
  settle(cluster)
  const [first, second] = zxids
  // The history has no gap: the second txn was not committed without the first.
  expect(isCommitted(cluster, first!) || !isCommitted(cluster, second!)).toBe(true)
  expect(commit(cluster, 1)).toHaveLength(1)
  return stepCount
}

interface ObservedCluster {
  readonly cluster: ZabCluster
  readonly ends: string[]
  readonly asked: (ServerId | null)[]
}

function observedCluster(onStep: (step: ClusterStep) => void = () => {}): ObservedCluster {
  const ends: string[] = []
  const asked: (ServerId | null)[] = []
  const cluster = newCluster(3, {
    onStep: (step) => {
      onStep(step)
      if (!isEnd(step)) return
      ends.push(step.effect.problem ?? 'passed')
      asked.push(...step.effect.asked)
    },
  })
  return { cluster, ends, asked }
}

type EndStep = Extract<ClusterStep, { readonly kind: 'effect' }> & {
  readonly effect: { readonly kind: 'hand-over-ended' }
}

function isEnd(step: ClusterStep): step is EndStep {
  return step.kind === 'effect' && step.effect.kind === 'hand-over-ended'
}

/** All servers are in step, and there is a history. */
function commitOn(cluster: ZabCluster): ClusterServer {
  settle(cluster)
  commit(cluster, 2)
  return cluster.leader!
}
