import { describe, expect, it } from 'vitest'
import type { RecordCodec } from '../../../src/jute/record.ts'
import { decode, encode } from '../../../src/jute/record.ts'
import { opNames, ops } from '../../../src/protocol/client/operations.ts'
import type { Stat } from '../../../src/protocol/client/stat.ts'
import { bytesOf, hexOf } from '../../support/hex.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { requestExamples } from './request-examples.ts'

function codecOf(op: keyof typeof ops): RecordCodec<unknown> {
  const codec = ops[op].request
  if (codec === null) throw new Error(`${op} has no request record`)
  return codec
}

describe('request records', () => {
  it('every operation with a request record has an example here', () => {
    const withRecord = opNames.filter((op) => ops[op].request !== null)
    expect([...requestExamples.map((example) => example.op)].sort()).toEqual([...withRecord].sort())
  })

  it.each(requestExamples)('$op decodes from the bytes of a stock client', ({ op, hex, value }) => {
    expect(decode(codecOf(op), bytesOf(hex))).toEqual({ ok: true, value })
  })

  it.each(requestExamples)('$op encodes to bytes that decode to the same request', ({ op, hex, value }) => {
    const encoded = encode(codecOf(op), value)
    expect(decode(codecOf(op), encoded)).toEqual({ ok: true, value })
    // The one exception is the boolean 02 that a client may send for true.
    expect(hexOf(encoded)).toBe(hexOf(bytesOf(hex)).replace(/02$/, op === 'getChildren2' ? '01' : '02'))
  })

  it.each(requestExamples)('$op is a marshalling error when cut off anywhere', ({ op, hex }) => {
    const whole = bytesOf(hex)
    for (let size = 0; size < whole.length; size++) {
      expect(decode(codecOf(op), whole.subarray(0, size))).toEqual({ ok: false, error: 'marshalling-error' })
    }
  })

  it.each(requestExamples)('$op never throws on damaged bytes and what decodes encodes again', ({ op, hex }) => {
    const codec = codecOf(op)
    const random = new SeededRandom(21)
    for (let round = 0; round < 400; round++) {
      const bytes = round % 4 === 0 ? random.bytes(random.below(60)) : bytesOf(hex)
      if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
      const decoded = decode(codec, bytes)
      if (!decoded.ok) continue
      expect(codec.describe(decoded.value)).not.toBe('')
      const isForgedZxid = !isExact(decoded.value)
      if (!isForgedZxid) expect(decode(codec, encode(codec, decoded.value))).toEqual(decoded)
    }
  })

  it('a null path is refused by every record but those of sync, setData, setACL and about watches', () => {
    const takeNull: readonly string[] = ['sync', 'setData', 'setACL', 'addWatch', 'checkWatches', 'removeWatches']
    for (const { op, value } of requestExamples) {
      if (typeof value !== 'object' || value === null || !('path' in value) || takeNull.includes(op)) continue
      const nullPath = encode(codecOf(op), { ...value, path: null })
      expect(decode(codecOf(op), nullPath), op).toEqual({ ok: false, error: 'marshalling-error' })
    }
  })
})

/** Whether its numbers are ones that a server could have given out. */
function isExact(value: unknown): boolean {
  const { relativeZxid, stat, afterZxid, afterHash } = value as {
    readonly relativeZxid?: number
    readonly stat?: Stat
    readonly afterZxid?: number
    readonly afterHash?: number
  }
  const numbers = [afterZxid, afterHash, relativeZxid, stat?.czxid, stat?.mzxid, stat?.pzxid, stat?.ctime, stat?.mtime]
  return numbers.every((number) => number === undefined || Number.isSafeInteger(number))
}
