import { describe, expect, it } from 'vitest'
import type { Client, WatchKind } from '../../src/client/types.ts'
import { encode } from '../../src/jute/record.ts'
import { GetDataReply } from '../../src/protocol/client/replies.ts'
import { ServerRig as World } from '../support/server-rig.ts'
import { connectedClient } from './client-ports.ts'
import { ScriptedServer, statOf } from './scripted-server.ts'
import { openedClient, VirtualWorld } from './virtual-world.ts'

async function watched(): Promise<{ zk: Client; heard: string[]; world: World }> {
  const world = new World()
  await world.started()
  const zk = await connectedClient(world)
  await world.settle(zk.create('/a'))
  const heard: string[] = []
  await world.settle(zk.getData('/a', { watch: () => heard.push('data') }))
  await world.settle(zk.getChildren('/a', { watch: () => heard.push('children') }))
  await world.settle(zk.watch('/a', () => heard.push('persistent')))
  await world.settle(zk.watch('/a', () => heard.push('recursive'), { recursive: true }))
  return { zk, heard, world }
}

describe('removing the watches of a path', () => {
  it.each<[WatchKind, readonly string[]]>([
    ['data', ['persistent', 'persistent', 'children', 'recursive', 'recursive']],
    ['children', ['data', 'persistent', 'persistent', 'recursive', 'recursive']],
    ['persistent', ['data', 'children', 'recursive', 'recursive']],
    ['recursive', ['data', 'persistent', 'persistent', 'children']],
    ['any', []],
  ])('of the kind %s leaves the others', async (kind, wanted) => {
    const { zk, heard, world } = await watched()
    await world.settle(zk.removeWatches('/a', kind))
    await world.settle(zk.setData('/a', null))
    await world.settle(zk.create('/a/b'))
    expect([...heard].sort()).toEqual([...wanted].sort())
  })

  it('is refused where there are none', async () => {
    const { zk, world } = await watched()
    await expect(world.settle(zk.removeWatches('/b'))).rejects.toThrow(/removeWatches \/b: no-watcher/)
  })

  it('without a connection forgets them if that is enough, so that they are not set again', async () => {
    const world = new VirtualWorld()
    const server = new ScriptedServer(world, 1)
    const client = openedClient(world, 'one:1')
    await world.pass(10)
    void client.getData('/a', { watch: () => undefined })
    await world.pass(10)
    server.reply(server.take().xid, encode(GetDataReply, { data: null, stat: statOf(0) }))
    await world.pass(10)
    server.drop()
    await world.pass(1)
    await client.removeWatches('/a', 'data', { isLocalEnough: true })
    await expect(client.removeWatches('/a', 'data', { isLocalEnough: true })).rejects.toThrow(/no-watcher/)
    await world.pass(150)
    expect([server.connects.length, server.ops()]).toEqual([2, []])
  })
})
