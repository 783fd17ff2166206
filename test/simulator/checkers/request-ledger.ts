/**
 * Every request of the run with what became of it, and for every committed txn the request that explains it.
 * An acknowledged write is matched by its zxid; a write whose answer was lost by its session and content, which
 * the workload makes unique. Deletes and checks have no content, so several may look alike; then the order of the session
 * and the model decide which of them can be the one.
 */
import type { ErrorName } from '../../../src/base/errors.ts'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import type { Change, Txn } from '../../../src/protocol/txn/txn.ts'
import { textOfData } from '../describe-event.ts'
import {
  type ClientRequest,
  isDoneWrite,
  isWrite,
  type ReplyBody,
  type TraceEntry,
  type WriteRequest,
} from '../sim-event.ts'
import type { CommittedHistory, CommittedTxn } from './committed-history.ts'
import { type ModelMoment, type ModelRules, ModelTree, type Outcome, wordOfBundle } from './model-tree.ts'

export interface Answer {
  readonly zxid: Zxid
  readonly error: ErrorName | null
  readonly body: ReplyBody
}

export interface LedgerEntry {
  readonly requestId: number
  readonly connection: number
  readonly sessionId: SessionId
  readonly request: ClientRequest
  answer: Answer | null
}

/** A txn and the request that explains it; null: none does. */
export interface Explained {
  readonly committed: CommittedTxn
  readonly entry: LedgerEntry | null
  readonly outcome: Outcome | null // what the model did with the entry's request
}

export interface ReplayVisitor {
  /** The model is in the state before the txn at `zxid`; at the end `zxid` is infinite. */
  before?(zxid: number, model: ModelTree): void
  /** Txns that create or end a session, or refuse a write, are no client's write, and are not visited. */
  visit?(explained: Explained): void
}

export class RequestLedger {
  readonly entries: LedgerEntry[] = []
  readonly #byId = new Map<number, LedgerEntry>()
  readonly #attachOrder = new Map<number, number>()
  readonly #rules: ModelRules

  constructor(rules: ModelRules) {
    this.#rules = rules
  }

  observe({ event }: TraceEntry): void {
    if (event.kind === 'attached') this.#attachOrder.set(event.connection, this.#attachOrder.size)
    if (event.kind === 'request') {
      const { requestId, connection, sessionId, request } = event
      const entry: LedgerEntry = { requestId, connection, sessionId, request, answer: null }
      this.entries.push(entry)
      this.#byId.set(requestId, entry)
    } else if (event.kind === 'reply') {
      const entry = this.#byId.get(event.requestId)
      if (entry !== undefined) entry.answer = { zxid: event.zxid, error: event.error, body: event.body }
    }
  }

  /** Executes on a model, in zxid order, the request that explains each txn. */
  replay(history: CommittedHistory, visitor: ReplayVisitor): void {
    const { acknowledged, unanswered } = this.#sortWrites()
    const model = new ModelTree(this.#rules)
    const lastBySession = new Map<SessionId, LedgerEntry>()
    for (const committed of history.txns) {
      const { zxid, txn } = committed
      visitor.before?.(zxid, model)
      const moment: ModelMoment = { zxid, timeMs: txn.timeMs, sessionId: txn.sessionId }
      if (txn.changes.some((change) => change.kind.endsWith('-session'))) {
        for (const change of txn.changes) model.applyChange(change, moment)
        continue
      }
      if (txn.changes[0]?.kind === 'refusal') continue
      const candidates = unanswered.get(keyOfTxn(txn)) ?? []
      const entry =
        acknowledged.get(zxid) ??
        this.#takeUnanswered(candidates, lastBySession.get(txn.sessionId) ?? null, model, moment)
      if (entry === null) for (const change of txn.changes) model.applyChange(change, moment)
      else lastBySession.set(entry.sessionId, entry)
      const outcome =
        entry === null ? null : model.execute(partsOf(entry.request), entry.request.kind === 'multi', moment)
      visitor.visit?.({ committed, entry, outcome })
    }
    visitor.before?.(Number.POSITIVE_INFINITY, model)
  }

  /** Sent later: on a connection that attached later, or later on the same one. */
  isInOrder(earlier: LedgerEntry, later: LedgerEntry): boolean {
    if (earlier.connection === later.connection) return earlier.requestId < later.requestId
    return (this.#attachOrder.get(earlier.connection) ?? -1) < (this.#attachOrder.get(later.connection) ?? -1)
  }

  /** Of several that look alike in the log, the first that could have succeeded at this place. */
  #takeUnanswered(
    candidates: LedgerEntry[],
    last: LedgerEntry | null,
    model: ModelTree,
    moment: ModelMoment,
  ): LedgerEntry | null {
    const inOrder = (entry: LedgerEntry): boolean => last === null || this.isInOrder(last, entry)
    const succeeds = ({ request }: LedgerEntry): boolean =>
      model.preview(partsOf(request), request.kind === 'multi', moment).effects.length > 0
    const found =
      candidates.find((entry) => inOrder(entry) && succeeds(entry)) ?? candidates.find(inOrder) ?? candidates[0]
    if (found === undefined) return null
    candidates.splice(candidates.indexOf(found), 1)
    return found
  }

  #sortWrites(): { readonly acknowledged: Map<Zxid, LedgerEntry>; readonly unanswered: Map<string, LedgerEntry[]> } {
    const acknowledged = new Map<Zxid, LedgerEntry>()
    const unanswered = new Map<string, LedgerEntry[]>()
    for (const entry of this.entries) {
      // The end of a session does not count as a write of a client, and the end of a local one is no txn.
      if (!isWrite(entry.request) || entry.request.kind === 'close-session') continue
      const { answer } = entry
      if (answer !== null) {
        if (isDoneWrite(entry.request, answer.error, answer.body)) acknowledged.set(answer.zxid, entry)
        continue
      }
      const key = keyOfRequest(entry.sessionId, entry.request)
      const list = unanswered.get(key)
      if (list === undefined) unanswered.set(key, [entry])
      else list.push(entry)
    }
    return { acknowledged, unanswered }
  }
}

/** The parts of a write; a write that is no multi is its own only part. */
export function partsOf(request: ClientRequest): readonly WriteRequest[] {
  switch (request.kind) {
    case 'multi':
      return request.parts
    case 'create':
    case 'delete':
    case 'set-data':
    case 'check':
    case 'create-if-not-exists':
    case 'try-remove':
    case 'remove-recursive':
      return [request]
    default:
      return []
  }
}

/** Equal for requests whose txns look alike. */
export function keyOfRequest(sessionId: SessionId, request: ClientRequest): string {
  return `${sessionId} ${partsOf(request).map(keyOfPart).join(';')}`
}

function keyOfTxn(txn: Txn): string {
  return `${txn.sessionId} ${txn.changes.map(keyOfChange).join(';')}`
}

/** A sequential create gets its name from the server, so creates are known by their data. */
function keyOfPart(part: WriteRequest): string {
  if (part.kind === 'create') return `create ${part.data ?? '(null)'}`
  return part.kind === 'set-data' ? `set-data ${part.path} ${part.data ?? '(null)'}` : `${part.kind} ${part.path}`
}

function keyOfChange(change: Change): string {
  if (change.kind === 'create') return `create ${textOfData(change.data) ?? '(null)'}`
  if (change.kind === 'set-data') return `set-data ${change.path} ${textOfData(change.data) ?? '(null)'}`
  if (change.kind === 'bundle') return `${wordOfBundle(change)} ${change.path}`
  return 'path' in change ? `${change.kind} ${change.path}` : change.kind
}
