/**
 * What one connection receives is in order (invariant 5): replies in the order of requests, and zxids never falling,
 * over replies and events alike, on the connection and against what the client had seen when it attached.
 */
import { hexOfZxid, type Zxid } from '../../../src/base/ids.ts'
import type { ClientEvent, ClientRequest } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'

interface ConnectionFacts {
  readonly waiting: { readonly requestId: number; readonly request: ClientRequest }[] // oldest first
  lastReplyZxid: Zxid
  lastEventZxid: Zxid
}

type Reply = Extract<ClientEvent, { readonly kind: 'reply' }>

export function sessionReplies(report: Report): Checker {
  const connections = new Map<number, ConnectionFacts>()
  return {
    name: 'session-replies',
    observe({ event }) {
      if (event.kind === 'attached') {
        const { connection, lastZxidSeen } = event
        connections.set(connection, { waiting: [], lastReplyZxid: lastZxidSeen, lastEventZxid: 0 as Zxid })
      } else if (event.kind === 'request') {
        connections.get(event.connection)?.waiting.push(event)
      } else if (event.kind === 'reply' || event.kind === 'watch-event') {
        const { connection } = event
        const facts = connections.get(connection)
        if (facts === undefined) report(`connection ${connection} received a ${event.kind} before it was attached`)
        else if (event.kind === 'reply') judgeReply(facts, event, report)
        else if (event.zxid >= 0) {
          const before = Math.max(facts.lastReplyZxid, facts.lastEventZxid) as Zxid
          if (event.zxid < before)
            report(`connection ${connection}: an event of ${hexOfZxid(event.zxid as Zxid)} after ${hexOfZxid(before)}`)
          facts.lastEventZxid = event.zxid as Zxid
        }
      }
    },
    finish() {},
  }
}

function judgeReply(facts: ConnectionFacts, reply: Reply, report: Report): void {
  const { connection, requestId, zxid } = reply
  const oldest = facts.waiting.shift()
  if (oldest?.requestId !== requestId) {
    report(`connection ${connection}: reply to request ${requestId} while ${oldest?.requestId ?? 'none'} is the oldest`)
    return
  }
  const before = Math.max(facts.lastReplyZxid, facts.lastEventZxid) as Zxid
  if (zxid < before)
    report(
      `connection ${connection}: the reply to request ${requestId} shows ${hexOfZxid(zxid)} after ${hexOfZxid(before)}`,
    )
  facts.lastReplyZxid = Math.max(zxid, facts.lastReplyZxid) as Zxid
}
