/**
 * No server leads on when no quorum has heard it for peerTimeoutMs and a tick. It counts from when the bytes were sent that a
 * quorum is known to have read: what still comes from servers that no longer hear the leader proves nothing. The time in
 * which the leader itself stands still does not count, since it serves nothing meanwhile.
 */
import type { EnsembleView, ServerView } from '../ensemble-view.ts'
import type { Checker, Report } from '../sim-trace.ts'

export interface LeaderTimes {
  readonly peerTimeoutMs: number
  readonly tickMs: number
  /** How much slower than true time any server's clock may run. */
  readonly clockRateMin: number
}

export function leadersStopInTime(view: EnsembleView, times: LeaderTimes, report: Report): Checker {
  const limitMs = (times.peerTimeoutMs + times.tickMs) / times.clockRateMin
  const reported = new Set<string>()
  return {
    name: 'leaders-stop-in-time',
    observe({ atUs }) {
      for (const server of view.servers) {
        if (server.role !== 'leading' || !server.isRunning || server.isPaused) continue
        if (view.isStopping(server)) continue
        const heardUs = heardByQuorumUs(view, server)
        const aloneMs = (atUs - heardUs - pausedUs(server, heardUs)) / 1000
        const name = `${server.id} in ${server.epoch}`
        if (aloneMs <= limitMs || reported.has(name)) continue
        reported.add(name)
        report(
          `server ${server.id} still leads epoch ${server.epoch}, and no quorum has heard it for ` +
            `${aloneMs.toFixed(0)} ms; at most ${limitMs.toFixed(0)}`,
        )
      }
    },
    finish() {},
  }
}

/** The leader knows that each server of some quorum, itself included, has heard it at this time or later. */
function heardByQuorumUs(view: EnsembleView, leader: ServerView): number {
  if (view.quorumSize === 1) return Number.POSITIVE_INFINITY
  const times = view.servers
    .filter(({ id }) => id !== leader.id)
    .map(({ id }) => view.probe.answeredUs(leader.id, id))
    .sort((a, b) => b - a)
  return times[view.quorumSize - 2]!
}

function pausedUs({ pauses }: ServerView, sinceUs: number): number {
  return pauses.reduce((sum, { fromUs, untilUs }) => sum + Math.max(0, untilUs - Math.max(fromUs, sinceUs)), 0)
}
