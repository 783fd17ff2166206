/**
 * What one connection hears is in order (invariant 5): replies in the order of requests,
 * zxids never falling, on the connection and against what the client had seen when it attached.
 */
import { hexOfZxid, type Zxid } from '../../../src/base/ids.ts'
import type { Checker, Report } from '../sim-trace.ts'

interface ConnectionFacts {
  readonly waiting: number[] // request ids, oldest first
  lastZxid: Zxid
}

export function sessionReplies(report: Report): Checker {
  const connections = new Map<number, ConnectionFacts>()
  return {
    name: 'session-replies',
    observe({ event }) {
      if (event.kind === 'attached') connections.set(event.connection, { waiting: [], lastZxid: event.lastZxidSeen })
      if (event.kind === 'request') connections.get(event.connection)?.waiting.push(event.requestId)
      if (event.kind === 'watch-event' && event.zxid >= 0) {
        seen(connections.get(event.connection), event.connection, event.zxid as Zxid, 'a watch event', report)
      }
      if (event.kind !== 'reply') return
      const facts = connections.get(event.connection)
      const expected = facts?.waiting.shift()
      if (expected !== event.requestId) {
        report(
          `connection ${event.connection}: reply to request ${event.requestId} while ${expected ?? 'none'} is the oldest`,
        )
      }
      seen(facts, event.connection, event.zxid, `the reply to request ${event.requestId}`, report)
    },
    finish() {},
  }
}

function seen(facts: ConnectionFacts | undefined, connection: number, zxid: Zxid, what: string, report: Report): void {
  if (facts === undefined) {
    report(`connection ${connection} heard ${what} before it was attached`)
    return
  }
  if (zxid < facts.lastZxid) {
    report(`connection ${connection}: ${what} shows ${hexOfZxid(zxid)} after ${hexOfZxid(facts.lastZxid)}`)
  }
  facts.lastZxid = zxid
}
