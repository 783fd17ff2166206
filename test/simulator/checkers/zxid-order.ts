/**
 * Each incarnation of a server applies zxids in order, each once, without a hole inside an epoch, and never
 * before they are committed (invariant 3).
 */
import { counterOf, epochOf, hexOfZxid, type ServerId, type Zxid } from '../../../src/base/ids.ts'
import type { Checker, Report } from '../sim-trace.ts'

export function zxidOrder(report: Report): Checker {
  const appliedByServer = new Map<ServerId, Zxid>()
  const committedByServer = new Map<ServerId, Zxid>()
  return {
    name: 'zxid-order',
    observe({ event }) {
      if (event.kind === 'server-started') {
        appliedByServer.delete(event.serverId)
        committedByServer.delete(event.serverId)
      }
      if (event.kind !== 'server') return
      const { serverId } = event
      if (event.event.kind === 'committed') {
        const before = committedByServer.get(serverId) ?? 0
        if (event.event.zxid < before) {
          report(
            `server ${serverId}: the commit index fell from ${hexOfZxid(before as Zxid)} to ${hexOfZxid(event.event.zxid)}`,
          )
        }
        committedByServer.set(serverId, event.event.zxid)
      }
      if (event.event.kind === 'installed') {
        const { zxid } = event.event
        const last = appliedByServer.get(serverId) ?? 0
        if (zxid !== 0 && zxid <= last) {
          report(`server ${serverId} installed the state at ${hexOfZxid(zxid)} after ${hexOfZxid(last as Zxid)}`)
        }
        appliedByServer.delete(serverId) // the next txn may begin any epoch
        if (zxid > 0) appliedByServer.set(serverId, zxid)
        committedByServer.delete(serverId)
      }
      if (event.event.kind !== 'applied') return
      const { zxid } = event.event
      const last = appliedByServer.get(serverId)
      if (last !== undefined && !follows(last, zxid)) {
        report(`server ${serverId} applied ${hexOfZxid(zxid)} after ${hexOfZxid(last)}`)
      }
      const committed = committedByServer.get(serverId)
      if (committed !== undefined && zxid > committed) {
        report(`server ${serverId} applied ${hexOfZxid(zxid)} above its commit index ${hexOfZxid(committed)}`)
      }
      appliedByServer.set(serverId, zxid)
    },
    finish() {},
  }
}

function follows(last: Zxid, next: Zxid): boolean {
  if (epochOf(next) === epochOf(last)) return next === last + 1
  return epochOf(next) > epochOf(last) && counterOf(next) === 1
}
