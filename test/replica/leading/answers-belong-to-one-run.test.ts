import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

/** Three servers. `restarted` sends a request first in each of its runs, so that its sequence numbers repeat. */
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
  test('a refusal is not sent to the next run of the server that sent the request', () => {
    const { ensemble, leader, restarted, silent } = ensembleWithLocalSessions()
    const client = TestClient.attached(ensemble, restarted)
    // No server answers the heartbeats that the refusal waits for yet.
    ensemble.hold(`${leader}->${restarted}`, `${silent}->${leader}`)
    client.delete('/nothing')
    ensemble.run()
    comeBack(ensemble, restarted)
    ensemble.release(`${leader}->${restarted}`)
    const other = TestClient.attached(ensemble, restarted)
    ensemble.hold(`disk-${leader}`)
    other.create('/a')
    ensemble.pass(500)
    expect(other.takeOutputs()).toEqual([])
    ensemble.release(`disk-${leader}`, `${silent}->${leader}`)
    expect(other.takeOutputs()).toEqual(['1 ok'])
  })

  test('the end of a session is not sent to another client of the next run', () => {
    const { ensemble, leader, restarted, silent } = ensembleWithLocalSessions()
    const elsewhere = TestClient.attached(ensemble, leader)
    ensemble.hold(`${leader}->${restarted}`, `${silent}->${leader}`)
    TestClient.returning(ensemble, restarted, elsewhere) // a local session, which the leader does not know
    ensemble.run()
    comeBack(ensemble, restarted)
    ensemble.release(`${leader}->${restarted}`)
    ensemble.hold(`disk-${leader}`)
    const other = TestClient.attached(ensemble, restarted)
    other.create('/a')
    ensemble.pass(500)
    expect(other.takeOutputs()).toEqual([])
    ensemble.release(`disk-${leader}`, `${silent}->${leader}`)
    expect(other.takeOutputs()).toEqual(['1 ok'])
  })
})
