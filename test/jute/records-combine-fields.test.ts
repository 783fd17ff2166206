import { describe, expect, it } from 'vitest'
import * as fields from '../../src/jute/fields.ts'
import { decode, encode, record } from '../../src/jute/record.ts'
import { bytesOf, hexOf } from '../support/hex.ts'

const Pair = record('Pair', { name: fields.text, count: fields.int })
const Old = record('Old', { count: fields.int, flag: fields.trailing(fields.boolean) })
const Many = record('Many', { pairs: fields.vector(Pair) })

describe('records', () => {
  it('fields lie on the wire in the order of the definition', () => {
    expect(hexOf(encode(Pair, { name: 'a', count: 2 }))).toBe('00000001' + '61' + '00000002')
    expect(hexOf(encode(Pair, { count: 2, name: 'a' }))).toBe('00000001' + '61' + '00000002')
  })

  it('bytes after a record are ignored', () => {
    expect(decode(Pair, bytesOf('00000001 61 00000002 ffff'))).toEqual({ ok: true, value: { name: 'a', count: 2 } })
  })

  it('a record that is cut off is a marshalling error at every length', () => {
    const whole = encode(Many, {
      pairs: [
        { name: 'ab', count: 1 },
        { name: '', count: 2 },
      ],
    })
    for (let size = 0; size < whole.length; size++) {
      expect(decode(Many, whole.subarray(0, size))).toEqual({ ok: false, error: 'marshalling-error' })
    }
    expect(decode(Many, whole).ok).toBe(true)
  })

  it('a null where text must be is a marshalling error', () => {
    expect(decode(Pair, bytesOf('ffffffff 00000002'))).toEqual({ ok: false, error: 'marshalling-error' })
  })

  it('a trailing field may be absent and is then not written back', () => {
    expect(decode(Old, bytesOf('00000001'))).toEqual({ ok: true, value: { count: 1, flag: null } })
    expect(decode(Old, bytesOf('00000001 00'))).toEqual({ ok: true, value: { count: 1, flag: false } })
    expect(hexOf(encode(Old, { count: 1, flag: null }))).toBe('00000001')
    expect(hexOf(encode(Old, { count: 1, flag: true }))).toBe('0000000101')
  })

  it('null, empty and other negative vector counts read as ZooKeeper reads them', () => {
    expect(decode(Many, bytesOf('ffffffff'))).toEqual({ ok: true, value: { pairs: null } })
    expect(decode(Many, bytesOf('00000000'))).toEqual({ ok: true, value: { pairs: [] } })
    expect(decode(Many, bytesOf('fffffff0'))).toEqual({ ok: true, value: { pairs: [] } })
    expect(hexOf(encode(Many, { pairs: null }))).toBe('ffffffff')
    expect(hexOf(encode(Many, { pairs: [] }))).toBe('00000000')
  })

  it('a vector count that the bytes cannot hold is refused before any item is read', () => {
    let itemsRead = 0
    const Counted = fields.vector({
      ...fields.int,
      read: (reader) => {
        itemsRead++
        return reader.readInt()
      },
    })
    for (const count of ['7fffffff', '00000003']) {
      const bytes = bytesOf(`${count} 00000001 00000002`)
      expect(decode(Counted, bytes)).toEqual({ ok: false, error: 'marshalling-error' })
    }
    expect(itemsRead).toBe(0)
  })

  it('a description shows names and numbers and never the content of a buffer', () => {
    const Secret = record('Secret', { path: fields.text, data: fields.buffer, names: fields.vector(fields.ustring) })
    const value = { path: '/a b', data: bytesOf('736563726574'), names: ['1', null, '3', '4', '5', '6'] }
    expect(Secret.describe(value)).toBe('path="/a b" data=<6 bytes> names=[1, null, 3, 4, 6 in all]')
  })
})
