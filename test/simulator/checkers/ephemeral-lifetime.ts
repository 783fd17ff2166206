/**
 * An ephemeral znode lives exactly as long as its session (invariant 6): made only while
 * the session is open, deleted by a request or by the one txn that ends the session, which takes them all. No
 * session id is given twice, and nothing of a session comes after its end except refusals, which may be txns.
 */
import { hexOfSession, hexOfZxid, type SessionId } from '../../../src/base/ids.ts'
import type { Change } from '../../../src/protocol/txn/txn.ts'
import { plainChangesOf } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import type { CommittedHistory, CommittedTxn } from './committed-history.ts'

export function ephemeralLifetime(
  history: CommittedHistory,
  /** Local sessions exist, which no txn creates: they may write, and own nothing. */
  hasLocalSessions: boolean,
  report: Report,
): Checker {
  return {
    name: 'ephemeral-lifetime',
    observe() {},
    finish() {
      const sessions = new Map<SessionId, 'open' | 'closed'>()
      const pathsByOwner = new Map<SessionId, Set<string>>()
      const ownerByPath = new Map<string, SessionId>()
      for (const committed of history.txns) {
        for (const change of plainChangesOf(committed.txn)) {
          judgeSession(change, committed, sessions, hasLocalSessions, report)
          judgePaths(change, committed, pathsByOwner, ownerByPath, report)
        }
      }
    },
  }
}

function judgeSession(
  change: Change,
  { zxid, txn }: CommittedTxn,
  sessions: Map<SessionId, 'open' | 'closed'>,
  hasLocalSessions: boolean,
  report: Report,
): void {
  if (change.kind === 'refusal') return
  if (change.kind === 'create-session') {
    // A session that is open may move to another server; exactly-once sees that one request makes one such txn.
    if (sessions.get(change.sessionId) === 'closed')
      report(`session id ${hexOfSession(change.sessionId)} is given again at ${hexOfZxid(zxid)}`)
    sessions.set(change.sessionId, 'open')
    return
  }
  const sessionId = change.kind === 'close-session' ? change.sessionId : txn.sessionId
  const ownsNothing = change.kind !== 'close-session' && (change.kind !== 'create' || change.ephemeralOwner === 0n)
  if (hasLocalSessions && ownsNothing && !sessions.has(sessionId)) return
  if (sessions.get(sessionId) !== 'open') {
    report(
      `txn ${hexOfZxid(zxid)} (${change.kind}) belongs to session ${hexOfSession(sessionId)}, which is ${sessions.get(sessionId) ?? 'unknown'}`,
    )
  }
  if (change.kind === 'close-session') sessions.set(sessionId, 'closed')
}

function judgePaths(
  change: Change,
  { zxid, txn }: CommittedTxn,
  pathsByOwner: Map<SessionId, Set<string>>,
  ownerByPath: Map<string, SessionId>,
  report: Report,
): void {
  if (change.kind === 'create' && change.ephemeralOwner !== 0n) {
    if (change.ephemeralOwner !== txn.sessionId) {
      report(
        `${change.path} at ${hexOfZxid(zxid)} is owned by ${hexOfSession(change.ephemeralOwner)}, made by ${hexOfSession(txn.sessionId)}`,
      )
    }
    ownerByPath.set(change.path, change.ephemeralOwner)
    pathsByOwner.set(change.ephemeralOwner, (pathsByOwner.get(change.ephemeralOwner) ?? new Set()).add(change.path))
  } else if (change.kind === 'delete') {
    const owner = ownerByPath.get(change.path)
    if (owner !== undefined) pathsByOwner.get(owner)!.delete(change.path)
    ownerByPath.delete(change.path)
  } else if (change.kind === 'close-session') {
    const expected = [...(pathsByOwner.get(change.sessionId) ?? [])].sort()
    const actual = [...change.deletedPaths].sort()
    if (expected.join() !== actual.join()) {
      report(
        `the end of session ${hexOfSession(change.sessionId)} at ${hexOfZxid(zxid)} deletes [${actual}], it owned [${expected}]`,
      )
    }
    for (const path of expected) ownerByPath.delete(path)
    pathsByOwner.delete(change.sessionId)
  }
}
