import { expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import type { SimEvent } from '../sim-event.ts'
import { connectionsOutliveLeader, leaderDies, leaderHandsOver } from './connections-outlive-leader.ts'
import { asked, attached, judge, server, session } from './hand-made-trace.ts'

const check = (events: readonly SimEvent[], keepsClients = true): readonly string[] =>
  judge(({ report }) => connectionsOutliveLeader(keepsClients, report), events)
const cut = server(1, { kind: 'client-cut', sessionId: session, timeoutMs: 6_000, why: 'in-doubt' })

test('when the leader dies, a connection to another server that closes without a cause is caught', () => {
  const dies: readonly SimEvent[] = [
    attached(0, { serverId: 1 }),
    attached(1, { serverId: 2 }),
    { kind: 'fault', text: leaderDies },
    { kind: 'server-crashed', serverId: 2 as ServerId, how: 'kill' },
  ]
  const closed = (connection: number): SimEvent => ({
    kind: 'closed',
    connection,
    by: 'client',
    reason: 'silent server',
  })
  expect(check([...dies, closed(1)])).toEqual([])
  expect(check([...dies, closed(0)])).toHaveLength(1)
  expect(check([...dies, cut, closed(0)])).toEqual([])
  expect(check([...dies, closed(0)], false)).toEqual([])
  expect(check([...dies, asked(1, { kind: 'close-session' }), closed(0)])).toEqual([])
  const [first, ...others] = dies
  expect(check([first!, asked(1, { kind: 'close-session' }), ...others, closed(0)])).toEqual([])
  expect(check([...dies, cut, attached(0, { serverId: 1 }), closed(0)])).toHaveLength(1)
})

test('when the leader hands over, a connection that closes without a cause is caught, at the leader too', () => {
  const begun: readonly SimEvent[] = [attached(0, { serverId: 2 }), { kind: 'fault', text: leaderHandsOver }]
  const closed: SimEvent = { kind: 'closed', connection: 0, by: 'server', reason: 'end' }
  expect(check([...begun, closed])).toHaveLength(1)
  expect(check([...begun, closed], false)).toEqual([])
})
