/**
 * No server calls a txn committed, and so none acknowledges it, before a quorum has it on disk; a server counts from its
 * own flush on (invariants 2 and 3). Crashes show whether "on disk" is true: the simulated disk forgets what was not
 * flushed, and then another checker reports the loss. A wiped disk counts with what it had until its server is in step
 * again, because its acknowledgements may still be on their way.
 */
import { hexOfZxid, type ServerId, type Zxid } from '../../../src/base/ids.ts'
import type { Checker, Report } from '../sim-trace.ts'

export function quorumDurable(serverCount: number, report: Report): Checker {
  const durableByServer = new Map<ServerId, Zxid>()
  const wipedByServer = new Map<ServerId, Zxid>()
  const quorumCount = Math.floor(serverCount / 2) + 1
  return {
    name: 'quorum-durable',
    observe({ event }) {
      if (event.kind === 'server' && event.event.kind === 'durable')
        durableByServer.set(event.serverId, event.event.zxid)
      if (event.kind === 'disk-wiped') {
        wipedByServer.set(event.serverId, durableByServer.get(event.serverId) ?? (0 as Zxid))
        durableByServer.delete(event.serverId)
      }
      if (event.kind === 'server' && event.event.kind === 'role-changed' && event.event.role !== 'looking') {
        wipedByServer.delete(event.serverId)
      }
      const claimed = claimedZxid(event)
      if (claimed === null) return
      let count = 0
      for (const serverId of new Set([...durableByServer.keys(), ...wipedByServer.keys()])) {
        const durable = Math.max(durableByServer.get(serverId) ?? 0, wipedByServer.get(serverId) ?? 0)
        if (durable >= claimed.zxid) count++
      }
      if (count < quorumCount) {
        report(`${claimed.who} ${hexOfZxid(claimed.zxid)} while ${count} of ${serverCount} servers hold it durably`)
      }
    },
    finish() {},
  }
}

function claimedZxid(event: Parameters<Checker['observe']>[0]['event']): { who: string; zxid: Zxid } | null {
  if (event.kind !== 'server') return null
  switch (event.event.kind) {
    case 'committed':
    case 'applied':
    case 'installed':
      return { who: `server ${event.serverId} ${event.event.kind}`, zxid: event.event.zxid }
    default:
      return null
  }
}
