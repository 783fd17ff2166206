import { expect, test } from 'vitest'
import { campaign, leaderOf } from '../../examples/leader-election.ts'
import type { Lock } from '../../examples/lock.ts'
import { connectWith } from '../../src/client/connect.ts'
import type { Client } from '../../src/client/types.ts'
import { clientPorts } from '../client/client-ports.ts'
import { clientPort, ServerRig, serverHost } from '../support/server-rig.ts'
import { LossyClient } from './lossy-client.ts'

const folder = '/leader'

async function rig() {
  const simulation = new ServerRig()
  await simulation.started()
  const observer = await LossyClient.connected(simulation, '10.0.1.9')
  const open = (host: string) => (): Promise<Client> =>
    connectWith(
      { servers: `${serverHost}:${clientPort}`, sessionTimeoutMs: 6_000 },
      5_000,
      clientPorts(simulation, host),
    )
  return { simulation, zk: observer.zk, open }
}

/** Resolves when the signal aborts, with the error that the leader has to throw. */
function aborted({ signal }: Lock): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)))
}

test('one candidate leads at a time, and an observer sees its name', async () => {
  const { simulation, zk, open } = await rig()
  let leading = 0
  const seen: (string | null)[] = []
  const candidates = ['anna', 'bert', 'carla'].map((name, index) =>
    campaign(open(`10.0.1.${index + 1}`), folder, name, async () => {
      leading++
      expect(leading).toBe(1)
      expect(await leaderOf(zk, folder)).toBe(name)
      seen.push(name)
      leading--
    }),
  )
  await simulation.settle(Promise.all(candidates))
  expect(seen.sort()).toEqual(['anna', 'bert', 'carla'])
  expect(await simulation.settle(leaderOf(zk, folder))).toBe(null)
})

test('a leader whose znode was removed is refused its next write and takes part again', async () => {
  const { simulation, zk, open } = await rig()
  const holds: string[] = []
  const campaigned = campaign(open('10.0.1.1'), folder, 'anna', async (lock) => {
    holds.push(lock.path)
    if (holds.length === 1) await zk.delete(lock.path)
    await lock.write([])
  })
  await simulation.settle(campaigned)
  expect(new Set(holds).size).toBe(2)
})

test('a leader that loses its connection stops and takes part again, and another leads when its session has ended', async () => {
  const { simulation, open } = await rig()
  const leaders: string[] = []
  const lossy = await LossyClient.connected(simulation, '10.0.1.1')
  const openings = [() => Promise.resolve(lossy.zk), open('10.0.1.3')]
  const first = campaign(
    () => openings.shift()!(),
    folder,
    'anna',
    async (lock) => {
      leaders.push('anna')
      if (leaders.length === 1) throw await aborted(lock)
    },
  )
  await simulation.run(1_000)
  const second = campaign(open('10.0.1.2'), folder, 'bert', async () => void leaders.push('bert'))
  await simulation.run(1_000)
  lossy.cutOff()
  await simulation.run(20_000)
  lossy.reconnect()
  await simulation.settle(Promise.all([first, second]))
  expect(leaders).toEqual(['anna', 'bert', 'anna'])
})
