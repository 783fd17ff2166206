/**
 * How long an election may take: from the last event that concerns the servers of a working quorum, or from the loss of
 * their leader, to a leader that a quorum follows. The bound is a sum, and each summand is a step of
 * docs/internals/zab.md at the largest delays that the seed's plan gives when nothing is wrong.
 */
import type { FaultPlan } from './fault-plan.ts'
import { exponentialCap } from './faults.ts'

/**
 * Votes; votes that change because of these; `leading` and `follower-info`; `new-epoch` and `ack-epoch`; `sync-start`,
 * `new-leader` and `ack-new-leader`.
 */
const roundCount = 5
/** src/server/create-server.ts: the wait for the votes of the other servers, and the tick at which its end is noticed. */
const settleMs = 20
const electionTickMs = 20
/**
 * The accepted epoch at the leader; the same at its learners; the cut of what the leader lacks, by a learner; the current epoch (at
 * both ends at once). And one that was under way before.
 */
const flushCount = 5
/** Of the disk, for one flush: the file of the identity or a new segment is made, written, synced, renamed, its folder synced. */
const operationsPerFlush = 8

export interface ElectionBound {
  readonly roundsMs: number
  readonly settleMs: number
  readonly flushesMs: number
  /** What a learner lacks arrives a window at a time. */
  readonly gapMs: number
}

/** The first flush of a server makes the log, the identity and their folders: this many operations beyond those of a later one. */
const firstFlushOperations = 40

export function firstFlushMs({ diskLatencyMsMax, granularityUs }: FaultPlan): number {
  return firstFlushOperations * (diskLatencyMsMax + granularityUs / 1000)
}

/** The longest way of one message without a fault: pieces of it travel at the same time. */
export function messageMsMax({ network, granularityUs }: FaultPlan): number {
  const { latencyUsBase, latencyUsJitterMean } = network
  return (latencyUsBase + exponentialCap * latencyUsJitterMean + granularityUs) / 1000
}

/** `gapSizeBytes`: the most that one of the servers has sent to another one meanwhile. */
export function electionBound(plan: FaultPlan, gapSizeBytes: number): ElectionBound {
  const messageMs = messageMsMax(plan)
  const granularityMs = plan.granularityUs / 1000
  const slowest = 1 - plan.clockRateSpread
  return {
    roundsMs: roundCount * 2 * messageMs,
    settleMs: (settleMs + electionTickMs) / slowest + 2 * granularityMs,
    flushesMs: flushCount * operationsPerFlush * (plan.diskLatencyMsMax + granularityMs),
    gapMs: Math.ceil(gapSizeBytes / plan.network.windowSizeBytes) * messageMs,
  }
}

export function sumOf({ roundsMs, settleMs, flushesMs, gapMs }: ElectionBound): number {
  return roundsMs + settleMs + flushesMs + gapMs
}

export function describeBound({ roundsMs, settleMs, flushesMs, gapMs }: ElectionBound): string {
  const summands = { rounds: roundsMs, settle: settleMs, flushes: flushesMs, gap: gapMs }
  return Object.entries(summands)
    .map(([name, ms]) => `${name} ${ms.toFixed(0)}`)
    .join(' + ')
}
