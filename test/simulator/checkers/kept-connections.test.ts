import { expect, test } from 'vitest'
import type { Epoch, ServerId } from '../../../src/base/ids.ts'
import type { CutReason } from '../../../src/replica/trace-event.ts'
import type { SimEvent } from '../sim-event.ts'
import { applied, asked, attached, judge, server, session, z } from './hand-made-trace.ts'
import { keptConnections } from './kept-connections.ts'

// One event every millisecond.
const check = (events: readonly SimEvent[], waitMsMax = 10): readonly string[] =>
  judge(({ report }) => keptConnections({ clockRateMax: 1, waitMsMax, pauseStepMsMax: 5 }, report), events)

function role(to: 'looking' | 'following'): SimEvent {
  return server(1, { kind: 'role-changed', role: to, epoch: 1 as Epoch })
}

function cut(why: CutReason, timeoutMs = 6_000): SimEvent {
  return server(1, { kind: 'client-cut', sessionId: session, timeoutMs, why })
}

const idle = Array.from({ length: 12 }, () => server(1, { kind: 'durable', zxid: z(1) }))
const installed = server(1, { kind: 'installed', zxid: z(1), digest: '' })

test('a connection that is cut after the longest wait, or after a third of its timeout, passes', () => {
  expect(check([role('following'), role('looking'), ...idle, cut('waited')])).toEqual([])
  expect(check([role('following'), role('looking'), ...idle.slice(0, 3), cut('waited', 9)])).toEqual([])
})

test('a connection that is cut early is caught, also if its server had looked before and found a leader', () => {
  expect(check([role('following'), role('looking'), cut('waited')])).toHaveLength(1)
  const before = [role('following'), role('looking'), ...idle, role('following'), role('looking')]
  expect(check([...before, cut('waited')])).toHaveLength(1)
})

test('a pause during the wait may count for one step of it, and an earlier one counts for nothing', () => {
  const resumed = { kind: 'server-paused', serverId: 1 as ServerId, isPaused: false } as const
  const lost = (waitCount: number): readonly SimEvent[] => [
    role('following'),
    resumed,
    role('looking'),
    ...idle.slice(0, waitCount),
    cut('waited'),
  ]
  expect(check(lost(6), 10)).toHaveLength(1)
  expect(check([...lost(1).slice(0, 3), resumed, ...idle.slice(0, 4), cut('waited')], 10)).toEqual([])
})

test('failed attempts to follow do not begin the wait again', () => {
  expect(check([role('following'), role('looking'), ...idle, role('looking'), cut('waited')])).toEqual([])
})

test('only a server that keeps no clients may cut them at once', () => {
  expect(check([role('following'), cut('not-kept')], 0)).toEqual([])
  expect(check([role('following'), cut('not-kept')])).toHaveLength(1)
})

test('a connection that is cut for a copy of the state needs the copy', () => {
  expect(check([role('following'), role('looking'), cut('replaced'), cut('replaced'), installed])).toEqual([])
  expect(check([role('following'), role('looking'), cut('replaced'), role('following')])).toHaveLength(1)
})

test('a request can be in doubt only if a later one is under way too', () => {
  const events = [attached(0), applied(1, z(1), []), asked(1, { kind: 'ping' })]
  expect(check([...events, cut('in-doubt')])).toHaveLength(1)
  expect(check([...events, asked(2, { kind: 'ping' }), cut('in-doubt')])).toEqual([])
  expect(check([...events, { kind: 'closed', connection: 0, by: 'client', reason: '' }, cut('in-doubt')])).toEqual([])
})
