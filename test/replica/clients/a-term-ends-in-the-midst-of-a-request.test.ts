import { expect, test } from 'vitest'
import { defaultAccess } from '../../../src/auth/access-rules.ts'
import type { ConnectionId, ServerId, SessionId } from '../../../src/base/ids.ts'
import { LineLimiter } from '../../../src/base/line-limiter.ts'
import { asZkts } from '../../../src/config/compatibility.ts'
import { encode } from '../../../src/jute/record.ts'
import { newMetrics } from '../../../src/metrics/server-metrics.ts'
import { type OpName, opOf, ops } from '../../../src/protocol/client/operations.ts'
import { CreateRequest } from '../../../src/protocol/client/requests.ts'
import type { ForwardedRequest } from '../../../src/protocol/peer/peer-message.ts'
import { ReplicatedState } from '../../../src/replica/applying/replicated-state.ts'
import { Clients } from '../../../src/replica/clients/clients.ts'
import type { LeaderRoute } from '../../../src/replica/clients/serving.ts'
import { EffectList } from '../../../src/replica/effect-list.ts'
import { ConfigZnode } from '../../../src/replica/reads/config-znode.ts'
import { SessionIdSource } from '../../../src/sessions/session-id-source.ts'
import { requestRead } from '../../support/conversation.ts'
import { openAcl } from '../../support/leader-harness.ts'
import { silentLog } from '../../support/zab-settings.ts'

const connectionId = 1 as ConnectionId

/** One client with a local session that can become global. */
function attachedClients(route: LeaderRoute): { readonly clients: Clients; readonly effects: EffectList } {
  const effects = new EffectList()
  const sessionTimes = { minSessionTimeoutMs: 2_000, maxSessionTimeoutMs: 20_000, tickTimeMs: 1_000 }
  const clients = new Clients({
    state: new ReplicatedState(),
    effects,
    sessionIds: new SessionIdSource(1 as ServerId, 1_700_000_000_000),
    config: {
      ...sessionTimes,
      localSessionsEnabled: true,
      localSessionsUpgradingEnabled: true,
      linearizableReads: false,
      clientWaitForLeaderMs: 4_000,
      serverId: 1 as ServerId,
      compatibility: asZkts,
      auth: {
        schemes: [],
        digestAlgorithm: 'SHA-1',
        skipsAcl: false,
        superDigest: null,
        ensembleNames: null,
        requiredSchemes: [],
      },
    },
    access: defaultAccess,
    hash: (bytes) => bytes,
    localKey: null,
    configZnode: new ConfigZnode(null),
    keeper: null,
    log: silentLog,
    lines: new LineLimiter(() => 0),
    metrics: newMetrics(),
    trace: null,
  })
  clients.startServing(route, 0, new Set())
  clients.open(connectionId, '127.0.0.1')
  const connect = { kind: 'connect', lastZxidSeen: 0n, timeoutMs: 6_000, sessionId: 0n as SessionId } as const
  clients.receive(connectionId, { ...connect, password: null, canBeReadOnly: false })
  return { clients, effects }
}

// A leader that has used up the zxids of its epoch steps down at the next request.
test('when a term ends while a session becomes global, both go to the next leader, in order', () => {
  const submitted: (OpName | null)[] = []
  const { clients, effects } = attachedClients({
    recordsMoves: true,
    submit({ type }: ForwardedRequest) {
      submitted.push(opOf(type))
      clients.stopServing(0)
    },
    revalidate() {},
  })
  effects.take()
  const body = encode(CreateRequest, { path: '/e', data: null, acl: openAcl, flags: 1 })
  clients.receive(connectionId, requestRead(1, 1, ops.create.opcode, body))
  expect(submitted).toEqual(['createSession'])
  expect(effects.take()).toEqual([])
  const sent: (readonly [OpName | null, number])[] = []
  const submit = ({ type, sequence }: ForwardedRequest): void => void sent.push([opOf(type), sequence])
  clients.startServing({ recordsMoves: true, submit, revalidate() {} }, 0, new Set())
  expect(sent).toEqual([
    ['createSession', 1],
    ['create', 2],
  ])
})
