/**
 * A leader that hands over keeps its clients, and so do the other servers. While it waits for its successor it decides nothing:
 * a request that comes meanwhile is decided once, by the successor, or by itself if the hand-over fails.
 */
import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { handOverLimitMs } from '../../../src/base/limits.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

interface Three {
  readonly ensemble: TestEnsemble
  readonly leader: ServerId
  readonly successor: ServerId
  readonly other: ServerId
}

function three(configLines: readonly string[] = []): Three {
  const ensemble = new TestEnsemble(3, configLines)
  const leader = ensemble.leader.id
  const [successor, other] = ensemble.servers.map(({ id }) => id).filter((id) => id !== leader)
  return { ensemble, leader, successor: successor!, other: other! }
}

/** The successor lacks a write, so the hand-over waits until its disk is released. */
function beginHandOver({ ensemble, leader, successor, other }: Three): void {
  ensemble.hold(`disk-${successor}`)
  const writer = TestClient.attached(ensemble, other)
  writer.create('/before')
  ensemble.run()
  ensemble.feed(leader, { kind: 'hand-over', to: successor })
  ensemble.run()
  expect(ensemble.handOverEnds).toEqual([])
}

function versionsOf({ ensemble }: Three, path: string): readonly (number | null)[] {
  return ensemble.servers.map(({ state }) => state.tree.view(path)?.version ?? null)
}

describe('a leader that hands over', () => {
  test('leaves to its successor what clients of any server ask meanwhile', () => {
    const all = three()
    const { ensemble, leader, successor, other } = all
    const clients = [leader, successor, other].map((id) => TestClient.attached(ensemble, id))
    const watcher = TestClient.attached(ensemble, leader)
    watcher.exists('/at0', true)
    watcher.takeOutputs()
    beginHandOver(all)
    for (const [i, client] of clients.entries()) {
      client.create(`/at${i}`)
      client.setData(`/at${i}`)
      client.setData('/missing')
      client.sync()
      client.exists(`/at${i}`)
    }
    const fresh = new TestClient(ensemble, leader)
    fresh.connect({})
    ensemble.run()
    for (const client of [...clients, fresh]) expect(client.takeOutputs()).toEqual([])
    ensemble.release(`disk-${successor}`)
    ensemble.run()
    expect(ensemble.handOverEnds).toEqual([{ at: leader, to: successor, problem: null }])
    expect(ensemble.leader.id).toBe(successor)
    for (const client of clients) expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '3 no-node', '4 ok', '5 ok'])
    expect(watcher.takeOutputs()).toEqual(['created /at0'])
    expect(fresh.takeOutputs()).toEqual(['session for 6000 ms'])
    for (const i of [0, 1, 2]) expect(versionsOf(all, `/at${i}`)).toEqual([1, 1, 1])
  })

  test('answers reads meanwhile, since no other server leads yet', () => {
    const all = three()
    const { ensemble, leader, successor } = all
    const reader = TestClient.attached(ensemble, leader)
    beginHandOver(all)
    reader.exists('/before')
    expect(reader.takeOutputs()).toEqual(['1 ok'])
    ensemble.release(`disk-${successor}`)
  })

  test('decides the waiting requests itself, in order, if the hand-over fails', () => {
    const all = three()
    const { ensemble, leader, other, successor } = all
    const [own, remote] = [TestClient.attached(ensemble, leader), TestClient.attached(ensemble, other)]
    const moving = TestClient.attached(ensemble, other)
    beginHandOver(all)
    for (const [i, client] of [own, remote].entries()) {
      client.setData('/missing')
      client.create(`/at${i}`)
      client.setData(`/at${i}`)
      client.sync()
    }
    const back = TestClient.returning(ensemble, leader, moving)
    ensemble.pass(handOverLimitMs - 100)
    expect(own.takeOutputs()).toEqual([])
    ensemble.pass(200)
    const problem = `server ${successor} did not answer and catch up within ${handOverLimitMs} ms`
    expect(ensemble.handOverEnds).toEqual([{ at: leader, to: successor, problem }])
    expect(ensemble.leader.id).toBe(leader)
    expect(own.takeOutputs()).toEqual(['1 no-node', '2 ok', '3 ok', '4 ok'])
    expect(remote.takeOutputs()).toEqual(['1 no-node', '2 ok', '3 ok', '4 ok'])
    expect(moving.takeOutputs()).toEqual(['closed session-moved'])
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
    ensemble.release(`disk-${successor}`)
    for (const i of [0, 1]) expect(versionsOf(all, `/at${i}`)).toEqual([1, 1, 1])
  })

  test('drops a waiting request whose server has begun to follow again, and decides it as it is sent again', () => {
    const all = three()
    const { ensemble, leader, other, successor } = all
    const remote = TestClient.attached(ensemble, other)
    beginHandOver(all)
    remote.create('/a')
    remote.setData('/a')
    ensemble.run()
    ensemble.unlink(Math.min(leader, other), Math.max(leader, other))
    ensemble.link(Math.min(leader, other), Math.max(leader, other))
    ensemble.pass(handOverLimitMs + 200)
    expect(remote.takeOutputs()).toEqual(['1 ok', '2 ok'])
    ensemble.release(`disk-${successor}`)
    ensemble.pass(200)
    expect(versionsOf(all, '/a')).toEqual([1, 1, 1])
  })

  test('decides nothing that waited for a confirmation, so that the order of a session stays', () => {
    const all = three()
    const { ensemble, leader, other, successor } = all
    const client = TestClient.attached(ensemble, leader)
    client.create('/a')
    ensemble.run()
    client.takeOutputs()
    ensemble.hold(`${other}->${leader}`, `${successor}->${leader}`) // no server confirms
    client.setData('/missing')
    client.setData('/a')
    ensemble.run()
    ensemble.feed(leader, { kind: 'hand-over', to: null })
    client.setData('/a')
    ensemble.release(`${other}->${leader}`, `${successor}->${leader}`)
    ensemble.pass(200)
    expect(ensemble.leader.id).not.toBe(leader)
    expect(client.takeOutputs()).toEqual(['2 no-node', '3 ok', '4 ok'])
    expect(versionsOf(all, '/a')).toEqual([2, 2, 2])
  })

  test('expires no session meanwhile', () => {
    const all = three()
    const { ensemble, leader, successor } = all
    const short = TestClient.attached(ensemble, leader, 2_000)
    short.create('/e', 1)
    ensemble.run()
    short.disconnect()
    ensemble.pass(1_500)
    beginHandOver(all)
    ensemble.pass(handOverLimitMs - 100)
    expect(versionsOf(all, '/e')[leader - 1]).toBe(0)
    ensemble.release(`disk-${successor}`)
    ensemble.pass(500)
    expect(ensemble.leader.id).toBe(successor)
    expect(versionsOf(all, '/e')).toEqual([0, 0, 0]) // its timeout runs from the start
    ensemble.pass(4_000)
    expect(versionsOf(all, '/e')).toEqual([null, null, null])
  })

  test('answers at once if there is no server to hand over to', () => {
    const { ensemble, leader, other } = three()
    ensemble.feed(leader, { kind: 'hand-over', to: leader })
    ensemble.feed(other, { kind: 'hand-over', to: other }) // it asks the leader
    expect(ensemble.handOverEnds).toEqual([
      { at: leader, to: leader, problem: `server ${leader} leads already` },
      { at: other, to: other, problem: null },
    ])
    ensemble.run()
    expect(ensemble.leader.id).toBe(other)
    const alone = new TestEnsemble(1)
    alone.feed(1, { kind: 'hand-over', to: null })
    expect(alone.handOverEnds).toEqual([{ at: 1, to: null, problem: 'there is no other voter' }])
  })
})
