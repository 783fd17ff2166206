/**
 * The bodies of multiRead, both ways: several getData and getChildren in one request, each with its own outcome.
 * Unlike in multi, a refused part does not stop the others. ZooKeeper decodes both with one class (ZK:
 * MultiOperationRecord), so a multiRead of writes decodes and is refused when it is executed. A mixture does not decode.
 */
import { codeOf, type ErrorName } from '../../base/errors.ts'
import { err, ok, type Result } from '../../base/result.ts'
import { JuteReader } from '../../jute/jute-reader.ts'
import type { JuteWriter } from '../../jute/jute-writer.ts'
import { MultiHeader } from './headers.ts'
import { decodeMulti, decodesButForNullPaths, writeMultiEnd } from './multi.ts'
import { opOf, ops } from './operations.ts'

export type ReadOpName = 'getData' | 'getChildren'

export interface ReadOp {
  readonly op: ReadOpName
  readonly path: string | null // null decodes, and this part fails
}

export type MultiRead = { readonly kind: 'reads'; readonly ops: readonly ReadOp[] } | { readonly kind: 'writes' }

const errorType = -1

/** With `takesNullPaths` writes with a null path can be decoded too, as in ZooKeeper. */
export function decodeMultiRead(body: Uint8Array, takesNullPaths = false): Result<MultiRead, 'marshalling-error'> {
  const reader = new JuteReader(body)
  const readOps: ReadOp[] = []
  for (;;) {
    const header = MultiHeader.read(reader)
    if (reader.failed) return err('marshalling-error')
    if (header.done) return ok({ kind: 'reads', ops: readOps })
    const op = opOf(header.type)
    if (op !== 'getData' && op !== 'getChildren') {
      return readOps.length === 0 ? decodeWrites(body, takesNullPaths) : err('marshalling-error')
    }
    readOps.push({ op, path: reader.readUstring() })
    reader.readBoolean() // the watch flag, which has no effect in a multiRead
  }
}

/** The request side, for clients. */
export function writeMultiReadRequest(writer: JuteWriter, readOps: readonly ReadOp[]): void {
  for (const { op, path } of readOps) {
    MultiHeader.write(writer, { type: ops[op].opcode, done: false, error: -1 })
    writer.writeUstring(path)
    writer.writeBoolean(false)
  }
  writeMultiEnd(writer)
}

/** The reply body of the single read follows: data and Stat, or the names of the children. */
export function writeMultiReadHeader(writer: JuteWriter, op: ReadOpName): void {
  MultiHeader.write(writer, { type: ops[op].opcode, done: false, error: 0 })
}

export function writeMultiReadError(writer: JuteWriter, error: ErrorName): void {
  const code = codeOf(error)
  MultiHeader.write(writer, { type: errorType, done: false, error: code })
  writer.writeInt(code)
}

function decodeWrites(body: Uint8Array, takesNullPaths: boolean): Result<MultiRead, 'marshalling-error'> {
  if (takesNullPaths && decodesButForNullPaths(body)) return ok({ kind: 'writes' })
  const writes = decodeMulti(body)
  return writes.ok ? ok({ kind: 'writes' }) : writes
}
