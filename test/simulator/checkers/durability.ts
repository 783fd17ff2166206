/**
 * An acknowledged write is never lost: every later leader applies it before anything of its own epoch, and at the end
 * every surviving server has it.
 */
import { epochOf, hexOfZxid, type ServerId, type Zxid } from '../../../src/base/ids.ts'
import { type ClientRequest, isDoneWrite } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import type { CommittedHistory } from './committed-history.ts'

export function durability(history: CommittedHistory, survivors: () => readonly ServerId[], report: Report): Checker {
  const requests = new Map<number, ClientRequest>()
  const acknowledged: Zxid[] = []
  const lastAppliedByServer = new Map<ServerId, Zxid>()
  let acknowledgedMax = 0
  /** Per server leading an epoch: what had been acknowledged when it was established. */
  const owedByLeader = new Map<ServerId, Zxid>()
  return {
    name: 'durability',
    observe({ event }) {
      if (event.kind === 'request') requests.set(event.requestId, event.request)
      const request = event.kind === 'reply' ? requests.get(event.requestId) : undefined
      if (event.kind === 'reply' && request !== undefined && isDoneWrite(request, event.error, event.body)) {
        // The reply to the end of a local session carries the zxid of the last txn, and none may exist yet.
        if (event.zxid > 0) acknowledged.push(event.zxid)
        acknowledgedMax = Math.max(acknowledgedMax, event.zxid)
      }
      if (event.kind === 'disk-wiped') lastAppliedByServer.delete(event.serverId)
      if (event.kind === 'disk-adopted') lastAppliedByServer.set(event.serverId, event.zxid)
      if (event.kind === 'server-started' || event.kind === 'server-crashed') owedByLeader.delete(event.serverId)
      if (event.kind !== 'server') return
      const { serverId } = event
      if (event.event.kind === 'established') owedByLeader.set(serverId, acknowledgedMax as Zxid)
      if (event.event.kind === 'role-changed') owedByLeader.delete(serverId)
      if (event.event.kind === 'installed') lastAppliedByServer.set(serverId, event.event.zxid)
      if (event.event.kind !== 'applied') return
      const { zxid } = event.event
      const owed = owedByLeader.get(serverId)
      const last = lastAppliedByServer.get(serverId) ?? 0
      if (owed !== undefined && epochOf(zxid) > epochOf(owed) && last < owed) {
        report(`leader ${serverId} applied ${hexOfZxid(zxid)} of its epoch without the acknowledged ${hexOfZxid(owed)}`)
      }
      lastAppliedByServer.set(serverId, zxid)
    },
    finish() {
      for (const zxid of acknowledged) {
        if (history.at(zxid) === null) report(`the acknowledged write ${hexOfZxid(zxid)} was applied by no server`)
      }
      for (const serverId of survivors()) {
        const last = lastAppliedByServer.get(serverId) ?? (0 as Zxid)
        if (last < acknowledgedMax) {
          report(
            `server ${serverId} ends at ${hexOfZxid(last)}, below the acknowledged ${hexOfZxid(acknowledgedMax as Zxid)}`,
          )
        }
      }
    },
  }
}
