/**
 * Sessions that live on one server end when they should. Before they end, a whole timeout has passed since their client
 * attached to that server, and since the server began to serve. In a calm ensemble they last while the client keeps its
 * connection, and end soon after the client has left. They may end with the process of their server, and those of
 * read-only mode with that mode.
 */
import { hexOfSession, type ServerId, type SessionId } from '../../../src/base/ids.ts'
import type { TraceEvent } from '../../../src/replica/trace-event.ts'
import type { ClientEvent } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import { type ExpiryOptions, idleMsOf } from './session-expiry.ts'

interface LocalFacts {
  readonly serverId: ServerId
  readonly timeoutMs: number
  readonly lastAskedAtUs: number
  /** Made in read-only mode. In this mode a server may change its role without starting timeouts again. */
  readonly isReadOnly: boolean
  connection: number | null // null: not connected
  abandonedAtUs: number | null
}

export function localSessionExpiry(options: ExpiryOptions, report: Report): Checker {
  const sessions = new Map<SessionId, LocalFacts>()
  const made = new Set<SessionId>() // by a txn: these are global, and session-expiry judges them
  const sessionByConnection = new Map<number, SessionId>()
  const roleSinceUs = new Map<ServerId, number>()
  const crashedAtUs = new Map<ServerId, number>()
  let calmSinceUs: number | null = null
  let nowUs = 0
  return {
    name: 'local-session-expiry',
    observe({ atUs, event }) {
      nowUs = atUs
      if (event.kind === 'phase') calmSinceUs = event.phase === 'calm' ? atUs : null
      else if (event.kind === 'attached') attach(event)
      else if (event.kind === 'closed') {
        const facts = sessions.get(sessionByConnection.get(event.connection) ?? (0n as SessionId))
        if (facts?.connection === event.connection) facts.connection = null
      } else if (event.kind === 'abandoned') {
        const facts = sessions.get(event.sessionId)
        if (facts !== undefined) facts.abandonedAtUs = atUs
      } else if (event.kind === 'server-crashed') {
        crashedAtUs.set(event.serverId, nowUs)
        for (const [sessionId, { serverId }] of sessions) if (serverId === event.serverId) sessions.delete(sessionId)
      } else if (event.kind === 'server') observeServer(event.serverId, event.event)
    },
    finish() {
      if (calmSinceUs === null) return
      for (const [sessionId, facts] of sessions) {
        const idleMs = idleMsOf(facts, { calmSinceUs, runsSinceUs: roleSinceUs.get(facts.serverId) ?? 0, nowUs })
        if (idleMs <= facts.timeoutMs + options.graceMs) continue
        report(`local session ${hexOfSession(sessionId)} was abandoned ${idleMs.toFixed(0)} ms ago and still exists`)
      }
    },
  }

  function attach(event: Extract<ClientEvent, { readonly kind: 'attached' }>): void {
    const { sessionId, serverId, timeoutMs, connection, askedAtUs: lastAskedAtUs } = event
    if (made.has(sessionId)) return
    // The answer was on the way when the process ended that had the session.
    if ((crashedAtUs.get(serverId) ?? 0) > lastAskedAtUs) return
    const isReadOnly = sessions.get(sessionId)?.isReadOnly ?? event.readOnly
    sessions.set(sessionId, { serverId, timeoutMs, lastAskedAtUs, isReadOnly, connection, abandonedAtUs: null })
    sessionByConnection.set(connection, sessionId)
  }

  function observeServer(serverId: ServerId, event: TraceEvent): void {
    if (event.kind === 'role-changed') {
      roleSinceUs.set(serverId, nowUs)
      if (event.role === 'looking') return
      for (const [sessionId, facts] of sessions) {
        if (facts.serverId === serverId && facts.isReadOnly) sessions.delete(sessionId)
      }
    } else if (event.kind === 'applied') {
      for (const change of event.txn.changes) {
        if (change.kind !== 'create-session') continue
        made.add(change.sessionId)
        sessions.delete(change.sessionId)
      }
    } else if (event.kind === 'local-session-ended') {
      const facts = sessions.get(event.sessionId) // undefined: its client never got the connect response
      const servesSinceUs = roleSinceUs.get(serverId) ?? 0
      const calmMs = calmSinceUs === null ? 0 : (nowUs - calmSinceUs) / 1000
      const at = { serverId, servesSinceUs, nowUs, calmMs }
      const isJudged = facts !== undefined && event.how === 'expired'
      const fault = isJudged ? faultOf(facts, at, options.clockRateMax) : null
      if (fault !== null) report(`local session ${hexOfSession(event.sessionId)} expires ${fault}`)
      sessions.delete(event.sessionId)
    }
  }
}

/** What is wrong with the end of the session on `serverId`, where its timeout ran since `servesSinceUs` at the latest. */
function faultOf(
  { timeoutMs, lastAskedAtUs, connection, ...facts }: LocalFacts,
  at: { readonly serverId: ServerId; readonly servesSinceUs: number; readonly nowUs: number; readonly calmMs: number },
  clockRateMax: number,
): string | null {
  if (facts.serverId !== at.serverId) return `on server ${at.serverId} and is on server ${facts.serverId}`
  const sinceUs = Math.max(lastAskedAtUs, facts.isReadOnly ? 0 : at.servesSinceUs)
  const idleMs = ((at.nowUs - sinceUs) / 1000) * clockRateMax
  if (idleMs < timeoutMs) return `${idleMs.toFixed(0)} ms after it attached; its timeout is ${timeoutMs} ms`
  const isUsed = connection !== null && at.calmMs > timeoutMs
  return isUsed ? 'in a calm ensemble while its client is connected' : null
}
