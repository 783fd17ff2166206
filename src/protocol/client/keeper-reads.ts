/**
 * The reads that only ClickHouse Keeper has, and its multiRead: any reads in one request, each with the body
 * that it has alone. ZooKeeper's own multiRead, which knows two reads, is in multi-read.ts.
 * For a refused part Keeper writes the number of the operation and no body. ZooKeeper writes -1 and the code twice, but
 * ClickHouse understands only Keeper's form.
 */
import { codeOf, type ErrorName } from '../../base/errors.ts'
import { err, ok, type Result } from '../../base/result.ts'
import { JuteReader } from '../../jute/jute-reader.ts'
import type { JuteWriter } from '../../jute/jute-writer.ts'
import { MultiHeader } from './headers.ts'
import { CheckStatRequest, DetailedListRequest, FilteredListRequest, ListRecursiveRequest } from './keeper-requests.ts'
import { writeMultiEnd } from './multi.ts'
import { opOf, ops } from './operations.ts'
import { CheckRequest, WatchableRequest } from './requests.ts'

export type NodeReadOp = 'exists' | 'getData' | 'getChildren' | 'getChildren2'

export type KeeperRead =
  | (WatchableRequest & { readonly op: NodeReadOp })
  | (FilteredListRequest & { readonly op: 'filteredList' })
  | (DetailedListRequest & { readonly op: 'filteredListWithStatsAndData' })
  | (ListRecursiveRequest & { readonly op: 'listRecursive' })
  | (CheckRequest & { readonly op: 'checkNotExists' })
  | (CheckStatRequest & { readonly op: 'checkStat' })

/** Null: `op` is no read that Keeper answers. After a failure `reader.failed` is true. */
export function readKeeperRead(reader: JuteReader, op: string | null): KeeperRead | null {
  switch (op) {
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
      return { op, ...WatchableRequest.read(reader) }
    case 'filteredList':
      return { op, ...FilteredListRequest.read(reader) }
    case 'filteredListWithStatsAndData':
      return { op, ...DetailedListRequest.read(reader) }
    case 'listRecursive':
      return { op, ...ListRecursiveRequest.read(reader) }
    case 'checkNotExists':
      return { op, ...CheckRequest.read(reader) }
    case 'checkStat':
      return { op, ...CheckStatRequest.read(reader) }
    default:
      return null
  }
}

export function decodeKeeperMultiRead(body: Uint8Array): Result<readonly KeeperRead[], 'marshalling-error'> {
  const reader = new JuteReader(body)
  const reads: KeeperRead[] = []
  for (;;) {
    const header = MultiHeader.read(reader)
    if (reader.failed) return err('marshalling-error')
    if (header.done) return ok(reads)
    const read = readKeeperRead(reader, opOf(header.type))
    if (read === null || reader.failed) return err('marshalling-error')
    reads.push(read)
  }
}

/** The request side, for clients. */
export function writeKeeperMultiRead(writer: JuteWriter, reads: readonly KeeperRead[]): void {
  for (const read of reads) {
    MultiHeader.write(writer, { type: ops[read.op].opcode, done: false, error: -1 })
    ops[read.op].request?.write(writer, read)
  }
  writeMultiEnd(writer)
}

/** The reply body of the single read follows. A filtered list has the number of a plain list. */
export function writeKeeperReadHeader(writer: JuteWriter, op: KeeperRead['op']): void {
  MultiHeader.write(writer, { type: resultTypeOf(op), done: false, error: 0 })
}

export function writeKeeperReadError(writer: JuteWriter, op: KeeperRead['op'], error: ErrorName): void {
  MultiHeader.write(writer, { type: resultTypeOf(op), done: false, error: codeOf(error) })
}

function resultTypeOf(op: KeeperRead['op']): number {
  return ops[op === 'filteredList' ? 'getChildren2' : op].opcode
}
