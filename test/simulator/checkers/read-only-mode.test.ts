import { describe, expect, test } from 'vitest'
import { ephemeralLifetime } from './ephemeral-lifetime.ts'
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
  sessionMade,
  z,
} from './hand-made-trace.ts'
import { localSessionExpiry } from './local-session-expiry.ts'
import { readOnlyMode } from './read-only-mode.ts'

type Events = Parameters<typeof judge>[1]

describe('read-only-mode', () => {
  const check = (events: Events): readonly string[] => judge(({ report }) => readOnlyMode(report), events)
  const none = { kind: 'none' } as const

  test('a read-only connection that refuses a write passes', () => {
    const events = [
      attached(0, { readOnly: true }),
      asked(1, create('/a', 'a')),
      answered(1, z(1), none, 'not-read-only'),
    ]
    expect(check(events)).toEqual([])
  })

  test('a write done on a read-only connection is caught', () => {
    const done = answered(1, z(1), { kind: 'created', path: '/a', stat: null })
    expect(check([attached(0, { readOnly: true }), asked(1, create('/a', 'a')), done])).toHaveLength(1)
  })

  test('a refusal as read-only on a connection that is not is caught', () => {
    const events = [attached(0), asked(1, create('/a', 'a')), answered(1, z(1), none, 'not-read-only')]
    expect(check(events)).toHaveLength(1)
  })

  test('a read-only connection in a calm ensemble is caught', () => {
    const quiet = Array.from({ length: 2100 }, () => server(1, { kind: 'durable', zxid: z(1) }))
    expect(check([{ kind: 'phase', phase: 'calm' }, ...quiet, attached(0, { readOnly: true })])).toHaveLength(1)
  })
})

describe('checkers of local sessions', () => {
  const lifetime = (events: Events): readonly string[] =>
    judge(({ history, report }) => ephemeralLifetime(history, true, report), events)
  const expiry = (events: Events): readonly string[] =>
    judge(({ report }) => localSessionExpiry({ clockRateMax: 1, graceMs: 10, usedTimeoutMsMin: 0 }, report), events)
  const expired = server(1, { kind: 'local-session-ended', sessionId: session, how: 'expired' })

  test('a write of a session that no txn made passes', () => {
    expect(lifetime([applied(1, z(1), [created('/p', 'p', 1)])])).toEqual([])
  })

  test('an ephemeral of a session that no txn made is caught', () => {
    expect(lifetime([applied(1, z(1), [created('/e', 'e', 1, session)])])).toHaveLength(1)
  })

  test('an ephemeral of a session that became global passes', () => {
    const events = [applied(1, z(1), [created('/p', 'p', 1)]), applied(1, z(2), [sessionMade()])]
    expect(lifetime([...events, applied(1, z(3), [created('/e', 'e', 2, session)])])).toEqual([])
  })

  test('a local session that expires before its time is caught', () => {
    expect(expiry([attached(0), expired])).toHaveLength(1)
  })

  test('a local session that expires on a server where it does not live is caught', () => {
    const elsewhere = server(2, { kind: 'local-session-ended', sessionId: session, how: 'expired' })
    const quiet = Array.from({ length: 4100 }, () => server(1, { kind: 'durable', zxid: z(1) }))
    expect(expiry([attached(0), ...quiet, elsewhere])).toHaveLength(1)
  })

  test('an abandoned local session that never expires is caught, unless its server went down', () => {
    const quiet = Array.from({ length: 4100 }, () => server(1, { kind: 'durable', zxid: z(1) }))
    const abandoned = { kind: 'abandoned', sessionId: session } as const
    const calm = { kind: 'phase', phase: 'calm' } as const
    expect(expiry([attached(0), abandoned, calm, ...quiet])).toHaveLength(1)
    const crashed = { kind: 'server-crashed', serverId: 1 as never, how: 'kill' } as const
    expect(expiry([attached(0), abandoned, crashed, calm, ...quiet])).toEqual([])
    const before = { kind: 'phase', phase: 'chaos' } as const
    expect(expiry([before, crashed, attached(0), abandoned, calm, ...quiet])).toEqual([]) // while the answer was on the way
    const closed = { kind: 'closed', connection: 0, by: 'client', reason: 'abandoned' } as const
    expect(expiry([attached(0), closed, abandoned, calm, ...quiet, expired])).toEqual([])
  })
})
