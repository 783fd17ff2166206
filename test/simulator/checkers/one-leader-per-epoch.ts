/** At most one server ever leads an epoch, and epochs are established in order. */
import type { Epoch, ServerId } from '../../../src/base/ids.ts'
import type { Checker, Report } from '../sim-trace.ts'

export function oneLeaderPerEpoch(report: Report): Checker {
  const leaderByEpoch = new Map<Epoch, ServerId>()
  let highest = 0
  return {
    name: 'one-leader-per-epoch',
    observe({ event }) {
      if (event.kind !== 'server' || event.event.kind !== 'established') return
      const { epoch } = event.event
      const leader = leaderByEpoch.get(epoch)
      if (leader !== undefined) report(`servers ${leader} and ${event.serverId} both established epoch ${epoch}`)
      // Each establishment needs a quorum that promised to follow no older epoch.
      if (epoch < highest) report(`server ${event.serverId} established epoch ${epoch} after epoch ${highest}`)
      leaderByEpoch.set(epoch, event.serverId)
      highest = Math.max(highest, epoch)
    },
    finish() {},
  }
}
