/**
 * Whether a request wants to create an ephemeral znode, which only a global session can own (ZK:
 * QuorumZooKeeperServer.checkUpgradeSession). What cannot be decoded wants nothing: the leader will refuse it.
 */
import { decode } from '../jute/record.ts'
import { createModeOf } from '../protocol/client/create-mode.ts'
import { decodeMulti } from '../protocol/client/multi.ts'
import { CreateRequest } from '../protocol/client/requests.ts'
import type { PendingRequest } from './client.ts'

export function createsEphemeral({ op, body }: PendingRequest): boolean {
  if (op === 'create' || op === 'create2' || op === 'createIfNotExists') {
    const create = decode(CreateRequest, body)
    return create.ok && isEphemeral(create.value.flags)
  }
  if (op !== 'multi') return false
  const parts = decodeMulti(body, true)
  return parts.ok && parts.value.some((part) => 'flags' in part && isEphemeral(part.flags))
}

function isEphemeral(flags: number): boolean {
  return createModeOf(flags)?.ephemeral ?? false
}
