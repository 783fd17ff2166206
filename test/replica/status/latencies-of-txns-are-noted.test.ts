import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import type { Txn } from '../../../src/protocol/txn/txn.ts'
import { decodeTxn, encodeTxn, timeOfTxn } from '../../../src/protocol/txn/txn-codec.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

test.each([0, 1_700_000_000_123, 1_700_000_000_123.5, 2 ** 53 - 1])(
  'the time %d of an encoded txn is read without decoding the rest',
  (timeMs) => {
    const txn: Txn = { timeMs, sessionId: -1n as SessionId, origin: null, isMulti: true, changes: [] }
    const bytes = encodeTxn(txn)
    expect([timeOfTxn(bytes), decodeTxn(bytes).timeMs]).toEqual([timeMs, timeMs])
  },
)

test('a txn that is cut within its time is corruption', () => {
  expect(() => timeOfTxn(Uint8Array.of(9, 1, 2))).toThrow('holds its whole time')
})

test('a follower notes when a proposal came, and every server when it was applied', () => {
  const ensemble = new TestEnsemble(3)
  const { leader } = ensemble
  const client = TestClient.attached(ensemble, leader.id)
  for (const { metrics } of ensemble.servers) {
    metrics.proposal_latency.reset()
    metrics.propagation_latency.reset()
  }
  // The proposal leaves at once and waits 150 ms on its way; the followers learn of the commit 100 ms after that.
  const others = ensemble.servers.filter(({ id }) => id !== leader.id)
  const lanesTo = others.map(({ id }) => `${leader.id}->${id}`)
  ensemble.hold(...lanesTo)
  client.create('/a')
  ensemble.pass(150)
  ensemble.release(...lanesTo)
  ensemble.hold(...lanesTo)
  ensemble.pass(100)
  ensemble.release(...lanesTo)
  ensemble.pass(50)
  expect(leader.metrics.proposal_latency.summary.count).toBe(0)
  expect([leader.metrics.propagation_latency.summary.count, leader.metrics.propagation_latency.summary.max]).toEqual([
    1, 150,
  ])
  for (const { metrics } of others) {
    const { proposal_latency: proposal, propagation_latency: propagation } = metrics
    expect([proposal.summary.count, proposal.summary.max]).toEqual([1, 150])
    expect(propagation.summary.count).toBe(1)
    expect(propagation.summary.max).toBeGreaterThanOrEqual(150)
    expect(propagation.percentile(0.5)).toBe(propagation.summary.max)
  }
})

test('txns of a synchronisation are old and are not noted', () => {
  const ensemble = new TestEnsemble(3)
  const { id } = ensemble.follower
  const client = TestClient.attached(ensemble, ensemble.leader.id)
  const others = ensemble.servers.map((server) => server.id).filter((other) => other !== id)
  for (const other of others) ensemble.unlink(Math.min(id, other), Math.max(id, other))
  for (const path of ['/a', '/b', '/c']) client.create(path)
  ensemble.pass(2_000)
  const { metrics, state } = ensemble.servers[id - 1]!
  metrics.proposal_latency.reset()
  metrics.propagation_latency.reset()
  for (const other of others) ensemble.link(Math.min(id, other), Math.max(id, other))
  ensemble.pass(500)
  expect(state.lastApplied).toBe(ensemble.leader.state.lastApplied)
  expect([metrics.proposal_latency.summary.count, metrics.propagation_latency.summary.count]).toEqual([0, 0])
  client.create('/d')
  ensemble.run()
  expect([metrics.proposal_latency.summary.count, metrics.propagation_latency.summary.count]).toEqual([1, 1])
})
