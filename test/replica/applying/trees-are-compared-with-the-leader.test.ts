/**
 * The tree of one server is exchanged for another one at the same zxid, as a fault of memory or of the code would do it.
 * Its followers, or it, must notice at the next heartbeat, whether the ensemble is idle or writes.
 */
import { expect, test } from 'vitest'
import type { Zxid } from '../../../src/base/ids.ts'
import { digestMismatchReminderMs } from '../../../src/base/limits.ts'
import type { PeerMessage } from '../../../src/protocol/peer/peer-message.ts'
import type { Change } from '../../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../../src/sessions/session-table.ts'
import { DataTree } from '../../../src/tree/data-tree.ts'
import { creation } from '../../support/tree-driver.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

type Server = TestEnsemble['leader']

const heartbeatMs = 200

/** As its own tree was, but for one znode that no txn created. */
function corrupt({ state }: Server): void {
  const sessions = new SessionTable()
  const tree = new DataTree(sessions)
  const known = [...state.sessions.entries()]
  const changes: Change[] = known.map(([sessionId, timeoutMs]) => ({ kind: 'create-session', sessionId, timeoutMs }))
  changes.push(creation('/extra', 1))
  tree.applier.apply(state.lastApplied, { timeMs: 1_700_000_000_000, changes }, null)
  state.install({ tree, sessions, lastHash: state.lastHash })
}

const mismatchesOf = ({ metrics }: Server): number => metrics.digest_mismatches_count.value
const reportsOf = ({ errors }: Server): typeof errors => errors.filter(({ event }) => event === 'tree-digest-differs')
const othersThan = (ensemble: TestEnsemble, { id }: Server): readonly Server[] =>
  ensemble.servers.filter((server) => server.id !== id)

function lastHeartbeatTo(ensemble: TestEnsemble, { id }: Server): Extract<PeerMessage, { readonly kind: 'heartbeat' }> {
  const heartbeat = ensemble.sent.findLast(({ to, message }) => to === id && message.kind === 'heartbeat')?.message
  if (heartbeat?.kind !== 'heartbeat') throw new Error('no heartbeat was sent')
  return heartbeat
}

function ensembleWithData(lines: readonly string[] = [], mayStop = false): TestEnsemble {
  const ensemble = new TestEnsemble(3, lines, { mayStop })
  const client = TestClient.attached(ensemble, ensemble.leader.id)
  for (const path of ['/a', '/b', '/c']) client.create(path)
  ensemble.pass(1000)
  return ensemble
}

test('a follower with another tree notices it at the next heartbeat of an idle ensemble, and the other one does not', () => {
  const ensemble = ensembleWithData()
  const { leader, follower } = ensemble
  expect(ensemble.servers.map(mismatchesOf)).toEqual([0, 0, 0])
  corrupt(follower)
  ensemble.pass(heartbeatMs + 50)
  expect(mismatchesOf(follower)).toBe(1)
  expect(othersThan(ensemble, follower).map(mismatchesOf)).toEqual([0, 0])
  expect(reportsOf(follower).map(({ fields }) => fields)).toEqual([
    {
      peerId: leader.id,
      zxid: `0x${leader.state.lastApplied.toString(16)}`,
      digest: follower.state.tree.digest(),
      leaderDigest: leader.state.tree.digest(),
      leftOutCount: 0,
      advice: expect.stringMatching(
        /zkts-cli hash.*move the content of dataDir and dataLogDir away, except myid and zoo.cfg/,
      ),
    },
  ])
  // The same zxid again is the same mismatch.
  ensemble.pass(5 * heartbeatMs)
  expect([mismatchesOf(follower), reportsOf(follower).length]).toEqual([1, 1])
})

test('a mismatch is counted at each zxid that is compared and logged once a minute', () => {
  const ensemble = ensembleWithData()
  const { leader, follower } = ensemble
  corrupt(follower)
  const client = TestClient.attached(ensemble, leader.id)
  for (let i = 0; i < 10; i++) {
    client.create(`/w${i}`)
    ensemble.pass(2 * heartbeatMs)
  }
  expect(mismatchesOf(follower)).toBe(10)
  expect(reportsOf(follower).length).toBe(1)
  ensemble.pass(digestMismatchReminderMs)
  TestClient.attached(ensemble, leader.id).create('/last')
  ensemble.pass(2 * heartbeatMs)
  // Of the ten, and of the ends of the sessions that were idle meanwhile.
  expect(reportsOf(follower)[1]?.fields['leftOutCount']).toBeGreaterThanOrEqual(9)
})

test('both followers notice a leader with another tree, and report one digest of their own', () => {
  const ensemble = ensembleWithData()
  const { leader } = ensemble
  corrupt(leader)
  ensemble.pass(heartbeatMs + 50)
  const followers = othersThan(ensemble, leader)
  expect(mismatchesOf(leader)).toBe(0)
  expect(followers.map(mismatchesOf)).toEqual([1, 1])
  const [first, second] = followers.map((server) => reportsOf(server)[0]!.fields)
  expect(first!['digest']).toBe(second!['digest'])
  expect(first!['leaderDigest']).toBe(leader.state.tree.digest())
})

test('a zxid that the follower has not applied yet is compared once it has, and later ones wait for that', () => {
  const ensemble = ensembleWithData()
  const { leader, follower } = ensemble
  const message = lastHeartbeatTo(ensemble, follower)
  const committed = (follower.state.lastApplied + 2) as Zxid
  const ahead = { ...message, committed, digest: '0000000000000000' }
  ensemble.feed(follower.id, { kind: 'peer-message', peer: leader.id, message: ahead })
  const later = { ...ahead, committed: (committed + 1) as Zxid, digest: '1111111111111111' }
  ensemble.feed(follower.id, { kind: 'peer-message', peer: leader.id, message: later })
  const client = TestClient.attached(ensemble, leader.id)
  expect([follower.state.lastApplied, mismatchesOf(follower)]).toEqual([committed - 1, 0])
  client.create('/late')
  ensemble.run()
  expect([follower.state.lastApplied, mismatchesOf(follower)]).toEqual([committed, 1])
  expect(reportsOf(follower)[0]!.fields).toMatchObject({
    zxid: `0x${committed.toString(16)}`,
    digest: leader.state.tree.digest(),
    leaderDigest: '0000000000000000',
  })
})

test('a follower stops at a mismatch if the configuration says so, and names both trees', () => {
  const ensemble = ensembleWithData(['digest.stopOnMismatch=true'], true)
  const { follower, leader } = ensemble
  corrupt(follower)
  ensemble.pass(heartbeatMs + 50)
  expect(follower.stopReasons).toHaveLength(1)
  expect(follower.stopReasons[0]).toContain(`differs from that of the leader (server ${leader.id})`)
  expect(othersThan(ensemble, follower).flatMap(({ stopReasons }) => stopReasons)).toEqual([])
})

test('with digest.enabled=false no server sends a digest and none compares', () => {
  const ensemble = ensembleWithData(['digest.enabled=false'])
  corrupt(ensemble.follower)
  ensemble.pass(5 * heartbeatMs)
  expect(ensemble.servers.map(mismatchesOf)).toEqual([0, 0, 0])
  const digests = ensemble.sent.flatMap(({ message }) => (message.kind === 'heartbeat' ? [message.digest] : []))
  expect(digests.length).toBeGreaterThan(5)
  expect(new Set(digests)).toEqual(new Set(['']))
})

test('digests of another version are not compared', () => {
  const ensemble = ensembleWithData()
  const { leader, follower } = ensemble
  const wrong = { ...lastHeartbeatTo(ensemble, follower), digest: '0000000000000000' }
  ensemble.feed(follower.id, { kind: 'peer-message', peer: leader.id, message: { ...wrong, digestVersion: 2 } })
  expect(mismatchesOf(follower)).toBe(0)
  ensemble.feed(follower.id, { kind: 'peer-message', peer: leader.id, message: wrong })
  expect(mismatchesOf(follower)).toBe(1)
})

test('servers that restart, join late or change their leader find no mismatch', () => {
  const ensemble = ensembleWithData()
  let counted = 0
  for (let round = 0; round < 6; round++) {
    const { leader } = ensemble
    const id = round % 2 === 0 ? leader.id : ensemble.follower.id
    const others = ensemble.servers.map((server) => server.id).filter((other) => other !== id)
    for (const other of others) ensemble.unlink(Math.min(id, other), Math.max(id, other))
    ensemble.pass(3000)
    const client = TestClient.attached(ensemble, ensemble.leader.id)
    for (let i = 0; i < 20; i++) client.create(`/r${round}-${i}`)
    ensemble.pass(500)
    counted += mismatchesOf(ensemble.servers[id - 1]!)
    ensemble.restart(id)
    for (const other of others) ensemble.link(Math.min(id, other), Math.max(id, other))
    ensemble.pass(3000)
  }
  for (const server of ensemble.servers) counted += mismatchesOf(server)
  expect(counted).toBe(0)
  expect(new Set(ensemble.servers.map(({ state }) => state.tree.digest())).size).toBe(1)
  const digests = ensemble.sent.flatMap(({ message }) => (message.kind === 'heartbeat' ? [message.digest] : []))
  expect(new Set(digests).size).toBeGreaterThan(6)
})
