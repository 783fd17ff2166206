/**
 * Decodes the body of a write, as its client sent it, to the request that a leader decides. A body that does not decode
 * is refused; a part of a multi that does not decode refuses the whole multi.
 */
import type { ErrorName } from '../../base/errors.ts'
import { err, ok, type Result } from '../../base/result.ts'
import { JuteReader } from '../../jute/jute-reader.ts'
import { decode } from '../../jute/record.ts'
import { isKeeperWriteOp, readKeeperWrite } from '../../protocol/client/keeper-requests.ts'
import { decodeMulti } from '../../protocol/client/multi.ts'
import type { OpName, OpTraits } from '../../protocol/client/operations.ts'
import {
  CreateRequest,
  CreateSessionRequest,
  CreateTtlRequest,
  DeleteRequest,
  SetAclRequest,
  SetDataRequest,
} from '../../protocol/client/requests.ts'
import type { ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import type { WriteRequest } from '../../transactions/write-request.ts'

export function toWriteRequest(
  { sessionId, body }: ForwardedRequest,
  op: OpTraits | null,
  withKeepers: boolean,
): Result<WriteRequest, ErrorName> {
  switch (op?.name) {
    case 'create':
    case 'create2':
    case 'createContainer': {
      const create = decode(CreateRequest, body)
      return create.ok ? ok({ kind: 'create', op: op.name, ...create.value, ttlMs: -1n }) : create
    }
    case 'createTTL': {
      const create = decode(CreateTtlRequest, body)
      return create.ok ? ok({ kind: 'create', op: op.name, ...create.value }) : create
    }
    case 'delete': {
      const remove = decode(DeleteRequest, body)
      return remove.ok ? ok({ kind: 'delete', ...remove.value }) : remove
    }
    case 'setData': {
      const set = decode(SetDataRequest, body)
      if (!set.ok) return set
      const { path, data, version } = set.value
      return path === null ? err('bad-arguments') : ok({ kind: 'set-data', path, data, version })
    }
    case 'setACL': {
      const set = decode(SetAclRequest, body)
      if (!set.ok) return set
      const { path } = set.value
      return path === null ? err('bad-arguments') : ok({ kind: 'set-acl', ...set.value, path })
    }
    case 'multi': {
      const parts = decodeMulti(body, withKeepers)
      return parts.ok ? ok({ kind: 'multi', ops: parts.value }) : parts
    }
    case 'createSession': {
      const create = decode(CreateSessionRequest, body)
      return create.ok ? ok({ kind: 'create-session', sessionId, timeoutMs: create.value.timeoutMs }) : create
    }
    case 'closeSession':
      return ok({ kind: 'close-session', sessionId })
    default:
      return withKeepers ? toKeeperWrite(op?.name ?? null, body) : err('unimplemented')
  }
}

function toKeeperWrite(op: OpName | null, body: Uint8Array): Result<WriteRequest, ErrorName> {
  if (!isKeeperWriteOp(op)) return err('unimplemented')
  const reader = new JuteReader(body)
  const write = readKeeperWrite(reader, op)
  return reader.failed ? err('marshalling-error') : ok(write)
}
