import { describe, expect, test } from 'vitest'
import type { WatchEventType } from '../../../src/protocol/client/watch-event.ts'
import type { SimEvent } from '../sim-event.ts'
import {
  answered,
  applied,
  asked,
  attached,
  bytes,
  created,
  judge,
  session,
  sessionEnded,
  z,
} from './hand-made-trace.ts'
import { watchOrder } from './watch-order.ts'

const check = (events: readonly SimEvent[]): readonly string[] =>
  judge(({ history, report }) => watchOrder(history, report), events)
const notified = (zxid: number, type: WatchEventType, path: string): SimEvent => ({
  kind: 'watch-event',
  connection: 0,
  zxid,
  type,
  path,
})
const watchA = { kind: 'get-data', path: '/a', watch: true } as const
const childrenOfA = { kind: 'get-children', path: '/a', watch: true } as const
const ping = { kind: 'ping' } as const
const history = [
  applied(1, z(1), [created('/a', '1', 1)]),
  applied(1, z(2), [{ kind: 'set-data', path: '/a', data: bytes('2'), version: 1 }]),
  applied(1, z(3), [created('/a/e', 'e', 1, session)]),
  applied(1, z(4), [sessionEnded(['/a/e'])]),
  applied(1, z(5), [{ kind: 'delete', path: '/a' }]),
]
const registered = [attached(0), asked(1, watchA), answered(1, z(1))]

describe('watch-order', () => {
  test('an event before the reply that shows its change passes', () => {
    expect(
      check([...history, ...registered, notified(z(2), 'data-changed', '/a'), asked(2, ping), answered(2, z(2))]),
    ).toEqual([])
  })

  test('a reply that shows a change before its event is caught', () => {
    expect(
      check([...history, ...registered, asked(2, ping), answered(2, z(2)), notified(z(2), 'data-changed', '/a')]),
    ).not.toEqual([])
  })

  test('an event that never comes is caught at the next reply', () => {
    expect(check([...history, ...registered, asked(2, ping), answered(2, z(5))])).toHaveLength(1)
  })

  test('an event for a later change than the first is caught', () => {
    expect(check([...history, ...registered, notified(z(5), 'deleted', '/a')])).toHaveLength(1)
  })

  test('a second event of one registration is caught', () => {
    expect(
      check([...history, ...registered, notified(z(2), 'data-changed', '/a'), notified(z(5), 'deleted', '/a')]),
    ).toHaveLength(1)
  })

  test('an event without a watch is caught', () => {
    expect(check([...history, attached(0), notified(z(2), 'data-changed', '/a')])).toHaveLength(1)
  })

  test('a child watch waits for children and not for data', () => {
    const events = [...history, attached(0), asked(1, childrenOfA), answered(1, z(1))]
    expect(check([...events, notified(z(3), 'children-changed', '/a')])).toEqual([])
    expect(check([...events, notified(z(2), 'data-changed', '/a')])).toHaveLength(1)
  })

  test('a connection that watches data and children gets one event for a deletion', () => {
    const events = [
      attached(0),
      asked(1, { ...watchA, path: '/a' }),
      answered(1, z(4)),
      asked(2, childrenOfA),
      answered(2, z(4)),
    ]
    expect(check([...history, ...events, notified(z(5), 'deleted', '/a')])).toEqual([])
    expect(
      check([...history, ...events, notified(z(5), 'deleted', '/a'), notified(z(5), 'deleted', '/a')]),
    ).toHaveLength(1)
  })

  test('an exists watch on a missing znode waits for its creation', () => {
    const exists = { kind: 'exists', path: '/a', watch: true } as const
    const events = [...history, attached(0), asked(1, exists), answered(1, z(0), { kind: 'none' }, 'no-node')]
    expect(check([...events, notified(z(1), 'created', '/a')])).toEqual([])
    expect(check([...events, asked(2, ping), answered(2, z(1))])).toHaveLength(1)
  })

  test('set-watches brings what was missed and nothing else', () => {
    const setWatches = { kind: 'set-watches', relativeZxid: z(1), data: ['/a'], exist: ['/x'], child: ['/a'] } as const
    const events = [...history, attached(0), asked(1, setWatches)]
    expect(check([...events, notified(-1, 'data-changed', '/a'), answered(1, z(2))])).toEqual([])
    expect(check([...events, answered(1, z(2))])).toHaveLength(1)
    expect(
      check([...events, notified(-1, 'data-changed', '/a'), notified(-1, 'created', '/x'), answered(1, z(2))]),
    ).toHaveLength(1)
  })

  test('a watch set again by set-watches fires for the next change', () => {
    const setWatches = { kind: 'set-watches', relativeZxid: z(2), data: [], exist: [], child: ['/a'] } as const
    const events = [...history, attached(0), asked(1, setWatches), answered(1, z(2))]
    expect(check([...events, notified(z(3), 'children-changed', '/a')])).toEqual([])
    expect(check([...events, asked(2, ping), answered(2, z(3))])).toHaveLength(1)
  })
})
