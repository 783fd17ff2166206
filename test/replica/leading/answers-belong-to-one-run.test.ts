import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { TestClient, TestEnsemble } from '../test-ensemble.ts'

/** Three servers; the one that restarts asks as the first thing in each of its runs, so that numbers repeat. */
function ensembleWithLocalSessions(): {
  readonly ensemble: TestEnsemble
  readonly leader: ServerId
  readonly restarted: ServerId
  readonly silent: ServerId
} {
  const ensemble = new TestEnsemble(3, ['localSessionsEnabled=true'])
  const leader = ensemble.leader.id
  const [restarted, silent] = ensemble.servers.map(({ id }) => id).filter((id) => id !== leader)
  return { ensemble, leader, restarted: restarted!, silent: silent! }
}

function comeBack(ensemble: TestEnsemble, id: ServerId): void {
  ensemble.restart(id)
  for (const other of ensemble.servers) {
    if (other.id !== id) ensemble.link(Math.min(id, other.id), Math.max(id, other.id))
  }
}

describe('an answer that waits until its leader is confirmed', () => {
  test('a refusal is not told to the next run of the server that asked', () => {
    const { ensemble, leader, restarted, silent } = ensembleWithLocalSessions()
    const client = TestClient.attached(ensemble, restarted)
    // The round of heartbeats that the refusal waits for is answered by nobody yet.
    ensemble.hold(`${leader}->${restarted}`, `${silent}->${leader}`)
    client.delete('/nothing')
    ensemble.run()
    comeBack(ensemble, restarted)
    ensemble.release(`${leader}->${restarted}`)
    const other = TestClient.attached(ensemble, restarted)
    ensemble.hold(`disk-${leader}`)
    other.create('/a')
    ensemble.pass(500)
    expect(other.hear()).toEqual([])
    ensemble.release(`disk-${leader}`, `${silent}->${leader}`)
    expect(other.hear()).toEqual(['1 ok'])
  })

  test('the end of a session is not told to whoever asks in the next run', () => {
    const { ensemble, leader, restarted, silent } = ensembleWithLocalSessions()
    const elsewhere = TestClient.attached(ensemble, leader)
    ensemble.hold(`${leader}->${restarted}`, `${silent}->${leader}`)
    TestClient.returning(ensemble, restarted, elsewhere) // of which the leader, as such, knows nothing
    ensemble.run()
    comeBack(ensemble, restarted)
    ensemble.release(`${leader}->${restarted}`)
    ensemble.hold(`disk-${leader}`)
    const other = TestClient.attached(ensemble, restarted)
    other.create('/a')
    ensemble.pass(500)
    expect(other.hear()).toEqual([])
    ensemble.release(`disk-${leader}`, `${silent}->${leader}`)
    expect(other.hear()).toEqual(['1 ok'])
  })
})
