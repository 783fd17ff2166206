/** Reads the results of a multi or multiRead and writes them again with our own writers, for comparison with recorded bytes. */
import { errorNameOf } from '../../../src/base/errors.ts'
import { ustring } from '../../../src/jute/fields.ts'
import { JuteReader } from '../../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { encode } from '../../../src/jute/record.ts'
import { MultiHeader } from '../../../src/protocol/client/headers.ts'
import {
  writeMultiCheckResult,
  writeMultiCreateResult,
  writeMultiDeleteResult,
  writeMultiEnd,
  writeMultiFailure,
  writeMultiSetDataResult,
} from '../../../src/protocol/client/multi.ts'
import { writeMultiReadError, writeMultiReadHeader } from '../../../src/protocol/client/multi-read.ts'
import { opOf, ops } from '../../../src/protocol/client/operations.ts'
import { GetChildrenReply, GetDataReply } from '../../../src/protocol/client/replies.ts'
import { Stat } from '../../../src/protocol/client/stat.ts'

export function rewrittenMultiResults(body: Uint8Array): Uint8Array {
  const reader = new JuteReader(body)
  const writer = new JuteWriter()
  const codes: number[] = []
  for (;;) {
    const { type, done } = MultiHeader.read(reader)
    if (reader.failed) throw new Error('the results have no end')
    if (done) break
    if (type === -1) codes.push(reader.readInt())
    else rewriteResult(reader, writer, type)
  }
  if (codes.length === 0) writeMultiEnd(writer)
  else {
    const failedIndex = codes.findIndex((code) => code !== 0)
    writeMultiFailure(writer, codes.length, failedIndex, errorOf(codes[failedIndex]!))
  }
  return writer.take()
}

function rewriteResult(reader: JuteReader, writer: JuteWriter, type: number): void {
  switch (opOf(type)) {
    case 'create':
      return writeMultiCreateResult(writer, ustring.read(reader) ?? '', null)
    case 'create2':
      return writeMultiCreateResult(writer, ustring.read(reader) ?? '', encode(Stat, Stat.read(reader)))
    case 'delete':
      return writeMultiDeleteResult(writer)
    case 'setData':
      return writeMultiSetDataResult(writer, encode(Stat, Stat.read(reader)))
    case 'check':
      return writeMultiCheckResult(writer)
    default:
      throw new Error(`a result of type ${type}`)
  }
}

export function rewrittenMultiReadResults(body: Uint8Array): Uint8Array {
  const reader = new JuteReader(body)
  const writer = new JuteWriter()
  for (;;) {
    const { type, done } = MultiHeader.read(reader)
    if (reader.failed) throw new Error('the results have no end')
    if (done) break
    if (type === ops.getData.opcode) {
      writeMultiReadHeader(writer, 'getData')
      GetDataReply.write(writer, GetDataReply.read(reader))
    } else if (type === ops.getChildren.opcode) {
      writeMultiReadHeader(writer, 'getChildren')
      GetChildrenReply.write(writer, GetChildrenReply.read(reader))
    } else writeMultiReadError(writer, errorOf(reader.readInt()))
  }
  writeMultiEnd(writer)
  return writer.take()
}

function errorOf(code: number): NonNullable<ReturnType<typeof errorNameOf>> {
  const name = errorNameOf(code)
  if (name === null) throw new Error(`no error has the code ${code}`)
  return name
}
