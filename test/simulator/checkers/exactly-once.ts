/**
 * Every acknowledged write took effect once, an unanswered one at most once, a refused one never, and the
 * effects of one session stand in the order in which it asked for them. A request that a server sent to several leaders
 * became one txn: no two txns have the same origin.
 */
import { hexOfSession, hexOfZxid, type SessionId, type Zxid } from '../../../src/base/ids.ts'
import { describeRequest, describeTxn } from '../describe-event.ts'
import { isDoneWrite } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import type { CommittedHistory } from './committed-history.ts'
import type { Explained, RequestLedger } from './request-ledger.ts'

export interface ExactlyOnceOptions {
  readonly hasLocalSessions: boolean
}

export function exactlyOnce(
  history: CommittedHistory,
  ledger: RequestLedger,
  { hasLocalSessions }: ExactlyOnceOptions,
  report: Report,
): Checker {
  return {
    name: 'exactly-once',
    observe() {},
    finish() {
      const lastBySession = new Map<SessionId, Explained>()
      ledger.replay(history, {
        visit(explained) {
          const { committed, entry } = explained
          const at = hexOfZxid(committed.zxid)
          if (entry === null) {
            report(`txn ${at} ${describeTxn(committed.txn)} is explained by no request`)
            return
          }
          if (entry.sessionId !== committed.txn.sessionId) {
            report(
              `txn ${at} of session ${hexOfSession(committed.txn.sessionId)} was acknowledged to session ${hexOfSession(entry.sessionId)}`,
            )
          }
          const last = lastBySession.get(entry.sessionId)
          if (last?.entry && !ledger.isInOrder(last.entry, entry)) {
            report(
              `request ${entry.requestId} took effect at ${at}, after request ${last.entry.requestId} of the same session at ${hexOfZxid(last.committed.zxid)}`,
            )
          }
          lastBySession.set(entry.sessionId, explained)
        },
      })
      reportMissing(history, ledger, hasLocalSessions, report)
      reportDoubled(history, report)
    },
  }
}

function reportDoubled(history: CommittedHistory, report: Report): void {
  const zxids = new Map<string, Zxid>()
  for (const { zxid, txn } of history.txns) {
    if (txn.origin === null) continue
    const { serverId, incarnation, sequence } = txn.origin
    const origin = `${serverId}-${incarnation}-${sequence}`
    const first = zxids.get(origin)
    if (first !== undefined)
      report(`request ${sequence} of server ${serverId} is done at ${hexOfZxid(first)} and again at ${hexOfZxid(zxid)}`)
    zxids.set(origin, zxid)
  }
}

function reportMissing(
  history: CommittedHistory,
  ledger: RequestLedger,
  hasLocalSessions: boolean,
  report: Report,
): void {
  for (const { requestId, request, answer } of ledger.entries) {
    if (answer === null || !isDoneWrite(request, answer.error, answer.body)) continue
    if (request.kind === 'close-session' && hasLocalSessions) continue // the end of a local session is no txn
    if (history.at(answer.zxid) === null) {
      report(
        `request ${requestId} (${describeRequest(request)}) was acknowledged at ${hexOfZxid(answer.zxid)}, where no txn is`,
      )
    }
  }
}
