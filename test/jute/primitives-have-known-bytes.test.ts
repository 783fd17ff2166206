import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../src/base/ids.ts'
import { JuteReader } from '../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { bytesOf, hexOf } from '../support/hex.ts'

interface Row {
  readonly what: string
  readonly hex: string
  readonly write: (writer: JuteWriter) => void
  readonly read: (reader: JuteReader) => unknown
  readonly value: unknown
}

const rows: readonly Row[] = [
  { what: 'an int', hex: '00 00 00 07', write: (w) => w.writeInt(7), read: (r) => r.readInt(), value: 7 },
  { what: 'a negative int', hex: 'ff ff ff fe', write: (w) => w.writeInt(-2), read: (r) => r.readInt(), value: -2 },
  {
    what: 'the smallest int',
    hex: '80 00 00 00',
    write: (w) => w.writeInt(-(2 ** 31)),
    read: (r) => r.readInt(),
    value: -(2 ** 31),
  },
  { what: 'true', hex: '01', write: (w) => w.writeBoolean(true), read: (r) => r.readBoolean(), value: true },
  { what: 'false', hex: '00', write: (w) => w.writeBoolean(false), read: (r) => r.readBoolean(), value: false },
  {
    what: 'a long',
    hex: '01 23 45 67 89 ab cd ef',
    write: (w) => w.writeLong(0x0123456789abcdefn),
    read: (r) => r.readLong(),
    value: 0x0123456789abcdefn,
  },
  {
    what: 'a negative long',
    hex: 'ff ff ff ff ff ff ff ff',
    write: (w) => w.writeLong(-1n),
    read: (r) => r.readLong(),
    value: -1n,
  },
  {
    what: 'a zxid of epoch 5',
    hex: '00 00 00 05 ff ff ff fe',
    write: (w) => w.writeZxid(5 * 2 ** 32 + 0xfffffffe),
    read: (r) => r.readZxid(),
    value: 5 * 2 ** 32 + 0xfffffffe,
  },
  {
    what: 'no zxid',
    hex: 'ff ff ff ff ff ff ff ff',
    write: (w) => w.writeZxid(-1),
    read: (r) => r.readZxid(),
    value: -1,
  },
  {
    what: 'the largest zxid',
    hex: '00 1f ff ff ff ff ff ff',
    write: (w) => w.writeZxid(2 ** 53 - 1),
    read: (r) => r.readZxid(),
    value: 2 ** 53 - 1,
  },
  {
    what: 'a session id of server 200',
    hex: 'c8 00 02 6f 2f 20 00 0a',
    write: (w) => w.writeSessionId(0xc800026f2f20000an as SessionId),
    read: (r) => r.readSessionId(),
    value: 0xc800026f2f20000an,
  },
  {
    what: 'a string',
    hex: '00 00 00 02 2f 61',
    write: (w) => w.writeUstring('/a'),
    read: (r) => r.readUstring(),
    value: '/a',
  },
  {
    what: 'an empty string',
    hex: '00 00 00 00',
    write: (w) => w.writeUstring(''),
    read: (r) => r.readUstring(),
    value: '',
  },
  {
    what: 'a null string',
    hex: 'ff ff ff ff',
    write: (w) => w.writeUstring(null),
    read: (r) => r.readUstring(),
    value: null,
  },
  {
    what: 'a string of two- and three-byte characters',
    hex: '00 00 00 08 61 c3 a9 e2 82 ac 2f 62',
    write: (w) => w.writeUstring('aé€/b'),
    read: (r) => r.readUstring(),
    value: 'aé€/b',
  },
  {
    what: 'a buffer',
    hex: '00 00 00 03 01 02 ff',
    write: (w) => w.writeBuffer(bytesOf('0102ff')),
    read: (r) => r.readBuffer(),
    value: bytesOf('0102ff'),
  },
  {
    what: 'a null buffer',
    hex: 'ff ff ff ff',
    write: (w) => w.writeBuffer(null),
    read: (r) => r.readBuffer(),
    value: null,
  },
]

describe('jute primitives', () => {
  it.each(rows)('$what is written as its known bytes and read back', ({ hex, write, read, value }) => {
    const writer = new JuteWriter()
    write(writer)
    expect(hexOf(writer.take())).toBe(hex.replaceAll(' ', ''))
    const reader = new JuteReader(bytesOf(hex))
    expect(read(reader)).toEqual(value)
    expect(reader.failed).toBe(false)
    expect(reader.remainingBytes).toBe(0)
  })

  it.each(rows)('$what fails to decode when any byte of its end is missing', ({ hex, read }) => {
    const whole = bytesOf(hex)
    for (let size = 0; size < whole.length; size++) {
      const reader = new JuteReader(whole.subarray(0, size))
      read(reader)
      expect(reader.failed).toBe(true)
    }
  })

  it('a boolean byte other than zero reads as true', () => {
    expect(new JuteReader(bytesOf('80')).readBoolean()).toBe(true)
  })

  it('a string or buffer length below -1 fails the reader', () => {
    for (const hex of ['fffffffe 61', '80000000']) {
      const strings = new JuteReader(bytesOf(hex))
      strings.readUstring()
      expect(strings.failed).toBe(true)
      const buffers = new JuteReader(bytesOf(hex))
      buffers.readBuffer()
      expect(buffers.failed).toBe(true)
    }
  })

  it('a failed reader answers neutral values for everything after the failure', () => {
    const reader = new JuteReader(bytesOf('000000ff 61626364 00000001'))
    reader.readUstring()
    expect([reader.readInt(), reader.readLong(), reader.readBoolean(), reader.readUstring()]).toEqual([
      0,
      0n,
      false,
      '',
    ])
    expect(reader.readBuffer()).toEqual(new Uint8Array(0))
    expect(reader.remainingBytes).toBe(0)
  })
})

describe('JuteWriter', () => {
  it('refuses a number that an int64 made of a double cannot hold exactly', () => {
    const writer = new JuteWriter()
    expect(() => writer.writeZxid(2 ** 53)).toThrow('exact')
    expect(() => writer.writeZxid(0.5)).toThrow('exact')
    expect(() => writer.writeZxid(-2)).toThrow('zxid')
  })

  it('keeps what it wrote while the buffer grows', () => {
    const writer = new JuteWriter(1)
    for (let i = 0; i < 10_000; i++) writer.writeInt(i)
    const reader = new JuteReader(writer.take())
    for (let i = 0; i < 10_000; i++) expect(reader.readInt()).toBe(i)
  })

  it('hands out a copy that later writes do not change', () => {
    const writer = new JuteWriter()
    writer.writeInt(1)
    const taken = writer.take()
    writer.reset()
    writer.writeInt(2)
    expect(hexOf(taken)).toBe('00000001')
    expect(hexOf(writer.take())).toBe('00000002')
  })

  it('gives its buffer away on detach and starts with a new one', () => {
    const writer = new JuteWriter()
    writer.writeInt(1)
    const detached = writer.detach()
    writer.writeInt(2)
    expect(hexOf(detached)).toBe('00000001')
    expect(hexOf(writer.take())).toBe('00000002')
  })

  it('copies exactly the asked part of a source, short or long', () => {
    const source = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff)
    for (const end of [5, 5 + 96, 5 + 97, 300]) {
      const writer = new JuteWriter()
      writer.writeBytesOf(source, 5, end)
      expect(writer.take()).toEqual(source.slice(5, end))
    }
  })

  it('patches a length that was not known when its place was written', () => {
    const writer = new JuteWriter()
    writer.writeInt(0)
    writer.writeUstring('abc')
    writer.patchInt(0, writer.lengthBytes - 4)
    expect(hexOf(writer.take())).toBe('00000007' + '00000003' + '616263')
    expect(() => writer.patchInt(8, 1)).toThrow('patch')
  })

  it('forgets what was truncated', () => {
    const writer = new JuteWriter()
    writer.writeInt(1)
    writer.writeInt(2)
    writer.truncate(4)
    expect(hexOf(writer.take())).toBe('00000001')
  })
})
