import { describe, expect, test } from 'vitest'
import type { ServerId, SessionId } from '../../../src/base/ids.ts'
import { clientHistory } from './client-history.ts'
import { exactlyOnce } from './exactly-once.ts'
import {
  answered,
  applied,
  asked,
  attached,
  bytes,
  create,
  created,
  judge,
  otherSession,
  server,
  sessionMade,
  txnOf,
  z,
} from './hand-made-trace.ts'
import { realTimeOrder } from './real-time-order.ts'
import { sessionReplies } from './session-replies.ts'

type Events = Parameters<typeof judge>[1]

const emptyBody = { kind: 'none' } as const
const createdA = { kind: 'created', path: '/a', stat: null } as const

describe('session-replies', () => {
  const check = (events: Events): readonly string[] => judge(({ report }) => sessionReplies(report), events)
  const ping = { kind: 'ping' } as const

  test('replies in order with zxids that do not fall pass', () => {
    expect(check([attached(0), asked(1, ping), asked(2, ping), answered(1, z(4)), answered(2, z(4))])).toEqual([])
  })

  test('a reply that overtakes another is caught', () => {
    expect(check([attached(0), asked(1, ping), asked(2, ping), answered(2, z(4)), answered(1, z(4))])).toHaveLength(2)
  })

  test('a zxid that falls is caught', () => {
    expect(check([attached(0), asked(1, ping), asked(2, ping), answered(1, z(4)), answered(2, z(3))])).toHaveLength(1)
  })

  test('after an event no reply shows an older state', () => {
    const event = { kind: 'watch-event', connection: 0, zxid: z(5), type: 'created', path: '/x' } as const
    const write = [attached(0), asked(1, create('/a', '1')), event]
    expect(check([...write, answered(1, z(4), emptyBody, 'no-node')])).toHaveLength(1)
    expect(check([...write, answered(1, z(4), createdA)])).toHaveLength(1)
    expect(check([attached(0), asked(1, ping), event, answered(1, z(4))])).toHaveLength(1)
    expect(check([attached(0), asked(1, ping), answered(1, z(6)), event])).toHaveLength(1)
  })

  test('a reply from a state older than the client had seen is caught', () => {
    expect(check([attached(0, { lastZxidSeen: z(9) }), asked(1, ping), answered(1, z(8))])).toHaveLength(1)
  })

  test('a reply without a request is caught', () => {
    expect(check([attached(0), answered(-1, z(8))])).toHaveLength(1)
  })
})

describe('real-time-order', () => {
  const check = (events: Events, linearizableReads = false): readonly string[] =>
    judge(({ report }) => realTimeOrder({ linearizableReads, hasLocalSessions: false }, report), events)
  const read = { kind: 'get-data', path: '/a', watch: false } as const
  const firstWrite = [asked(1, create('/a', '1')), answered(1, z(5), createdA)]

  test('a write that was sent before another was acknowledged may precede it', () => {
    expect(check([asked(2, create('/b', '2'), 1), ...firstWrite, answered(2, z(4), createdA, null, 1)])).toEqual([])
  })

  test('a write that was sent after another was acknowledged and precedes it is caught', () => {
    expect(check([...firstWrite, asked(2, create('/b', '2'), 1), answered(2, z(4), createdA, null, 1)])).toHaveLength(1)
  })

  test('a sync that misses an acknowledged write is caught', () => {
    expect(
      check([...firstWrite, asked(2, { kind: 'sync', path: '/' }, 1), answered(2, z(4), emptyBody, null, 1)]),
    ).toHaveLength(1)
  })

  test('a refusal from before an acknowledged write is caught', () => {
    expect(
      check([...firstWrite, asked(2, create('/a', '2'), 1), answered(2, z(4), emptyBody, 'no-node', 1)]),
    ).toHaveLength(1)
  })

  test('a stale read is legal unless reads are set to be linearizable', () => {
    const events = [...firstWrite, asked(2, read, 1), answered(2, z(4), emptyBody, 'no-node', 1)]
    expect(check(events)).toEqual([])
    expect(check(events, true)).toHaveLength(1)
  })
})

describe('exactly-once', () => {
  const check = (events: Events): readonly string[] =>
    judge(({ history, ledger, report }) => exactlyOnce(history, ledger, { hasLocalSessions: false }, report), events)
  const effect = (counter: number, path: string, data: string) => applied(1, z(counter), [created(path, data, counter)])

  test('acknowledged and unanswered requests that took effect once pass', () => {
    const events = [attached(0), asked(1, create('/a', '1')), asked(2, create('/b', '2')), asked(3, create('/c', '3'))]
    expect(check([...events, effect(1, '/a', '1'), answered(1, z(1), createdA), effect(2, '/b', '2')])).toEqual([])
  })

  test('a request that took effect twice is caught', () => {
    const events = [attached(0), asked(1, create('/a', '1')), effect(1, '/a', '1'), effect(2, '/a', '1')]
    expect(check([...events, answered(1, z(1), createdA)])).toEqual([
      expect.stringContaining('explained by no request'),
    ])
  })

  test('a request that two leaders have made a txn of is caught', () => {
    const origin = { serverId: 1 as ServerId, incarnation: 5, sequence: 9 }
    const moved = (counter: number, sequence: number) =>
      server(1, {
        kind: 'applied',
        zxid: z(counter),
        txn: { ...txnOf([sessionMade()]), origin: { ...origin, sequence } },
        digest: '',
      })
    expect(check([moved(1, 9), moved(2, 10)])).toEqual([])
    expect(check([moved(1, 9), moved(2, 9)])).toEqual([expect.stringContaining('and again')])
  })

  test('an acknowledged request without an effect is caught', () => {
    expect(check([attached(0), asked(1, create('/a', '1')), answered(1, z(1), createdA)])).toHaveLength(1)
  })

  test('a refused request that took effect is caught', () => {
    const events = [
      attached(0),
      asked(1, create('/a', '1')),
      answered(1, z(0), emptyBody, 'no-node'),
      effect(1, '/a', '1'),
    ]
    expect(check(events)).toHaveLength(1)
  })

  test('effects of one session out of order are caught', () => {
    const events = [attached(0), asked(1, create('/a', '1')), asked(2, create('/b', '2'))]
    expect(check([...events, effect(1, '/b', '2'), effect(2, '/a', '1')])).toHaveLength(1)
  })

  test('an effect of a superseded connection after the move is caught', () => {
    const events = [attached(0), asked(1, create('/a', '1')), attached(1), asked(2, create('/b', '2'), 1)]
    expect(check([...events, effect(1, '/b', '2'), effect(2, '/a', '1')])).toHaveLength(1)
  })

  test('an acknowledgement for the txn of another session is caught', () => {
    const events = [attached(0), asked(1, create('/a', '1')), answered(1, z(1), createdA)]
    const foreign = applied(1, z(1), [created('/a', '1', 1)], { sessionId: otherSession })
    expect(check([...events, foreign])).toHaveLength(1)
  })
})

describe('client-history', () => {
  const check = (events: Events, enforceQuota = false): readonly string[] =>
    judge(({ history, ledger, report }) => clientHistory(history, ledger, { enforceQuota }, report), events)
  const begin = [
    attached(0),
    asked(1, create('/a', 'one')),
    applied(1, z(1), [created('/a', 'one', 1)]),
    answered(1, z(1), createdA),
  ]
  const stat = {
    czxid: z(1),
    mzxid: z(1),
    ctime: 1000,
    mtime: 1000,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n as SessionId,
    dataLength: 3,
    numChildren: 0,
    pzxid: z(1),
  }
  const get = { kind: 'get-data', path: '/a', watch: false } as const
  const setA = { kind: 'set-data', path: '/a', data: 'two', version: 7 } as const

  test('a refusal over a quota is believed where quotas are enforced and caught elsewhere', () => {
    const multi = { kind: 'multi', parts: [create('/b', 'x')] } as const
    const results = [{ kind: 'error', code: -125 }] as const
    const refused = [
      asked(2, create('/b', 'x')),
      answered(2, z(1), emptyBody, 'quota-exceeded'),
      asked(3, multi),
      answered(3, z(1), { kind: 'multi', results }),
      asked(4, create('/b', 'x')),
      answered(4, z(1), emptyBody, 'marshalling-error'),
    ]
    expect(check([...begin, ...refused], true)).toEqual([])
    expect(check([...begin, ...refused])).toHaveLength(3)
  })

  test('usage that does not follow a create is caught', () => {
    const usage = '/zookeeper/quota/a/zookeeper_stats'
    const made = [
      ['/zookeeper/quota/a', 'q', 1],
      ['/zookeeper/quota/a/zookeeper_limits', 'count=9', 1],
      [usage, 'made', 2],
      ['/a/b', '12', 1],
    ] as const
    const events = made.flatMap(([path, data, count], i) => [
      asked(10 + i, create(path, data)),
      applied(1, z(2 + i), [created(path, data, count)]),
      answered(10 + i, z(2 + i), { kind: 'created', path, stat: null }),
    ])
    const read = (data: string): Events => {
      const times = { czxid: z(4), mzxid: z(4), pzxid: z(4) }
      const body = { kind: 'data', data, stat: { ...stat, ...times, dataLength: data.length } } as const
      return [asked(20, { ...get, path: usage }), answered(20, z(5), body)]
    }
    expect(check([...begin, ...events, ...read('count=2,bytes=5')])).toEqual([])
    expect(check([...begin, ...events, ...read('count=1,bytes=3')])).toHaveLength(1)
  })

  test('answers that the model gives too pass', () => {
    const reads = [asked(2, get), answered(2, z(1), { kind: 'data', data: 'one', stat })]
    const refusals = [
      asked(3, setA),
      answered(3, z(1), emptyBody, 'bad-version'),
      asked(4, create('/a', 'x')),
      answered(4, z(1), emptyBody, 'node-exists'),
    ]
    expect(check([...begin, ...reads, ...refusals])).toEqual([])
  })

  test('wrong data in a read is caught', () => {
    expect(check([...begin, asked(2, get), answered(2, z(1), { kind: 'data', data: 'two', stat })])).toHaveLength(1)
  })

  test('one wrong field of a Stat is caught', () => {
    const wrong = { ...stat, pzxid: z(2) }
    expect(
      check([...begin, asked(2, get), answered(2, z(1), { kind: 'data', data: 'one', stat: wrong })]),
    ).toHaveLength(1)
  })

  test('a read that misses its znode is caught', () => {
    expect(check([...begin, asked(2, get), answered(2, z(1), emptyBody, 'no-node')])).toHaveLength(1)
  })

  test('a write that should have been refused is caught', () => {
    const effect = applied(1, z(2), [{ kind: 'set-data', path: '/a', data: bytes('two'), version: 1 }])
    expect(check([...begin, asked(2, setA), effect, answered(2, z(2), { kind: 'stat', stat })])).not.toEqual([])
  })

  test('a refusal with the wrong reason is caught', () => {
    expect(check([...begin, asked(2, setA), answered(2, z(1), emptyBody, 'no-node')])).toHaveLength(1)
  })

  test('a multi that is answered as done and failed in the model is caught', () => {
    const multi = { kind: 'multi', parts: [create('/b', 'b'), setA] } as const
    const results = [
      { kind: 'error', code: 0 },
      { kind: 'error', code: -101 },
    ] as const
    const right = [
      { kind: 'error', code: 0 },
      { kind: 'error', code: -103 },
    ] as const
    expect(check([...begin, asked(2, multi), answered(2, z(1), { kind: 'multi', results: right })])).toEqual([])
    expect(check([...begin, asked(2, multi), answered(2, z(1), { kind: 'multi', results })])).toHaveLength(1)
  })

  test('a sequence number that was used before is caught', () => {
    const sequential = { ...create('/q-', 'q'), sequential: true }
    const wrong = applied(1, z(2), [created('/q-0000000000', 'q', 2)])
    expect(check([...begin, asked(2, sequential), wrong])).toHaveLength(1)
  })
})
