import { describe, expect, test } from 'vitest'
import { connectFrame, textBytes } from '../support/conversation.ts'
import { createFrame, existsFrame, getDataFrame } from '../support/requests.ts'
import { configOf, ensembleConfig, standaloneConfig, World } from '../support/server-rig.ts'

async function failureOf(world: World, start: Promise<{ ok: boolean; error?: unknown }>) {
  const outcome = await world.settle(start)
  expect(outcome.ok).toBe(false)
  return outcome.error as { readonly kind: string; readonly message: string }
}

describe('starting a server', () => {
  test('a restarted server has what it acknowledged', async () => {
    const world = new World()
    const disk = world.disk()
    const first = await world.started(standaloneConfig(), disk)
    const writer = await world.connect()
    writer.send(connectFrame(), createFrame(1, '/a', 'kept'))
    await world.run(100)
    await world.settle(first.close())
    await world.started(standaloneConfig(), disk)
    const reader = await world.connect()
    reader.send(connectFrame(), getDataFrame(1, '/a'))
    await world.run(100)
    expect(reader.replies()[0]!.error).toBe(0)
    expect(new TextDecoder().decode(reader.replies()[0]!.body.subarray(4, 8))).toBe('kept')
  })

  test('a client port in use stops the start and says which setting to change', async () => {
    const world = new World()
    await world.started()
    const disk = world.disk(2)
    const { server } = world.server(configOf('dataDir=/data\nclientPort=2181\nclientPortAddress=10.0.0.1', null), disk)
    const failure = await failureOf(world, server.start())
    expect(failure.kind).toBe('port')
    expect(failure.message).toMatch(/^clientPort: cannot listen on 10\.0\.0\.1:2181: another process uses this port/)
    // Nothing is left behind: the folder can be locked again.
    await world.settle(disk.lock('/data/wal'))
  })

  test('a machine that does not compute the hash of the digest scheme is named before a client needs it', async () => {
    const world = new World()
    world.offersHashes = false
    const text = 'dataDir=/data\nclientPort=2181\nDigestAuthenticationProvider.digestAlg=MD5'
    const failure = await failureOf(world, world.server(configOf(text, null)).server.start())
    expect(failure.kind).toBe('hash')
    expect(failure.message).toMatch(/^DigestAuthenticationProvider\.digestAlg: this machine does not offer MD5;/)
  })

  test('a quorum port in use names the server line', async () => {
    const world = new World()
    const config = ensembleConfig(1)
    const [first, second] = [world.server(config), world.server(config, world.disk(2))]
    expect((await world.settle(first.server.start())).ok).toBe(true)
    const failure = await failureOf(world, second.server.start())
    expect(failure.message).toMatch(/^server\.1: cannot listen on 10\.0\.0\.1:2888/)
  })

  test('a data folder that a live server holds is refused', async () => {
    const world = new World()
    const disk = world.disk()
    await world.started(standaloneConfig(), disk)
    const failure = await failureOf(world, world.server(standaloneConfig(), disk).server.start())
    expect(failure).toMatchObject({ kind: 'locked', message: expect.stringContaining('/data/wal') })
  })

  test('a data folder that cannot be read is refused as a fault of the disk', async () => {
    const world = new World()
    const disk = world.disk()
    await world.settle((await world.started(standaloneConfig(), disk)).close())
    disk.faults.readFails = true
    expect(await failureOf(world, world.server(standaloneConfig(), disk).server.start())).toMatchObject({ kind: 'io' })
  })

  test('data of Apache ZooKeeper is not hidden behind an empty tree', async () => {
    const world = new World()
    const disk = world.disk()
    await world.settle(disk.makeFolder('/data/version-2'))
    await world.settle(disk.open('/data/version-2/snapshot.0', 'create-new'))
    const failure = await failureOf(world, world.server(standaloneConfig(), disk).server.start())
    expect(failure).toMatchObject({ kind: 'foreign', message: expect.stringContaining('/data/version-2') })
  })

  test('the data folder of another server is refused', async () => {
    const world = new World()
    const disk = world.disk()
    await world.settle((await world.started(standaloneConfig(), disk)).close())
    const other = world.server(ensembleConfig(2), disk, '10.0.0.2')
    expect(await failureOf(world, other.server.start())).toMatchObject({ kind: 'foreign' })
  })
})

describe('stopping a server', () => {
  test('a closed server says goodbye to its clients and tells who waits for its end', async () => {
    const world = new World()
    const server = await world.started()
    const client = await world.connect()
    client.send(connectFrame())
    await world.run(50)
    await world.settle(server.close())
    expect(await world.settle(server.stopped)).toBe('closed')
    await world.run(10)
    expect(client.isClosed).toBe(true)
    await expect(world.connect()).rejects.toThrow('ECONNREFUSED')
  })

  test('a client that does not hang up cannot keep a server from closing', async () => {
    const world = new World()
    const server = await world.started()
    const client = await world.connect()
    client.send(connectFrame(), createFrame(1, '/big', new Uint8Array(900_000)))
    await world.run(100)
    client.stream.pause()
    client.send(getDataFrame(2, '/big'))
    await world.run(100)
    const before = world.scheduler.nowUs
    await world.settle(server.close())
    expect((world.scheduler.nowUs - before) / 1000).toBeLessThan(1000)
  })

  test('a flush that fails stops the server, and the write is not acknowledged', async () => {
    const world = new World()
    const disk = world.disk()
    const server = await world.started(standaloneConfig(), disk)
    const client = await world.connect()
    client.send(connectFrame())
    await world.run(50)
    disk.faults.flushFails = true
    client.send(createFrame(1, '/a'))
    expect(await world.settle(server.stopped)).toContain('EIO')
    await world.run(10)
    expect(client.replies()).toEqual([])
    expect(client.isClosed).toBe(true)
    expect(world.events('server-must-stop')).toHaveLength(1)
  })
})

describe('an ensemble of three', () => {
  async function startEnsemble(world: World, firstId = 1) {
    const ids = [firstId, firstId + 1, firstId + 2]
    const servers = ids.map((id) => world.server(ensembleConfig(id, 3, firstId), world.disk(id), `10.0.0.${id}`))
    for (const { server } of servers) {
      const started = await world.settle(server.start())
      expect(started.ok).toBe(true)
    }
    await world.run(1000)
    return servers
  }

  async function modeOf(world: World, host: string): Promise<string> {
    const client = await world.connect('10.0.1.9', host)
    client.send(textBytes('srvr'))
    await world.run(50)
    return /Mode: (\w+)/.exec(client.text)?.[1] ?? client.text
  }

  test('three servers elect one leader and serve through each', async () => {
    const world = new World()
    await startEnsemble(world)
    const modes = [await modeOf(world, '10.0.0.1'), await modeOf(world, '10.0.0.2'), await modeOf(world, '10.0.0.3')]
    expect(modes.sort()).toEqual(['follower', 'follower', 'leader'])
    const [writer, reader] = [await world.connect('10.0.1.1', '10.0.0.1'), await world.connect('10.0.1.1', '10.0.0.2')]
    writer.send(connectFrame(), createFrame(1, '/a'))
    reader.send(connectFrame())
    await world.run(200)
    reader.send(existsFrame(1, '/a'))
    await world.run(50)
    expect([writer.replies()[0]!.error, reader.replies()[0]!.error]).toEqual([0, 0])
  })

  test('server 0 serves, and leads when it is the one that may', async () => {
    const world = new World()
    const servers = await startEnsemble(world, 0)
    const writer = await world.connect('10.0.1.1', '10.0.0.0')
    writer.send(connectFrame(), createFrame(1, '/a'))
    await world.run(200)
    expect(writer.replies()[0]!.error).toBe(0)
    expect(await modeOf(world, '10.0.0.0')).toBe('follower')
    for (const { server } of servers) await world.settle(server.close())

    // Alone in its ensemble it accepts epochs of its own, and finds them again in its log.
    const disk = world.disk(9)
    for (const _start of [1, 2]) {
      const { server } = world.server(ensembleConfig(0, 1, 0), disk, '10.0.0.0')
      expect((await world.settle(server.start())).ok).toBe(true)
      await world.run(500)
      const client = await world.connect('10.0.1.1', '10.0.0.0')
      client.send(connectFrame(), createFrame(1, '/b'))
      await world.run(200)
      expect(await modeOf(world, '10.0.0.0')).toBe('leader')
      expect(client.replies()).toHaveLength(1)
      await world.settle(server.close())
    }
  })

  test('the others go on when the leader closes', async () => {
    const world = new World()
    const servers = await startEnsemble(world)
    await world.settle(servers[2]!.server.close())
    await world.run(500)
    expect([await modeOf(world, '10.0.0.1'), await modeOf(world, '10.0.0.2')].sort()).toEqual(['follower', 'leader'])
  })

  test('a server without a quorum answers four-letter words and closes clients', async () => {
    const world = new World()
    const { server } = world.server(ensembleConfig(1))
    await world.settle(server.start())
    await world.run(500)
    expect(await modeOf(world, '10.0.0.1')).toBe('This ZooKeeper instance is not currently serving requests\n')
    const client = await world.connect()
    client.send(connectFrame())
    await world.run(50)
    expect([client.isClosed, client.received.length]).toEqual([true, 0])
  })
})
