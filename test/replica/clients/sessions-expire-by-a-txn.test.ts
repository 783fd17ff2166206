import { expect, test } from 'vitest'
import type { ConnectionId, ServerId, SessionId } from '../../../src/base/ids.ts'
import { ReplicatedState } from '../../../src/replica/applying/replicated-state.ts'
import { AwaitedOutcomes } from '../../../src/replica/clients/awaited-outcomes.ts'
import { Client } from '../../../src/replica/clients/client.ts'
import { notServing } from '../../../src/replica/clients/serving.ts'
import { Sessions } from '../../../src/replica/clients/sessions.ts'
import { EffectList } from '../../../src/replica/effect-list.ts'
import { SessionIdSource } from '../../../src/sessions/session-id-source.ts'

test('a connection that would close as expired while its session is in the table is an invariant violation', () => {
  const state = new ReplicatedState()
  const closed: string[] = []
  const sessions = new Sessions({
    state,
    effects: new EffectList(),
    awaited: new AwaitedOutcomes(),
    sessionIds: new SessionIdSource(1 as ServerId, 1_700_000_000_000),
    config: {
      minSessionTimeoutMs: 2_000,
      maxSessionTimeoutMs: 20_000,
      tickTimeMs: 1_000,
      localSessionsEnabled: false,
      localSessionsUpgradingEnabled: false,
    },
    serving: () => notServing,
    trace: null,
    close: (connectionId, reason) => closed.push(`${connectionId} ${reason}`),
  })
  const sessionId = 0x0100_0000_0000_0001n as SessionId
  state.sessions.put(sessionId, 6_000)
  sessions.attach(new Client(1 as ConnectionId, '127.0.0.1'), sessionId, 6_000)
  expect(() => sessions.closeConnectionOf(sessionId, 'session-expired')).toThrow('invariant 7')
  state.sessions.remove(sessionId)
  sessions.closeConnectionOf(sessionId, 'session-expired')
  expect(closed).toEqual(['1 session-expired'])
})
