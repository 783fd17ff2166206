/**
 * Which undecodable writes take a zxid with compatibility=strict, and with which error they are refused (ZK:
 * PrepRequestProcessor.pRequestHelper). In ZooKeeper a body that is cut short fails before a zxid is taken, and a null path fails
 * later: after the zxid, and after what is checked before the path.
 */
import type { ErrorName } from '../../base/errors.ts'
import { decode } from '../../jute/record.ts'
import { isMultiWithoutAcl, withEmptyPath } from '../../protocol/client/multi.ts'
import type { OpTraits } from '../../protocol/client/operations.ts'
import { CreateRequest, CreateTtlRequest, DeleteRequest } from '../../protocol/client/requests.ts'
import type { ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import { createKindOf } from '../../transactions/create-kind.ts'

/** Null: it takes no zxid, and is refused with `error`, the result of its decoding. */
export function lateRefusalOf(
  op: OpTraits | null,
  { body, sessionId }: ForwardedRequest,
  error: ErrorName,
  sessionRefusal: ErrorName | null,
  extendedTypesEnabled: boolean,
): ErrorName | null {
  switch (op?.name) {
    case 'multi':
      return isMultiWithoutAcl(body) ? null : error
    case 'setData':
    case 'setACL':
      return error === 'bad-arguments' ? (sessionRefusal ?? error) : null
    case 'delete': {
      const patched = withEmptyPath(body)
      return patched !== null && decode(DeleteRequest, patched).ok ? (sessionRefusal ?? error) : null
    }
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL': {
      const patched = withEmptyPath(body)
      if (patched === null) return null
      const create = op.name === 'createTTL' ? decode(CreateTtlRequest, patched) : decode(CreateRequest, patched)
      if (!create.ok) return null
      const write = { kind: 'create', op: op.name, ttlMs: -1n, ...create.value } as const
      const kind = createKindOf(write, sessionId, extendedTypesEnabled)
      return kind.ok ? (sessionRefusal ?? error) : kind.error
    }
    default:
      return null
  }
}
