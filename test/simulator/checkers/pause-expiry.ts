/**
 * No session ends because its leader stood still: of a pause, a leader may count one step of its running clock
 * (src/server/running-clock.ts) towards the timeout of a session. Judged for sessions whose client is connected to the
 * leader itself; what another server has learned in time depends on the network between them.
 */
import { hexOfSession, type ServerId, type SessionId } from '../../../src/base/ids.ts'
import type { TraceEvent } from '../../../src/replica/trace-event.ts'
import type { Checker, Report } from '../sim-trace.ts'

export interface PauseExpiryOptions {
  /** How much faster than true time any server's clock may run. */
  readonly clockRateMax: number
  /** What a pause may count for. */
  readonly pauseStepMsMax: number
}

interface SessionFacts {
  readonly timeoutMs: number
  readonly serverId: ServerId
  readonly connection: number
  /** Its server has heard from it at this time or later: when the last request that was answered left the client. */
  heardUs: number
}

interface ServerFacts {
  leadingSinceUs: number | null
  pausedSinceUs: number | null
  readonly pauses: { readonly fromUs: number; readonly untilUs: number }[]
}

export function pauseExpiry(options: PauseExpiryOptions, report: Report): Checker {
  const sessions = new Map<SessionId, SessionFacts>()
  const sessionByConnection = new Map<number, SessionId>()
  const servers = new Map<ServerId, ServerFacts>()
  const askedAtUs = new Map<number, number>()
  return {
    name: 'pause-expiry',
    observe({ atUs, event }) {
      if (event.kind === 'attached') {
        const { sessionId, timeoutMs, serverId, connection } = event
        sessions.set(sessionId, { timeoutMs, serverId, connection, heardUs: event.askedAtUs })
        sessionByConnection.set(connection, sessionId)
      } else if (event.kind === 'request') askedAtUs.set(event.requestId, atUs)
      else if (event.kind === 'reply') noteReply(event.connection, event.requestId)
      else if (event.kind === 'server-paused') notePause(serverOf(event.serverId), event.isPaused, atUs)
      else if (event.kind === 'server-started') servers.delete(event.serverId)
      else if (event.kind === 'server') observeServer(event.serverId, event.event, atUs)
    },
    finish() {},
  }

  function serverOf(id: ServerId): ServerFacts {
    const known = servers.get(id)
    if (known !== undefined) return known
    const fresh = { leadingSinceUs: null, pausedSinceUs: null, pauses: [] }
    servers.set(id, fresh)
    return fresh
  }

  function noteReply(connection: number, requestId: number): void {
    const atUs = askedAtUs.get(requestId)
    askedAtUs.delete(requestId)
    const facts = sessions.get(sessionByConnection.get(connection) ?? (0n as SessionId))
    if (facts?.connection === connection && atUs !== undefined) facts.heardUs = Math.max(facts.heardUs, atUs)
  }

  function observeServer(serverId: ServerId, event: TraceEvent, atUs: number): void {
    const server = serverOf(serverId)
    if (event.kind === 'role-changed') server.leadingSinceUs = event.role === 'leading' ? atUs : null
    if (event.kind !== 'session-expiring' || server.leadingSinceUs === null) return
    const facts = sessions.get(event.sessionId)
    if (facts?.serverId !== serverId) return
    // A leader starts every timeout again.
    const fromUs = Math.max(facts.heardUs, server.leadingSinceUs)
    const pauses = server.pauses.filter(({ untilUs }) => untilUs > fromUs)
    const pausedUs = pauses.reduce((sumUs, pause) => sumUs + pause.untilUs - Math.max(pause.fromUs, fromUs), 0)
    const ranMs = ((atUs - fromUs - pausedUs) / 1000) * options.clockRateMax
    if (ranMs + pauses.length * options.pauseStepMsMax >= facts.timeoutMs) return
    const text = `its leader ran for ${ranMs.toFixed(0)} ms since it heard from it, and stood still for ${pausedUs / 1000} ms`
    report(`session ${hexOfSession(event.sessionId)} expires: ${text}; its timeout is ${facts.timeoutMs} ms`)
  }
}

function notePause(server: ServerFacts, isPaused: boolean, atUs: number): void {
  if (isPaused) server.pausedSinceUs = atUs
  else if (server.pausedSinceUs !== null) {
    server.pauses.push({ fromUs: server.pausedSinceUs, untilUs: atUs })
    server.pausedSinceUs = null
  }
}
