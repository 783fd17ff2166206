/**
 * A server that loses its leader keeps its clients. It closes a connection for that reason only if it had no leader for as
 * long as the client can wait, if the outcome of a request is in doubt, if a copy of the state replaces its own, or if
 * the configuration keeps no clients.
 */
import { hexOfSession, type ServerId, type SessionId } from '../../../src/base/ids.ts'
import type { TraceEvent } from '../../../src/replica/trace-event.ts'
import type { SimEvent } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'

export interface KeptConnectionsOptions {
  /** How much faster than true time any server's clock may run. */
  readonly clockRateMax: number
  /** The longest wait for a leader; 0: the servers keep no clients. */
  readonly waitMsMax: number
  /** What a pause may count for (src/server/running-clock.ts), also one that ended when the leader was lost. */
  readonly pauseStepMsMax: number
}

interface ServerFacts {
  isServing: boolean
  lostAtUs: number
  pausedUntilUs: number
  /** Since the leader was lost. */
  pauseCount: number
  /** A session whose connection was cut for a copy, before the copy is installed. */
  cutForCopy: string | null
  hasTxns: boolean
}

type Cut = Extract<TraceEvent, { readonly kind: 'client-cut' }>

export function keptConnections(options: KeptConnectionsOptions, report: Report): Checker {
  const { clockRateMax, waitMsMax, pauseStepMsMax } = options
  const servers = new Map<ServerId, ServerFacts>()
  const unanswered = new UnansweredCounts()
  return {
    name: 'kept-connections',
    observe({ atUs, event }) {
      unanswered.observe(event)
      if (event.kind === 'server-started') servers.delete(event.serverId)
      else if (event.kind === 'server-paused' && !event.isPaused) notePause(serverOf(event.serverId, atUs), atUs)
      else if (event.kind === 'server') observeServer(serverOf(event.serverId, atUs), event.event, atUs)
    },
    finish() {},
  }

  function serverOf(id: ServerId, atUs: number): ServerFacts {
    const known = servers.get(id)
    if (known !== undefined) return known
    const rest = { cutForCopy: null, hasTxns: false }
    const fresh = { isServing: false, lostAtUs: atUs, pausedUntilUs: 0, pauseCount: 0, ...rest }
    servers.set(id, fresh)
    return fresh
  }

  function observeServer(server: ServerFacts, event: TraceEvent, atUs: number): void {
    if (event.kind === 'client-cut') return judge(server, event, atUs)
    if (event.kind === 'applied') server.hasTxns = true
    if (server.cutForCopy !== null && event.kind !== 'installed') {
      report(`the connection of session ${server.cutForCopy} is cut for a copy of the state that is not installed`)
    }
    server.cutForCopy = null
    if (event.kind !== 'role-changed') return
    if (server.isServing) {
      server.lostAtUs = atUs
      server.pauseCount = server.pausedUntilUs === atUs ? 1 : 0
    }
    server.isServing = event.role !== 'looking'
  }

  function judge(server: ServerFacts, { sessionId, timeoutMs, why }: Cut, atUs: number): void {
    const session = hexOfSession(sessionId)
    if (why === 'replaced') server.cutForCopy = session
    else if (why === 'not-kept' && waitMsMax > 0) report(`session ${session} is cut by a server that keeps its clients`)
    else if (why === 'in-doubt') judgeDoubt(server, sessionId)
    else if (why === 'waited') {
      const waitedMs = ((atUs - server.lostAtUs) / 1000) * clockRateMax + server.pauseCount * pauseStepMsMax
      const limitMs = Math.min(waitMsMax, timeoutMs / 3)
      if (waitedMs < limitMs) {
        report(`session ${session} is cut after ${waitedMs.toFixed(0)} ms without a leader, and can wait ${limitMs} ms`)
      }
    }
  }

  /** One request is in doubt because a later one is known to be done; on a server without any txn one is enough. */
  function judgeDoubt({ hasTxns }: ServerFacts, sessionId: SessionId): void {
    const counts = unanswered.of(sessionId)
    const needed = hasTxns ? 2 : 1
    if (counts.length === 0 || counts.some((count) => count >= needed)) return // or the client has left
    report(
      `session ${hexOfSession(sessionId)} is cut because a request is in doubt, and has ${counts} without an answer`,
    )
  }
}

function notePause(server: ServerFacts, atUs: number): void {
  server.pausedUntilUs = atUs
  server.pauseCount++
}

/** How many requests have no answer, for each connection that its client has not closed. */
class UnansweredCounts {
  readonly #byConnection = new Map<number, { readonly sessionId: SessionId; count: number }>()

  observe(event: SimEvent): void {
    if (event.kind === 'attached') this.#byConnection.set(event.connection, { sessionId: event.sessionId, count: 0 })
    if (event.kind === 'closed') this.#byConnection.delete(event.connection)
    if (event.kind !== 'request' && event.kind !== 'reply') return
    const facts = this.#byConnection.get(event.connection)
    if (facts !== undefined) facts.count += event.kind === 'request' ? 1 : -1
  }

  of(sessionId: SessionId): readonly number[] {
    return [...this.#byConnection.values()].filter((each) => each.sessionId === sessionId).map(({ count }) => count)
  }
}
