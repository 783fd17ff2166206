/**
 * What kind of znode a create makes, or why it is refused: the checks of its flags, which come before all other checks
 * (ZK: PrepRequestProcessor.validateCreateRequest, EphemeralType.validateTTL).
 * The opcode takes precedence over the flags: createContainer with any flags makes a container, and a plain create with
 * the container flag makes a persistent znode.
 */

import type { SessionId } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import { type CreateMode, createModeOf } from '../protocol/client/create-mode.ts'
import { containerOwner } from '../tree/owner-kind.ts'
import type { CreateWrite } from './write-request.ts'

const noOwner = 0n as SessionId
const ttlMark = 0xffn << 56n
/** Forty bits of the owner field hold the time to live: about 34 years. */
const ttlMsMax = 2n ** 40n - 1n

export interface CreateKind {
  readonly owner: SessionId
  readonly isSequential: boolean
  readonly withStat: boolean
  /** A createTTL whose flags ask for no ttl. It passes every check of ZooKeeper, but cannot be applied. */
  readonly lacksTtl: boolean
}

export function createKindOf(
  write: CreateWrite,
  sessionId: SessionId,
  extendedTypesEnabled: boolean,
): Result<CreateKind, 'bad-arguments' | 'unimplemented'> {
  const mode = createModeOf(write.flags)
  if (mode === null) return err('bad-arguments')
  if (mode.ttl && !extendedTypesEnabled) return err('unimplemented')
  // Requests without a ttl field count as -1.
  const ttlMs = write.op === 'createTTL' ? write.ttlMs : -1n
  if (mode.ttl ? ttlMs <= 0n || ttlMs > ttlMsMax : ttlMs >= 0n) return err('bad-arguments')
  return ok({
    owner: ownerOf(write.op, mode, sessionId, ttlMs),
    isSequential: mode.sequential,
    withStat: write.op !== 'create',
    lacksTtl: write.op === 'createTTL' && !mode.ttl,
  })
}

function ownerOf(op: CreateWrite['op'], mode: CreateMode, sessionId: SessionId, ttlMs: bigint): SessionId {
  if (op === 'createContainer') return containerOwner
  if (op === 'createTTL') return (ttlMark | ttlMs) as SessionId
  return mode.ephemeral ? sessionId : noOwner
}
