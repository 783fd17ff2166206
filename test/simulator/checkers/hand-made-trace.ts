/** For the checkers' own tests: short traces written by hand, and what a checker says about them. */
import type { Epoch, ServerId, SessionId, Zxid } from '../../../src/base/ids.ts'
import { makeZxid } from '../../../src/base/ids.ts'
import type { Change, Txn } from '../../../src/protocol/txn/txn.ts'
import type { TraceEvent } from '../../../src/replica/trace-event.ts'
import type { ClientRequest, ReplyBody, SimEvent } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import { CommittedHistory } from './committed-history.ts'
import { RequestLedger } from './request-ledger.ts'

export interface Observers {
  readonly history: CommittedHistory
  readonly ledger: RequestLedger
  readonly report: Report
}

/** What the checker reports about the events, one of them every millisecond. */
export function judge(makeChecker: (observers: Observers) => Checker, events: readonly SimEvent[]): readonly string[] {
  const reports: string[] = []
  const history = new CommittedHistory()
  const ledger = new RequestLedger({ refusesEphemerals: false })
  const checker = makeChecker({ history, ledger, report: (text) => reports.push(text) })
  events.forEach((event, i) => {
    const entry = { atUs: i * 1000, event }
    history.observe(entry)
    ledger.observe(entry)
    checker.observe(entry)
  })
  checker.finish()
  return reports
}

export const session = 0x100000000000001n as SessionId
export const otherSession = 0x200000000000002n as SessionId

export function z(counter: number, epoch = 1): Zxid {
  return makeZxid(epoch as Epoch, counter)
}

export function server(id: number, event: TraceEvent): SimEvent {
  return { kind: 'server', serverId: id as ServerId, event }
}

export function started(id: number): SimEvent {
  return { kind: 'server-started', serverId: id as ServerId }
}

export function txnOf(changes: readonly Change[], sessionId = session, timeMs = 1000): Txn {
  return { timeMs, sessionId, origin: null, isMulti: false, changes }
}

export function applied(
  id: number,
  zxid: Zxid,
  changes: readonly Change[],
  options: { digest?: string; sessionId?: SessionId } = {},
): SimEvent {
  return server(id, {
    kind: 'applied',
    zxid,
    txn: txnOf(changes, options.sessionId),
    digest: options.digest ?? `d${zxid}`,
  })
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

export function created(path: string, data: string, parentCreateCount: number, ephemeralOwner = 0n): Change {
  return {
    kind: 'create',
    path,
    data: bytes(data),
    acl: [],
    ephemeralOwner: ephemeralOwner as SessionId,
    parentCreateCount,
    withStat: false,
  }
}

export function sessionMade(sessionId = session): Change {
  return { kind: 'create-session', sessionId, timeoutMs: 4000 }
}

export function sessionEnded(deletedPaths: readonly string[], sessionId = session): Change {
  return { kind: 'close-session', sessionId, deletedPaths }
}

export function attached(
  connection: number,
  options: {
    lastZxidSeen?: Zxid
    sessionId?: SessionId
    askedAtUs?: number
    readOnly?: boolean
    serverId?: number
  } = {},
): SimEvent {
  return {
    kind: 'attached',
    client: 0,
    connection,
    serverId: (options.serverId ?? 1) as ServerId,
    sessionId: options.sessionId ?? session,
    isNew: true,
    readOnly: options.readOnly ?? false,
    timeoutMs: 4000,
    askedAtUs: options.askedAtUs ?? 0,
    lastZxidSeen: options.lastZxidSeen ?? (0 as Zxid),
  }
}

export function asked(requestId: number, request: ClientRequest, connection = 0, sessionId = session): SimEvent {
  return { kind: 'request', connection, sessionId, requestId, xid: requestId, request }
}

export function answered(
  requestId: number,
  zxid: Zxid,
  body: ReplyBody = { kind: 'none' },
  error: Extract<SimEvent, { kind: 'reply' }>['error'] = null,
  connection = 0,
): SimEvent {
  return { kind: 'reply', connection, requestId, xid: requestId, zxid, error, body }
}

export function create(path: string, data: string): Extract<ClientRequest, { kind: 'create' }> {
  return { kind: 'create', path, data, ephemeral: false, sequential: false, withStat: false, guarded: false }
}
