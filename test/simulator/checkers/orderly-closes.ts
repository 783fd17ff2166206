/**
 * A request that a server left unanswered when it closed in order (src/server/orderly-close.ts) was not carried out, so its
 * client may send it to another server. The client knows that by the end of the stream: all answers of the server came before
 * it. Not judged is what the server could not keep in order; each such connection needs one of the listed causes, and is counted.
 * Of writes that look alike in the log one is judged only if all of them were left so. The end of a session is not judged, since
 * the session may also have expired.
 */

import type { ServerId, SessionId } from '../../../src/base/ids.ts'
import { hexOfZxid } from '../../../src/base/ids.ts'
import { closingAnswersMsMax } from '../../../src/base/limits.ts'
import type { TraceEvent } from '../../../src/replica/trace-event.ts'
import { describeRequest } from '../describe-event.ts'
import { type ClientEvent, isWrite, type SimEvent } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import type { CommittedHistory } from './committed-history.ts'
import { keyOfRequest, type RequestLedger } from './request-ledger.ts'

/**
 * limit: the answers took longer than closingAnswersMsMax, or the client did not take them (`clients-not-answered`).
 * cut: the leader was lost, and the outcome is in doubt (kept-connections.ts judges why).
 * session: the session has ended, or its client has another connection.
 * failed: the server stopped at once, since it no longer trusts its disk.
 */
export type UnansweredCause = 'limit' | 'cut' | 'session' | 'failed'

export interface OrderlyCloseCounts {
  /** Servers that were asked to stop, and have closed. */
  closes: number
  /** Writes without an answer when such a server ended their connection. None was carried out. */
  left: number
  /** Servers that gave up waiting. */
  gaveUp: number
  /** Connections with such a write that are not judged. */
  readonly excused: Record<UnansweredCause, number>
}

/** One run of a server, from its start to its end. */
interface Life {
  readonly id: ServerId
  askedAtUs: number | null
  gaveUp: boolean
  hasFailed: boolean
}

interface OpenConnection {
  readonly life: Life
  readonly sessionId: SessionId
  hasLostSession: boolean
  isCut: boolean
  /** Writes without an answer. */
  readonly waiting: Set<number>
}

export interface OrderlyClosesOptions {
  /** How much faster than true time any server's clock may run. */
  readonly clockRateMax: number
  /** False: messages may be so slow that answers to a long queue, one round after the other, take longer than the limit. */
  readonly areAnswersQuick: boolean
  readonly history: CommittedHistory
  readonly ledger: RequestLedger
}

/** The end of the run: a server closes while nothing else is wrong, and so it answers all that it has read. */
export const serverCloses = 'a server closes in order, and nothing else is wrong'

export function noOrderlyCloses(): OrderlyCloseCounts {
  return { closes: 0, left: 0, gaveUp: 0, excused: { limit: 0, cut: 0, session: 0, failed: 0 } }
}

export function orderlyCloses(options: OrderlyClosesOptions, counts: OrderlyCloseCounts, report: Report): Checker {
  const lives = new Lives(options, counts, report)
  const connections = new Connections(lives, counts)
  const { history, ledger } = options
  return {
    name: 'orderly-closes',
    observe({ atUs, event }) {
      lives.observe(event, atUs)
      connections.observe(event, atUs)
    },
    finish() {
      const { left } = connections
      counts.left = left.size
      const others = new Set<string>()
      for (const { requestId, sessionId, request, answer } of ledger.entries)
        if (answer === null && isWrite(request) && !left.has(requestId)) others.add(keyOfRequest(sessionId, request))
      ledger.replay(history, {
        visit({ committed, entry }) {
          if (entry === null || !left.has(entry.requestId)) return
          if (others.has(keyOfRequest(entry.sessionId, entry.request))) return
          const what = `request ${entry.requestId} (${describeRequest(entry.request)})`
          report(
            `${what} was left unanswered by a server that closed in order, and done at ${hexOfZxid(committed.zxid)}`,
          )
        },
      })
    },
  }
}

/** Which servers were asked to stop, and what became of them. */
class Lives {
  readonly #options: OrderlyClosesOptions
  readonly #counts: OrderlyCloseCounts
  readonly #report: Report
  readonly #byServer = new Map<ServerId, Life>()
  #isUndisturbed = false

  constructor(options: OrderlyClosesOptions, counts: OrderlyCloseCounts, report: Report) {
    this.#options = options
    this.#counts = counts
    this.#report = report
  }

  of(id: ServerId): Life {
    const known = this.#byServer.get(id)
    if (known !== undefined) return known
    const life: Life = { id, askedAtUs: null, gaveUp: false, hasFailed: false }
    this.#byServer.set(id, life)
    return life
  }

  observe(event: SimEvent, atUs: number): void {
    if (event.kind === 'server-log') this.#noteLog(this.of(event.serverId), event.text, atUs)
    else if (event.kind === 'server-asked-to-stop') this.of(event.serverId).askedAtUs ??= atUs
    else if (event.kind === 'server-crashed' || event.kind === 'server-started') this.#byServer.delete(event.serverId)
    else if (event.kind === 'fault') this.#isUndisturbed ||= event.text === serverCloses
  }

  #noteLog(life: Life, text: string, atUs: number): void {
    const { clockRateMax, areAnswersQuick } = this.#options
    if (text.startsWith('error server-must-stop ')) life.hasFailed = true
    if (text.startsWith('info server-stopped ') && life.askedAtUs !== null && !life.hasFailed) this.#counts.closes++
    if (!text.startsWith('warn clients-not-answered ')) return
    life.gaveUp = true
    this.#counts.gaveUp++
    const waitedMs = ((atUs - (life.askedAtUs ?? atUs)) / 1000) * clockRateMax
    const waited = `server ${life.id} gives up its clients after ${waitedMs.toFixed(0)} ms`
    if (waitedMs < closingAnswersMsMax) this.#report(`${waited}, and waits for ${closingAnswersMsMax} ms`)
    if (this.#isUndisturbed && areAnswersQuick) this.#report(`${waited}, while nothing else is wrong`)
  }
}

/** Which writes wait for an answer, and which were left without one. */
class Connections {
  /** The requests that were not carried out, if all is well. */
  readonly left = new Set<number>()
  readonly #lives: Lives
  readonly #counts: OrderlyCloseCounts
  readonly #open = new Map<number, OpenConnection>()
  readonly #lastEnds = new Map<SessionId, { readonly atUs: number; readonly waiting: ReadonlySet<number> }>()

  constructor(lives: Lives, counts: OrderlyCloseCounts) {
    this.#lives = lives
    this.#counts = counts
  }

  observe(event: SimEvent, atUs: number): void {
    if (event.kind === 'server') this.#noteSessions(event.serverId, event.event)
    else if (event.kind === 'attached') this.#attach(event)
    else if (event.kind === 'request') {
      const isJudged = isWrite(event.request) && event.request.kind !== 'close-session'
      if (isJudged) this.#open.get(event.connection)?.waiting.add(event.requestId)
    } else if (event.kind === 'reply') this.#open.get(event.connection)?.waiting.delete(event.requestId)
    else if (event.kind === 'closed') {
      const connection = this.#open.get(event.connection)
      this.#open.delete(event.connection)
      const isEnd = event.by === 'server' && event.reason === 'end of stream'
      if (isEnd && connection !== undefined) this.#judgeEnd(connection, atUs)
    }
  }

  #attach({ serverId, connection, sessionId, askedAtUs }: Extract<ClientEvent, { kind: 'attached' }>): void {
    for (const other of this.#open.values()) if (other.sessionId === sessionId) other.hasLostSession = true
    this.#excuseMoved(sessionId, askedAtUs)
    const life = this.#lives.of(serverId)
    this.#open.set(connection, { life, sessionId, hasLostSession: false, isCut: false, waiting: new Set() })
  }

  #noteSessions(id: ServerId, event: TraceEvent): void {
    const isLost = losesSession(event)
    if (!isLost && event.kind !== 'client-cut') return
    const sessionId = event.kind === 'applied' ? event.txn.sessionId : event.sessionId
    for (const connection of this.#open.values()) {
      if (connection.life.id !== id || connection.sessionId !== sessionId) continue
      if (isLost) connection.hasLostSession = true
      else connection.isCut = true
    }
  }

  /** The client had asked for another connection before this one ended. */
  #excuseMoved(sessionId: SessionId, askedAtUs: number): void {
    const end = this.#lastEnds.get(sessionId)
    if (end === undefined || end.atUs < askedAtUs) return
    this.#lastEnds.delete(sessionId)
    this.#counts.excused.session++
    for (const requestId of end.waiting) this.left.delete(requestId)
  }

  #judgeEnd(connection: OpenConnection, atUs: number): void {
    const { life, sessionId, waiting } = connection
    if (life.askedAtUs === null || waiting.size === 0) return
    const cause = excuseOf(connection)
    if (cause !== null) {
      this.#counts.excused[cause]++
      return
    }
    this.#lastEnds.set(sessionId, { atUs, waiting })
    for (const requestId of waiting) this.left.add(requestId)
  }
}

function excuseOf({ life, isCut, hasLostSession }: OpenConnection): UnansweredCause | null {
  if (life.gaveUp) return 'limit'
  if (life.hasFailed) return 'failed'
  if (isCut) return 'cut'
  return hasLostSession ? 'session' : null
}

/** In a txn of another connection or of the leader, or because it existed only on this server and has expired. */
function losesSession(event: TraceEvent): event is Extract<TraceEvent, { kind: 'applied' | 'local-session-ended' }> {
  if (event.kind === 'local-session-ended') return event.how === 'expired'
  return event.kind === 'applied' && event.txn.changes.some(({ kind }) => kind.endsWith('-session'))
}
