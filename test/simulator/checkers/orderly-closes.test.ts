import { expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { closingAnswersMsMax } from '../../../src/base/limits.ts'
import type { SimEvent } from '../sim-event.ts'
import {
  answered,
  applied,
  asked,
  attached,
  create,
  created,
  judge,
  server,
  session,
  sessionEnded,
  sessionMade,
  started,
  z,
} from './hand-made-trace.ts'
import { noOrderlyCloses, orderlyCloses, serverCloses } from './orderly-closes.ts'

const serverId = 1 as ServerId
const check = (events: readonly SimEvent[], areAnswersQuick = true): readonly string[] =>
  judge((at) => orderlyCloses({ clockRateMax: 1, areAnswersQuick, ...at }, noOrderlyCloses(), at.report), events)
const countsOf = (events: readonly SimEvent[], areAnswersQuick = true): ReturnType<typeof noOrderlyCloses> => {
  const counts = noOrderlyCloses()
  judge((at) => orderlyCloses({ clockRateMax: 1, areAnswersQuick, ...at }, counts, at.report), events)
  return counts
}

const begun: readonly SimEvent[] = [
  started(1),
  applied(1, z(1), [sessionMade()]),
  attached(0),
  asked(1, create('/a', 'first')),
  asked(2, create('/b', 'second')),
]
const stopping: SimEvent = { kind: 'server-asked-to-stop', serverId }
const firstDone: readonly SimEvent[] = [
  applied(1, z(2), [created('/a', 'first', 1)]),
  answered(1, z(2), { kind: 'created', path: '/a', stat: null }),
]
const secondDone = applied(1, z(3), [created('/b', 'second', 2)])
const log = (text: string): SimEvent => ({ kind: 'server-log', serverId, text })
const gaveUp = log('warn clients-not-answered {"connectionCount":1}')
const closed = (reason = 'end of stream', by: 'client' | 'server' = 'server'): SimEvent => ({
  kind: 'closed',
  connection: 0,
  by,
  reason,
})
/** The trace has one event each millisecond. */
const idle = (count: number): readonly SimEvent[] => Array.from({ length: count }, () => log('info idle {}'))

test('a request that a server leaves without an answer when it closes in order, and that is done, is caught', () => {
  expect(check([...begun, stopping, ...firstDone, closed()])).toEqual([])
  expect(check([...begun, stopping, ...firstDone, closed(), secondDone])).toHaveLength(1)
  expect(check([...begun, stopping, ...firstDone, secondDone, closed()])).toHaveLength(1)
  expect(countsOf([...begun, stopping, ...firstDone, closed()])).toMatchObject({ left: 1, gaveUp: 0 })
})

test('a connection that ends otherwise is not judged', () => {
  for (const end of [closed('connection reset by peer'), closed('silent server', 'client')])
    expect(check([...begun, stopping, ...firstDone, end, secondDone])).toEqual([])
  expect(check([...begun, ...firstDone, closed(), secondDone])).toEqual([])
})

test('a server may leave a request in doubt for the listed causes, and they are counted', () => {
  const cut = server(1, { kind: 'client-cut', sessionId: session, timeoutMs: 4_000, why: 'in-doubt' })
  const failed = log('error server-must-stop {"reason":"EIO"}')
  const moved = attached(1, { serverId: 2 })
  const ended = applied(1, z(3), [sessionEnded([])])
  for (const [cause, excuse] of [
    ['limit', [...idle(closingAnswersMsMax), gaveUp]],
    ['cut', [cut]],
    ['failed', [failed]],
    ['session', [moved]],
    ['session', [ended]],
  ] as const) {
    const events = [
      ...begun,
      stopping,
      ...firstDone,
      ...excuse,
      closed(),
      applied(1, z(4), [created('/b', 'second', 2)]),
    ]
    expect(check(events)).toEqual([])
    expect(countsOf(events)).toMatchObject({ left: 0, excused: { [cause]: 1 } })
  }
  const movedLater = [...begun, stopping, ...firstDone, closed(), moved, secondDone]
  expect(check(movedLater)).toEqual([])
  const otherServer = server(2, { kind: 'client-cut', sessionId: session, timeoutMs: 4_000, why: 'waited' })
  expect(check([...begun, stopping, ...firstDone, otherServer, closed(), secondDone])).toHaveLength(1)
})

test('a server that gives up early, or while nothing is wrong, is caught', () => {
  expect(check([...begun, stopping, gaveUp])).toHaveLength(1)
  expect(check([...begun, stopping, ...idle(closingAnswersMsMax), gaveUp])).toEqual([])
  const undisturbed: SimEvent = { kind: 'fault', text: serverCloses }
  const lateEnough = [...begun, undisturbed, stopping, ...idle(closingAnswersMsMax), gaveUp]
  expect(check(lateEnough)).toHaveLength(1)
  expect(check(lateEnough, false)).toEqual([])
})

test('of requests that look alike none is judged if one of them may be the one that was done', () => {
  const deleted = { kind: 'delete', path: '/a', version: -1 } as const
  const two = [...begun, stopping, ...firstDone, asked(3, deleted)]
  const done = applied(1, z(3), [{ kind: 'delete', path: '/a' }])
  expect(check([...two, closed(), done])).toHaveLength(1)
  const again = [attached(1, { serverId: 2, askedAtUs: 1_000_000 }), asked(4, deleted, 1)]
  expect(check([...two, closed(), ...again, done])).toEqual([])
})
