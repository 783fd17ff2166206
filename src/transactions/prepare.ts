/**
 * Turns a request into the txn that carries it out, on the leader (ZK: PrepRequestProcessor). Requests are validated
 * against the tree plus the changes in flight. A txn holds after-images, so applying it decides nothing.
 * A refused request changes nothing: it takes no zxid and touches no disk. After a txn the caller must give the staged
 * changes their zxid with `pending.commitStage` before the next request is prepared.
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
  /** Nothing was changed, yet the header of the reply has no error: the codes are in the results of its parts. */
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

/** All or nothing; each part sees the changes of the parts before it. */
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
      // Before all parts are prepared: the txn of a multi can be a thousand times as long as the request.
      if (weight > txnWeightMax) break
      continue
    }
    pending.dropStage()
    // In ZooKeeper this error is an exception that no part catches, so it becomes the error of the whole request.
    if (change.error === 'marshalling-error') return err(change.error)
    return ok({ kind: 'failed-multi', failedIndex: index, error: change.error })
  }
  return settle(true, changes, weight, pending, context)
}

/**
 * The same txn deletes the ephemerals, those included whose creation is still in flight. After it no request of the
 * session is accepted, so no ephemeral can follow. The session is not checked: its expiry also uses this function.
 */
function prepareCloseSession(sessionId: SessionId, pending: PendingChanges, context: PrepareContext): Prepared {
  const deletedPaths = pending.ephemeralsOf(sessionId)
  for (const path of deletedPaths) stageDelete(pending, path)
  return txnOf({ ...context, sessionId }, false, [{ kind: 'close-session', sessionId, deletedPaths }])
}

/** The last check of a txn: one that is too long for the log or for a peer is refused and never proposed. */
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
