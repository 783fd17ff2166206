import { describe, expect, it } from 'vitest'
import type { Client, WatchKind } from '../../src/client/types.ts'
import { encode } from '../../src/jute/record.ts'
import { GetDataReply } from '../../src/protocol/client/replies.ts'
import { ServerRig } from '../support/server-rig.ts'
import { connectedClient } from './client-ports.ts'
import { ScriptedServer, statOf } from './scripted-server.ts'
import { openedClient, VirtualNetwork } from './virtual-network.ts'

async function watched(): Promise<{ zk: Client; heard: string[]; simulation: ServerRig }> {
  const simulation = new ServerRig()
  await simulation.started()
  const zk = await connectedClient(simulation)
  await simulation.settle(zk.create('/a'))
  const heard: string[] = []
  await simulation.settle(zk.getData('/a', { watch: () => heard.push('data') }))
  await simulation.settle(zk.getChildren('/a', { watch: () => heard.push('children') }))
  await simulation.settle(zk.watch('/a', () => heard.push('persistent')))
  await simulation.settle(zk.watch('/a', () => heard.push('recursive'), { recursive: true }))
  return { zk, heard, simulation }
}

describe('removing the watches of a path', () => {
  it.each<[WatchKind, readonly string[]]>([
    ['data', ['persistent', 'persistent', 'children', 'recursive', 'recursive']],
    ['children', ['data', 'persistent', 'persistent', 'recursive', 'recursive']],
    ['persistent', ['data', 'children', 'recursive', 'recursive']],
    ['recursive', ['data', 'persistent', 'persistent', 'children']],
    ['any', []],
  ])('of the kind %s keeps the others', async (kind, wanted) => {
    const { zk, heard, simulation } = await watched()
    await simulation.settle(zk.removeWatches('/a', kind))
    await simulation.settle(zk.setData('/a', null))
    await simulation.settle(zk.create('/a/b'))
    expect([...heard].sort()).toEqual([...wanted].sort())
  })

  it('is refused if there are none', async () => {
    const { zk, simulation } = await watched()
    await expect(simulation.settle(zk.removeWatches('/b'))).rejects.toThrow(/removeWatches \/b: no-watcher/)
  })

  it('without a connection, with isLocalEnough, keeps the client from setting them again', async () => {
    const network = new VirtualNetwork()
    const server = new ScriptedServer(network, 1)
    const client = openedClient(network, 'one:1')
    await network.pass(10)
    void client.getData('/a', { watch: () => undefined })
    await network.pass(10)
    server.reply(server.take().xid, encode(GetDataReply, { data: null, stat: statOf(0) }))
    await network.pass(10)
    server.drop()
    await network.pass(1)
    await client.removeWatches('/a', 'data', { isLocalEnough: true })
    await expect(client.removeWatches('/a', 'data', { isLocalEnough: true })).rejects.toThrow(/no-watcher/)
    await network.pass(150)
    expect([server.connects.length, server.ops()]).toEqual([2, []])
  })
})
