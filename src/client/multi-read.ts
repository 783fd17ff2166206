/**
 * Encodes a multiRead and decodes its results. Each read has its own outcome; a refused read is a value and not an
 * error, since the results of the others are valid (ZK: MultiResponse).
 */
import { errorNameOf } from '../base/errors.ts'
import { JuteReader } from '../jute/jute-reader.ts'
import { MultiHeader } from '../protocol/client/headers.ts'
import type { ReadOp } from '../protocol/client/multi-read.ts'
import { opOf } from '../protocol/client/operations.ts'
import { GetChildrenReply, GetDataReply } from '../protocol/client/replies.ts'
import { toServerPath } from './chroot.ts'
import type { ReadRequest, ReadResult } from './types.ts'
import { statFromWire } from './znode-stat.ts'

export function toReadOps(requests: readonly ReadRequest[], chroot: string): readonly ReadOp[] {
  return requests.map(({ kind, path }) => ({
    op: kind === 'get-data' ? 'getData' : 'getChildren',
    path: toServerPath(chroot, path),
  }))
}

/** Null: the body cannot be decoded or does not contain `count` results. */
export function readReadResults(body: Uint8Array, count: number): readonly ReadResult[] | null {
  const reader = new JuteReader(body)
  const results: ReadResult[] = []
  for (;;) {
    const header = MultiHeader.read(reader)
    if (reader.failed) return null
    if (header.done) return results.length === count ? results : null
    const result = readResult(reader, header.type)
    if (result === null || reader.failed) return null
    results.push(result)
  }
}

function readResult(reader: JuteReader, type: number): ReadResult | null {
  if (type === -1) return { kind: 'refused', errorName: errorNameOf(reader.readInt()) ?? 'system-error' }
  switch (opOf(type)) {
    case 'getData': {
      const { data, stat } = GetDataReply.read(reader)
      return { kind: 'data', data, stat: statFromWire(stat) }
    }
    case 'getChildren':
      return { kind: 'children', children: GetChildrenReply.read(reader).children ?? [] }
    default:
      return null
  }
}
