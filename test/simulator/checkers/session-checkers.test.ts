import { describe, expect, test } from 'vitest'
import type { Epoch, ServerId } from '../../../src/base/ids.ts'
import { ephemeralLifetime } from './ephemeral-lifetime.ts'
import {
  answered,
  applied,
  asked,
  attached,
  created,
  judge,
  server,
  session,
  sessionEnded,
  sessionMade,
  z,
} from './hand-made-trace.ts'
import { pauseExpiry } from './pause-expiry.ts'
import { sessionExpiry } from './session-expiry.ts'

type Events = Parameters<typeof judge>[1]

describe('ephemeral-lifetime', () => {
  const check = (events: Events): readonly string[] =>
    judge(({ history, report }) => ephemeralLifetime(history, false, report), events)
  const made = [applied(1, z(1), [sessionMade()]), applied(1, z(2), [created('/e', 'e', 1, session)])]

  test('a session that ends with all its ephemerals passes', () => {
    expect(check([...made, applied(1, z(3), [sessionEnded(['/e'])])])).toEqual([])
  })

  test('an ephemeral that outlives its session is caught', () => {
    expect(check([...made, applied(1, z(3), [sessionEnded([])])])).toHaveLength(1)
  })

  test('the end of a session that deletes what it does not own is caught', () => {
    expect(check([...made, applied(1, z(3), [sessionEnded(['/e', '/f'])])])).toHaveLength(1)
  })

  test('an ephemeral made after the end of its session is caught', () => {
    const late = applied(1, z(4), [created('/late', 'l', 2, session)])
    expect(check([...made, applied(1, z(3), [sessionEnded(['/e'])]), late])).toHaveLength(1)
  })

  test('a session that ends twice is caught', () => {
    expect(
      check([...made, applied(1, z(3), [sessionEnded(['/e'])]), applied(1, z(4), [sessionEnded([])])]),
    ).toHaveLength(1)
  })

  test('a session id that is given twice is caught', () => {
    expect(check([...made, applied(1, z(3), [sessionEnded(['/e'])]), applied(1, z(4), [sessionMade()])])).toHaveLength(
      1,
    )
  })
})

describe('session-expiry', () => {
  const check = (events: Events, usedTimeoutMsMin = 0): readonly string[] =>
    judge(({ report }) => sessionExpiry({ clockRateMax: 1, graceMs: 10, usedTimeoutMsMin }, report), events)
  const leading = (id: number, epoch: number): Events => [
    server(id, { kind: 'role-changed', role: 'leading', epoch: epoch as Epoch }),
    server(id, { kind: 'established', epoch: epoch as Epoch }),
  ]
  const attempt = server(1, { kind: 'session-expiring', sessionId: session })
  const end = applied(1, z(1), [sessionEnded([])])
  const expiring = [attempt, end]
  const begin = [...leading(1, 1), attached(0, { askedAtUs: 2000 }), applied(1, z(1), [sessionMade()])]
  const pause = (count: number): Events => Array.from({ length: count }, () => ({ kind: 'fault', text: 'time passes' }))
  const calm = { kind: 'phase', phase: 'calm' } as const
  const closed = { kind: 'closed', connection: 0, by: 'client', reason: 'test' } as const

  test('an expiry after a whole timeout without a client passes', () => {
    expect(check([...begin, closed, ...pause(4000), ...expiring])).toEqual([])
  })

  test('an expiry before a whole timeout is caught', () => {
    expect(check([...begin, closed, ...pause(3900), ...expiring])).toHaveLength(1)
  })

  test('a new leader gives every session its whole timeout', () => {
    const ended = [server(1, { kind: 'session-expiring', sessionId: session }), applied(1, z(1, 2), [sessionEnded([])])]
    expect(check([...begin, closed, ...pause(3000), ...leading(1, 2), ...pause(3000), ...ended])).toHaveLength(1)
    expect(check([...begin, closed, ...leading(1, 2), ...pause(4100), ...ended])).toEqual([])
  })

  test('an attachment that a leader of an older epoch agreed to does not count', () => {
    const stale = attached(1, { askedAtUs: 4_000_000 })
    const other = [server(2, { kind: 'session-expiring', sessionId: session }), applied(2, z(1, 2), [sessionEnded([])])]
    expect(check([...begin, ...leading(2, 2), ...pause(4000), stale, ...pause(100), ...other])).toEqual([])
  })

  test('an early expiry that its leader cannot commit does not count', () => {
    expect(check([...begin, closed, attempt])).toEqual([])
  })

  test('an expiry of a connected client in a calm ensemble is caught', () => {
    expect(check([...begin, calm, ...pause(4100), ...expiring])).toHaveLength(1)
    expect(check([...begin, calm, ...pause(4100), ...expiring], 4001)).toEqual([])
  })

  test('a client that closes its session itself is no expiry', () => {
    expect(check([...begin, calm, ...pause(4100), asked(1, { kind: 'close-session' }), ...expiring])).toEqual([])
  })

  test('an abandoned session that does not expire is caught', () => {
    const abandoned = { kind: 'abandoned', sessionId: session } as const
    expect(check([...begin, closed, abandoned, calm, ...pause(4100)])).toHaveLength(1)
    expect(check([...begin, closed, abandoned, calm, ...pause(4100), end])).toEqual([])
    const withNewLeader = [...begin, closed, abandoned, calm, ...pause(3000), ...leading(1, 2)]
    expect(check([...withNewLeader, ...pause(3000)])).toEqual([])
    expect(check([...withNewLeader, ...pause(4100)])).toHaveLength(1)
  })
})

describe('pause-expiry', () => {
  const check = (events: Events): readonly string[] =>
    judge(({ report }) => pauseExpiry({ clockRateMax: 1, pauseStepMsMax: 100 }, report), events)
  const wait = (count: number): Events => Array.from({ length: count }, () => ({ kind: 'fault', text: 'time passes' }))
  const paused = (isPaused: boolean) => ({ kind: 'server-paused', serverId: 1 as ServerId, isPaused }) as const
  const leading = server(1, { kind: 'role-changed', role: 'leading', epoch: 1 as Epoch })
  const begin = [leading, attached(0, { askedAtUs: 1000 })]
  const attempt = server(1, { kind: 'session-expiring', sessionId: session })

  test('a session that expires after its leader ran for its timeout passes', () => {
    expect(
      check([...begin, ...wait(2000), paused(true), ...wait(7000), paused(false), ...wait(2000), attempt]),
    ).toEqual([])
  })

  test('a session that expires because its leader stood still is caught', () => {
    expect(check([...begin, ...wait(2000), paused(true), ...wait(7000), paused(false), attempt])).toHaveLength(1)
  })

  test('a request that was answered begins the timeout again', () => {
    const ping = [asked(1, { kind: 'ping' }), answered(1, z(1))]
    const stop = [paused(true), ...wait(1500), paused(false)]
    expect(check([...begin, ...wait(2000), ...ping, ...wait(2500), ...stop, attempt])).toHaveLength(1)
    expect(check([...begin, ...wait(2000), ...ping, ...wait(4000), ...stop, attempt])).toEqual([])
  })

  test('what a client of another server may have lost on the way is not judged', () => {
    const elsewhere = attached(0, { askedAtUs: 1000, serverId: 2 })
    expect(check([leading, elsewhere, paused(true), ...wait(7000), paused(false), attempt])).toEqual([])
  })
})
