import { describe, expect, it } from 'vitest'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import {
  decodeMultiRead,
  writeMultiReadError,
  writeMultiReadHeader,
  writeMultiReadRequest,
} from '../../../src/protocol/client/multi-read.ts'
import { bytesOf, hexOf } from '../../support/hex.ts'

const end = 'ffffffff 01 ffffffff'
const pathA = '00000002 2f61'
const getData = `00000004 00 ffffffff ${pathA} 00`
const getChildren = `00000008 00 ffffffff ${pathA} 01`
const deletion = `00000002 00 ffffffff ${pathA} ffffffff`
const refused = { ok: false, error: 'marshalling-error' }

function decoded(...parts: readonly string[]): unknown {
  return decodeMultiRead(bytesOf(parts.join(' ')))
}

function written(write: (writer: JuteWriter) => void): string {
  const writer = new JuteWriter()
  write(writer)
  return hexOf(writer.take())
}

describe('a multiRead request', () => {
  it('decodes into its reads in order, without their watch flags', () => {
    expect(decoded(getChildren, getData, end)).toEqual({
      ok: true,
      value: {
        kind: 'reads',
        ops: [
          { op: 'getChildren', path: '/a' },
          { op: 'getData', path: '/a' },
        ],
      },
    })
  })

  it('may have no parts', () => {
    expect(decoded(end)).toEqual({ ok: true, value: { kind: 'reads', ops: [] } })
  })

  it('decodes a null path, which fails only when it is read', () => {
    expect(decoded('00000004 00 ffffffff ffffffff 00', end)).toEqual({
      ok: true,
      value: { kind: 'reads', ops: [{ op: 'getData', path: null }] },
    })
  })

  it('decodes as writes when it holds nothing else', () => {
    expect(decoded(deletion, deletion, end)).toEqual({ ok: true, value: { kind: 'writes' } })
  })

  it.each([
    ['a write follows a read', [getData, deletion, end]],
    ['a read follows a write', [deletion, getData, end]],
    ['a part is a read of another kind', [`00000003 00 ffffffff ${pathA} 00`, end]],
    ['a later part is a read of another kind', [getData, `0000000c 00 ffffffff ${pathA} 00`, end]],
    ['the opcode of a part is unknown', [`00000063 00 ffffffff ${pathA} 00`, end]],
    ['the end is missing', [getData]],
    ['a part is cut off', ['00000004 00 ffffffff 00000009 2f61']],
    ['the body is empty', ['']],
  ])('does not decode when %s', (_title, parts) => {
    expect(decoded(...parts)).toEqual(refused)
  })

  it('is written as it is decoded', () => {
    const ops = [
      { op: 'getData', path: '/a' },
      { op: 'getChildren', path: '/b' },
    ] as const
    const hex = written((writer) => writeMultiReadRequest(writer, ops))
    expect(hex).toBe(`${getData}00000008 00 ffffffff 00000002 2f62 00${end}`.replaceAll(' ', ''))
    expect(decoded(hex)).toEqual({ ok: true, value: { kind: 'reads', ops } })
  })
})

describe('the parts of a multiRead reply', () => {
  it('begin with the opcode of the read', () => {
    expect(written((writer) => writeMultiReadHeader(writer, 'getData'))).toBe('000000040000000000')
    expect(written((writer) => writeMultiReadHeader(writer, 'getChildren'))).toBe('000000080000000000')
  })

  it('say the code of a refused read twice', () => {
    expect(written((writer) => writeMultiReadError(writer, 'no-node'))).toBe('ffffffff00ffffff9bffffff9b')
  })
})
