/**
 * Sessions end when they should (invariant 7). A session lasts for its whole timeout after the leader last agreed to an
 * attachment. While the ensemble is calm and the client keeps its connection, it does not end; after its client has left,
 * it ends soon. A deposed leader that does not know it yet may propose any end: only committed ends count.
 */
import { type Epoch, epochOf, hexOfSession, type ServerId, type SessionId } from '../../../src/base/ids.ts'
import type { TraceEvent } from '../../../src/replica/trace-event.ts'
import type { Checker, Report } from '../sim-trace.ts'

interface SessionFacts {
  timeoutMs: number
  lastAskedAtUs: number
  epoch: Epoch | null // in which the attachment was agreed to; null: not certain
  connection: number | null // null: not connected
  abandonedAtUs: number | null
  isClosing: boolean // the client asked for its end
}

export interface ExpiryOptions {
  /** How much faster than true time any server's clock may run. */
  readonly clockRateMax: number
  /** After the calm begins an abandoned session may live for its timeout and this. */
  readonly graceMs: number
  /** A session with a shorter timeout may expire in the calm: on a slow network pings wait while a large message passes. */
  readonly usedTimeoutMsMin: number
}

export function sessionExpiry(options: ExpiryOptions, report: Report): Checker {
  const sessions = new Map<SessionId, SessionFacts>()
  const sessionByConnection = new Map<number, SessionId>()
  const ended = new Set<SessionId>()
  /** Created by a txn that some server applied. All others are local; local-session-expiry judges them. */
  const made = new Set<SessionId>()
  const leaderByEpoch = new Map<Epoch, { readonly serverId: ServerId; readonly sinceUs: number }>()
  const roleByServer = new Map<ServerId, { readonly epoch: Epoch; readonly sinceUs: number }>()
  /** What is wrong with an attempt to end a session, by server and session. It counts if the end is committed. */
  const faultOfAttempt = new Map<string, string>()
  let calmSinceUs: number | null = null
  let nowUs = 0
  return {
    name: 'session-expiry',
    observe({ atUs, event }) {
      nowUs = atUs
      if (event.kind === 'phase') calmSinceUs = event.phase === 'calm' ? atUs : null
      if (event.kind === 'attached') {
        const { sessionId, timeoutMs, askedAtUs, connection } = event
        const role = roleByServer.get(event.serverId)
        const epoch = role !== undefined && role.sinceUs <= askedAtUs ? role.epoch : null
        const lastAskedAtUs = askedAtUs
        sessions.set(sessionId, { timeoutMs, lastAskedAtUs, epoch, connection, abandonedAtUs: null, isClosing: false })
        sessionByConnection.set(connection, sessionId)
      } else if (event.kind === 'closed') {
        const facts = sessions.get(sessionByConnection.get(event.connection) ?? (0n as SessionId))
        if (facts?.connection === event.connection) facts.connection = null
      } else if (event.kind === 'abandoned') {
        const facts = sessions.get(event.sessionId)
        if (facts !== undefined) facts.abandonedAtUs = atUs
      } else if (event.kind === 'request' && event.request.kind === 'close-session') {
        const facts = sessions.get(event.sessionId)
        if (facts !== undefined) facts.isClosing = true
      } else if (event.kind === 'server') observeServer(event.serverId, event.event)
    },
    finish() {
      if (calmSinceUs === null) return
      const runsSinceUs = Math.max(0, ...[...leaderByEpoch.values()].map(({ sinceUs }) => sinceUs))
      for (const [sessionId, facts] of sessions) {
        const exists = made.has(sessionId) && !ended.has(sessionId)
        const idleMs = exists ? idleMsOf(facts, { calmSinceUs, runsSinceUs, nowUs }) : 0
        if (idleMs <= facts.timeoutMs + options.graceMs) continue
        const text = `was abandoned ${idleMs.toFixed(0)} ms ago and still exists; its timeout is ${facts.timeoutMs} ms`
        report(`session ${hexOfSession(sessionId)} ${text}`)
      }
    },
  }

  function observeServer(serverId: ServerId, event: TraceEvent): void {
    if (event.kind === 'established') leaderByEpoch.set(event.epoch, { serverId, sinceUs: nowUs })
    else if (event.kind === 'role-changed') roleByServer.set(serverId, { epoch: event.epoch, sinceUs: nowUs })
    else if (event.kind === 'session-expiring') {
      const { sessionId } = event
      const epoch = roleByServer.get(serverId)?.epoch ?? null
      const fault = faultOfExpiry(sessionId, sessions.get(sessionId), {
        epoch,
        leaderSinceUs: epoch === null ? 0 : (leaderByEpoch.get(epoch)?.sinceUs ?? 0),
        nowUs,
        calmMs: calmSinceUs === null ? 0 : (nowUs - calmSinceUs) / 1000,
        clockRateMax: options.clockRateMax,
        usedTimeoutMsMin: options.usedTimeoutMsMin,
      })
      if (fault === null) faultOfAttempt.delete(`${serverId} ${sessionId}`)
      else faultOfAttempt.set(`${serverId} ${sessionId}`, fault)
    } else if (event.kind === 'applied') {
      for (const change of event.txn.changes) {
        if (change.kind === 'create-session') made.add(change.sessionId)
        if (change.kind !== 'close-session' || ended.has(change.sessionId)) continue
        ended.add(change.sessionId)
        const fault = faultOfAttempt.get(`${leaderByEpoch.get(epochOf(event.zxid))?.serverId} ${change.sessionId}`)
        if (fault !== undefined) report(fault)
      }
    }
  }
}

/** How long the session was abandoned during the calm, while its timeout ran; 0 if its client may still use it. */
export function idleMsOf(
  { abandonedAtUs }: Pick<SessionFacts, 'abandonedAtUs'>,
  { calmSinceUs, runsSinceUs, nowUs }: { calmSinceUs: number; runsSinceUs: number; nowUs: number },
): number {
  return abandonedAtUs === null ? 0 : (nowUs - Math.max(abandonedAtUs, calmSinceUs, runsSinceUs)) / 1000
}

interface AttemptMoment {
  readonly epoch: Epoch | null // of the server that tries
  readonly leaderSinceUs: number
  readonly nowUs: number
  readonly calmMs: number
  readonly clockRateMax: number
  readonly usedTimeoutMsMin: number
}

function faultOfExpiry(sessionId: SessionId, facts: SessionFacts | undefined, at: AttemptMoment): string | null {
  if (facts === undefined || facts.isClosing) return null // its client never got the connect response, or ends the session itself
  // A leader starts every timeout again, and knows the attachments of its own epoch. A deposed leader of an older epoch
  // may have agreed to one that the new leader does not know; it does not prolong the session.
  const touchedUs = facts.epoch === at.epoch ? Math.max(facts.lastAskedAtUs, at.leaderSinceUs) : at.leaderSinceUs
  const idleMs = ((at.nowUs - touchedUs) / 1000) * at.clockRateMax
  if (idleMs < facts.timeoutMs) {
    return `session ${hexOfSession(sessionId)} expires ${idleMs.toFixed(0)} ms after it attached; its timeout is ${facts.timeoutMs} ms`
  }
  if (facts.connection !== null && at.calmMs > facts.timeoutMs && facts.timeoutMs >= at.usedTimeoutMsMin) {
    return `session ${hexOfSession(sessionId)} expires in a calm ensemble while its client is connected`
  }
  return null
}
