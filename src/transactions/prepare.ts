/**
 * From a request to the txn that carries it out, on the leader (ZK: PrepRequestProcessor). Validation is against
 * the tree plus the changes in flight; a txn holds after-images, so whoever applies it decides nothing any more.
 * A refusal leaves no trace: it takes no zxid and touches no disk. After a txn the caller must give its changes
 * their zxid with `pending.commitStage` before anything else is prepared.
 */
import { assert } from '../base/assert.ts'
import type { ErrorName } from '../base/errors.ts'
import type { SessionId } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import { isKeeperWrite } from '../protocol/client/keeper-requests.ts'
import type { MultiOp } from '../protocol/client/multi.ts'
import type { Change, Origin, Txn } from '../protocol/txn/txn.ts'
import { prepareKeeperWrite } from './keeper-writes.ts'
import { prepareNodeWrite, stageDelete, type WriteContext } from './node-writes.ts'
import type { PendingChanges } from './pending-changes.ts'
import { ephemeralExcessOf, txnWeightMax, weightOf } from './txn-limits.ts'
import type { WriteRequest } from './write-request.ts'

export interface PrepareContext extends WriteContext {
  readonly origin: Origin | null
}

export type Prepared =
  | { readonly kind: 'txn'; readonly txn: Txn }
  /** Nothing was done, yet the reply has no error: the codes are in the results of its parts. */
  | { readonly kind: 'failed-multi'; readonly failedIndex: number; readonly error: ErrorName }

export function prepare(
  request: WriteRequest,
  pending: PendingChanges,
  context: PrepareContext,
): Result<Prepared, ErrorName> {
  assert(pending.isStageEmpty, 'the previous request was committed or dropped', { kind: request.kind })
  switch (request.kind) {
    case 'multi':
      return prepareMulti(request.ops, pending, context)
    case 'create-session': {
      const { sessionId, timeoutMs } = request
      return ok(txnOf({ ...context, sessionId }, false, [{ kind: 'create-session', sessionId, timeoutMs }]))
    }
    case 'close-session':
      return ok(prepareCloseSession(request.sessionId, pending, context))
    case 'create':
    case 'delete':
    case 'set-data':
    case 'set-acl': {
      const change = prepareNodeWrite(request, pending, context)
      return change.ok ? settle(false, [change.value], weightOf(change.value), pending, context) : change
    }
    default: {
      const change = prepareKeeperWrite(request, pending, context)
      return change.ok ? settle(false, [change.value], weightOf(change.value), pending, context) : change
    }
  }
}

/** All or nothing; each part finds what the parts before it have done. */
function prepareMulti(
  multiOps: readonly MultiOp[],
  pending: PendingChanges,
  context: PrepareContext,
): Result<Prepared, ErrorName> {
  const changes: Change[] = []
  let weight = 0
  for (const [index, op] of multiOps.entries()) {
    const change = isKeeperWrite(op) ? prepareKeeperWrite(op, pending, context) : prepareNodeWrite(op, pending, context)
    if (change.ok) {
      changes.push(change.value)
      weight += weightOf(change.value)
      // Before all of it is there: a multi can stand for a thousand times its own length.
      if (weight > txnWeightMax) break
      continue
    }
    pending.dropStage()
    // In the original this one is an exception that no part catches, so it is the answer to the whole request.
    if (change.error === 'marshalling-error') return err(change.error)
    return ok({ kind: 'failed-multi', failedIndex: index, error: change.error })
  }
  return settle(true, changes, weight, pending, context)
}

/**
 * The ephemerals go in the same txn, those included whose creation is still in flight; after this txn no request of
 * the session is accepted, so none can follow. There is no check of the session: its expiry comes this way too.
 */
function prepareCloseSession(sessionId: SessionId, pending: PendingChanges, context: PrepareContext): Prepared {
  const deletedPaths = pending.ephemeralsOf(sessionId)
  for (const path of deletedPaths) stageDelete(pending, path)
  return txnOf({ ...context, sessionId }, false, [{ kind: 'close-session', sessionId, deletedPaths }])
}

/** The last look at a txn: what the log or a peer would not take is refused here and now, and never proposed. */
function settle(
  isMulti: boolean,
  changes: readonly Change[],
  weight: number,
  pending: PendingChanges,
  context: PrepareContext,
): Result<Prepared, ErrorName> {
  const error = weight > txnWeightMax ? 'marshalling-error' : ephemeralExcessOf(changes, pending)
  if (error === null) return ok(txnOf(context, isMulti, changes))
  pending.dropStage()
  return err(error)
}

function txnOf(context: PrepareContext, isMulti: boolean, changes: readonly Change[]): Prepared {
  const { timeMs, sessionId, origin } = context
  return { kind: 'txn', txn: { timeMs, sessionId, origin, isMulti, changes } }
}
