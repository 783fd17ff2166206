/**
 * Every answer is the one that the model gives at the zxid of the answer. The checker executes a write on the model at
 * the write's own zxid, and a refusal or a read on the state after theirs. Together with real-time order this makes
 * writes linearizable and reads sequentially consistent, without a search.
 */
import { codeOf } from '../../../src/base/errors.ts'
import { hexOfZxid } from '../../../src/base/ids.ts'
import { describeBody, describeRequest } from '../describe-event.ts'
import { isDoneWrite, isWrite } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import type { CommittedHistory } from './committed-history.ts'
import { effectOfChange, type ModelMoment, type ModelTree } from './model-tree.ts'
import { type Answer, type Explained, type LedgerEntry, partsOf, type RequestLedger } from './request-ledger.ts'

export interface ClientHistoryOptions {
  readonly enforceQuota: boolean
}

export function clientHistory(
  history: CommittedHistory,
  ledger: RequestLedger,
  options: ClientHistoryOptions,
  report: Report,
): Checker {
  return {
    name: 'client-history',
    observe() {},
    finish() {
      const questions = questionsOf(ledger)
      let next = 0
      ledger.replay(history, {
        before(zxid, model) {
          for (
            let question = questions[next];
            question !== undefined && question.answer.zxid < zxid;
            question = questions[++next]
          ) {
            if (!options.enforceQuota || !isOverQuota(question)) judge(model, question, report)
          }
        },
        visit: (explained) => judgeTxn(explained, report),
      })
    },
  }
}

const quotaExceededCode = codeOf('quota-exceeded')

type Answered = LedgerEntry & { readonly answer: Answer }

/** Reads and refusals, in the order of the states they were answered from. */
function questionsOf(ledger: RequestLedger): readonly Answered[] {
  const questions: Answered[] = []
  for (const entry of ledger.entries) {
    const { answer, request } = entry
    if (answer === null || request.kind === 'sync' || request.kind === 'ping' || request.kind === 'set-watches')
      continue
    if (isDoneWrite(request, answer.error, answer.body)) continue
    questions.push(entry as Answered)
  }
  return questions.sort((a, b) => a.answer.zxid - b.answer.zxid || a.requestId - b.requestId)
}

function judgeTxn({ committed, entry, outcome }: Explained, report: Report): void {
  if (entry === null || outcome === null) return // exactly-once reports it
  const expected = outcome.effects.join('; ')
  const actual = committed.txn.changes.map(effectOfChange).join('; ')
  const what = `request ${entry.requestId} (${describeRequest(entry.request)}) at ${hexOfZxid(committed.zxid)}`
  if (expected !== actual) report(`${what} should do [${outcome.error ?? expected}] and did [${actual}]`)
  if (entry.answer !== null) compare(what, outcome, entry.answer, report)
}

/**
 * A refusal over a quota depends on what the leader had applied by then. That state is older than the zxid of the answer, and
 * the trace does not show which it was. So the checker accepts such a refusal if quotas are enforced, and otherwise refuses it.
 */
function isOverQuota({ request, answer }: Answered): boolean {
  if (answer.error === 'quota-exceeded') return isWrite(request)
  if (answer.error === 'marshalling-error') return isWrite(request) // limits that cannot be read
  const { body } = answer
  return body.kind === 'multi' && body.results.some((part) => part.kind === 'error' && part.code === quotaExceededCode)
}

function judge(model: ModelTree, { requestId, request, sessionId, answer }: Answered, report: Report): void {
  const what = `request ${requestId} (${describeRequest(request)}) at ${hexOfZxid(answer.zxid)}`
  if (isWrite(request)) {
    // A session that ends refuses everything; other checkers judge whether it ended.
    if (answer.error === 'session-expired' || answer.error === 'not-read-only') return
    const moment: ModelMoment = { zxid: answer.zxid, timeMs: 0, sessionId }
    const outcome = model.preview(partsOf(request), request.kind === 'multi', moment)
    compare(what, outcome, answer, report)
    return
  }
  if (request.kind === 'exists' || request.kind.startsWith('get-')) {
    compare(what, model.read(request as Parameters<ModelTree['read']>[0]), answer, report)
  }
}

function compare(what: string, expected: Omit<Answer, 'zxid'>, actual: Answer, report: Report): void {
  const expectedText = expected.error ?? describeBody(sorted(expected.body))
  const actualText = actual.error ?? describeBody(sorted(actual.body))
  if (expectedText !== actualText || fullData(expected) !== fullData(actual)) {
    report(`${what} should answer ${expectedText} and answered ${actualText}`)
  }
}

/** Children come in no particular order. */
function sorted(body: Answer['body']): Answer['body'] {
  return body.kind === 'children' ? { ...body, names: [...body.names].sort() } : body
}

/** Traces show shortened data; here data is compared whole. */
function fullData({ body }: Omit<Answer, 'zxid'>): string | null {
  return body.kind === 'data' ? body.data : null
}
