/**
 * At most one server ever leads an epoch, and none establishes the same one twice. It does not judge the
 * order: a leader that was paused may learn late that a quorum accepted it, after that quorum has moved on. What it then
 * believes committed is in every later history; `durability` and `committed-prefix` check that.
 */
import type { Epoch, ServerId } from '../../../src/base/ids.ts'
import type { Checker, Report } from '../sim-trace.ts'

export function oneLeaderPerEpoch(report: Report): Checker {
  const leaderByEpoch = new Map<Epoch, ServerId>()
  return {
    name: 'one-leader-per-epoch',
    observe({ event }) {
      if (event.kind !== 'server' || event.event.kind !== 'established') return
      const { epoch } = event.event
      const leader = leaderByEpoch.get(epoch)
      if (leader !== undefined) report(`servers ${leader} and ${event.serverId} both established epoch ${epoch}`)
      leaderByEpoch.set(epoch, event.serverId)
    },
    finish() {},
  }
}
