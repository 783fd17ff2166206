import { expect, test } from 'vitest'
import { ReplyReader } from './reply-reader.ts'

function reply(xid: number, err: number, bodyLength: number): Buffer {
  const frame = Buffer.alloc(20 + bodyLength, 0xee)
  frame.writeInt32BE(16 + bodyLength, 0)
  frame.writeInt32BE(xid, 4)
  frame.writeInt32BE(1, 8)
  frame.writeInt32BE(err, 16)
  return frame
}

test('the reply reader reads every header, wherever the stream is cut', () => {
  const stream = Buffer.concat([reply(1, 0, 172), reply(2, -101, 0), reply(3, 0, 1), reply(4, -110, 0)])
  for (let size = 1; size <= stream.length; size++) {
    const seen: number[][] = []
    const reader = new ReplyReader((xid, zxidHigh, err) => seen.push([xid, zxidHigh, err]))
    for (let at = 0; at < stream.length; at += size) {
      const chunk = Buffer.from(stream.subarray(at, at + size))
      reader.read(chunk, chunk.length)
    }
    expect(seen).toEqual([
      [1, 1, 0],
      [2, 1, -101],
      [3, 1, 0],
      [4, 1, -110],
    ])
  }
})

test('the reply reader refuses a frame that is too short for a header', () => {
  const short = Buffer.alloc(20)
  short.writeInt32BE(15, 0)
  expect(() => new ReplyReader(() => {}).read(short, short.length)).toThrow('15 bytes')
})
