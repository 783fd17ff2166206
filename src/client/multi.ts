/**
 * Encodes a multi and decodes its results: one result for each request, or one error with the index of the failed one.
 * A refused multi has no error in its reply header, only in its results (ZK: MultiResponse).
 */

import { assertNever } from '../base/assert.ts'
import { type ErrorName, errorNameOf } from '../base/errors.ts'
import { JuteReader } from '../jute/jute-reader.ts'
import { MultiHeader } from '../protocol/client/headers.ts'
import type { MultiOp } from '../protocol/client/multi.ts'
import { opOf } from '../protocol/client/operations.ts'
import { CreateWithStatReply, StatReply } from '../protocol/client/replies.ts'
import { aclToWire, openAcl } from './acl-wire.ts'
import { toClientPath, toServerPath } from './chroot.ts'
import { ClientError, type CreateMode, MultiError, type MultiRequest, type MultiResult } from './types.ts'
import { statFromWire } from './znode-stat.ts'

/** ZK: CreateMode. */
export const createFlags: Readonly<Record<CreateMode, number>> = {
  persistent: 0,
  ephemeral: 1,
  'persistent-sequential': 2,
  'ephemeral-sequential': 3,
  container: 4,
}

export function toMultiOps(requests: readonly MultiRequest[], chroot: string): readonly MultiOp[] {
  return requests.map((one) => toMultiOp(one, toServerPath(chroot, one.path)))
}

function toMultiOp(one: MultiRequest, path: string): MultiOp {
  switch (one.kind) {
    case 'create': {
      const mode = one.mode ?? 'persistent'
      const acl = aclToWire(one.acl ?? openAcl)
      const op = mode === 'container' ? 'createContainer' : 'create2'
      return { kind: 'create', op, path, data: one.data ?? null, acl, flags: createFlags[mode], ttlMs: -1n }
    }
    case 'delete':
      return { kind: 'delete', path, version: one.version ?? -1 }
    case 'set-data':
      return { kind: 'set-data', path, data: one.data, version: one.version ?? -1 }
    case 'check':
      return { kind: 'check', path, version: one.version }
    default:
      return assertNever(one)
  }
}

/** Throws a `MultiError` if the multi was refused. */
export function readMultiResults(
  requests: readonly MultiRequest[],
  chroot: string,
  body: Uint8Array,
): readonly MultiResult[] {
  const reader = new JuteReader(body)
  const results: MultiResult[] = []
  const errorNames: (ErrorName | null)[] = []
  for (;;) {
    const header = MultiHeader.read(reader)
    if (reader.failed) throw undecodable()
    if (header.done) break
    if (header.type === -1) {
      const code = reader.readInt()
      errorNames.push(code === 0 ? null : (errorNameOf(code) ?? 'system-error'))
    } else {
      const result = readResult(reader, header.type, chroot)
      if (result === null || reader.failed) throw undecodable()
      results.push(result)
    }
  }
  const failedIndex = errorNames.findIndex((name) => name !== null)
  if (failedIndex >= 0) throw new MultiError(failedIndex, requests[failedIndex]?.path ?? '', errorNames)
  if (results.length !== requests.length) throw undecodable()
  return results
}

function readResult(reader: JuteReader, type: number, chroot: string): MultiResult | null {
  switch (opOf(type)) {
    case 'create2': {
      const { path, stat } = CreateWithStatReply.read(reader)
      return { kind: 'create', path: toClientPath(chroot, path), stat: statFromWire(stat) }
    }
    case 'delete':
      return { kind: 'delete' }
    case 'setData':
      return { kind: 'set-data', stat: statFromWire(StatReply.read(reader).stat) }
    case 'check':
      return { kind: 'check' }
    default:
      return null
  }
}

function undecodable(): ClientError {
  return new ClientError('marshalling-error', 'multi', null, 'The reply cannot be decoded.')
}
