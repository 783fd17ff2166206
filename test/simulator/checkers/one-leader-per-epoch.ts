/**
 * At most one server ever leads an epoch, and none establishes the same one twice. The order is not
 * judged: a leader that stood still may read late that a quorum accepted it, when that quorum has moved on; what it
 * then believes committed is in every later history, and that is another checker's to say.
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
