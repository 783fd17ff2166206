import { describe, expect, it } from 'vitest'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { decode } from '../../../src/jute/record.ts'
import {
  describeWatchEvent,
  WatcherEvent,
  watchEventTypeOf,
  watchEventTypes,
  writeWatchEventFrame,
} from '../../../src/protocol/client/watch-event.ts'
import { hexOf } from '../../support/hex.ts'

describe('watch events', () => {
  it('a frame holds the length, the notification header with the zxid, and the event in state connected', () => {
    const writer = new JuteWriter()
    writer.writeInt(7) // something before it
    writeWatchEventFrame(writer, 2 ** 32 + 2, watchEventTypes['children-changed'], '/a')
    const frame = writer.take().subarray(4)
    const expected = '0000001e ffffffff 0000000100000002 00000000 00000004 00000003 00000002 2f61'
    expect(hexOf(frame)).toBe(expected.replaceAll(' ', ''))
    expect(decode(WatcherEvent, frame.subarray(20))).toEqual({ ok: true, value: { type: 4, state: 3, path: '/a' } })
  })

  it('a catch-up event carries zxid -1', () => {
    const writer = new JuteWriter()
    writeWatchEventFrame(writer, -1, watchEventTypes.created, '/')
    expect(hexOf(writer.take())).toBe('0000001dffffffffffffffffffffffff0000000000000001000000030000000' + '12f')
    expect(describeWatchEvent(-1, 1, '/')).toBe('event created / zxid=-1')
  })

  it('the types that a server sends are 1 to 4', () => {
    expect([1, 2, 3, 4].map(watchEventTypeOf)).toEqual(['created', 'deleted', 'data-changed', 'children-changed'])
    expect([-1, 0, 5, 6, 7].map(watchEventTypeOf)).toEqual([null, null, null, null, null])
  })
})
