import { describe, expect, test } from 'vitest'
import { closingAnswersMsMax } from '../../src/base/limits.ts'
import { connectFrame } from '../support/conversation.ts'
import { createFrame, existsFrame, getDataFrame } from '../support/requests.ts'
import { configOf, ensembleConfig, ServerRig, standaloneConfig } from '../support/server-rig.ts'

async function failureOf(rig: ServerRig, start: Promise<{ ok: boolean; error?: unknown }>) {
  const outcome = await rig.settle(start)
  expect(outcome.ok).toBe(false)
  return outcome.error as { readonly kind: string; readonly message: string }
}

describe('starting a server', () => {
  test('a restarted server has what it acknowledged', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    const first = await rig.started(standaloneConfig(), disk)
    const writer = await rig.connect()
    writer.send(connectFrame(), createFrame(1, '/a', 'kept'))
    await rig.run(100)
    await rig.settle(first.close())
    await rig.started(standaloneConfig(), disk)
    const reader = await rig.connect()
    reader.send(connectFrame(), getDataFrame(1, '/a'))
    await rig.run(100)
    expect(reader.replies()[0]!.error).toBe(0)
    expect(new TextDecoder().decode(reader.replies()[0]!.body.subarray(4, 8))).toBe('kept')
  })

  test('a client port in use stops the start and says which setting to change', async () => {
    const rig = new ServerRig()
    await rig.started()
    const disk = rig.disk(2)
    const { server } = rig.server(configOf('dataDir=/data\nclientPort=2181\nclientPortAddress=10.0.0.1', null), disk)
    const failure = await failureOf(rig, server.start())
    expect(failure.kind).toBe('port')
    expect(failure.message).toMatch(/^clientPort: cannot listen on 10\.0\.0\.1:2181: another process uses this port/)
    // The server has released the folder: it can be locked again.
    await rig.settle(disk.lock('/data/wal'))
  })

  test('a machine that cannot compute the hash of the digest scheme stops the start, before a client needs it', async () => {
    const rig = new ServerRig()
    rig.offersHashes = false
    const text = 'dataDir=/data\nclientPort=2181\nDigestAuthenticationProvider.digestAlg=MD5'
    const failure = await failureOf(rig, rig.server(configOf(text, null)).server.start())
    expect(failure.kind).toBe('hash')
    expect(failure.message).toMatch(/^DigestAuthenticationProvider\.digestAlg: this machine does not offer MD5;/)
  })

  test('a quorum port in use names the server line', async () => {
    const rig = new ServerRig()
    const config = ensembleConfig(1)
    const other = { ...config, clientAddress: { ...config.clientAddress, port: 2182 } }
    const [first, second] = [rig.server(config), rig.server(other, rig.disk(2))]
    expect((await rig.settle(first.server.start())).ok).toBe(true)
    const failure = await failureOf(rig, second.server.start())
    expect(failure.message).toMatch(/^server\.1: cannot listen on 10\.0\.0\.1:2888/)
  })

  test('a data folder that a live server holds is refused', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    await rig.started(standaloneConfig(), disk)
    const failure = await failureOf(rig, rig.server(standaloneConfig(), disk).server.start())
    expect(failure).toMatchObject({ kind: 'locked', message: expect.stringContaining('/data/wal') })
  })

  test('a data folder that cannot be read is refused as a fault of the disk', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    await rig.settle((await rig.started(standaloneConfig(), disk)).close())
    disk.faults.readFails = true
    expect(await failureOf(rig, rig.server(standaloneConfig(), disk).server.start())).toMatchObject({ kind: 'io' })
  })

  test('a server does not start with an empty tree beside data of Apache ZooKeeper', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    await rig.settle(disk.makeFolder('/data/version-2'))
    await rig.settle(disk.open('/data/version-2/snapshot.0', 'create-new'))
    const failure = await failureOf(rig, rig.server(standaloneConfig(), disk).server.start())
    expect(failure).toMatchObject({ kind: 'foreign', message: expect.stringContaining('/data/version-2') })
  })

  test('the data folder of another server is refused', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    await rig.settle((await rig.started(standaloneConfig(), disk)).close())
    const other = rig.server(ensembleConfig(2), disk, '10.0.0.2')
    expect(await failureOf(rig, other.server.start())).toMatchObject({ kind: 'foreign' })
  })
})

describe('stopping a server', () => {
  test('a server that is closed closes its clients and resolves its stopped promise', async () => {
    const rig = new ServerRig()
    const server = await rig.started()
    const client = await rig.connect()
    client.send(connectFrame())
    await rig.run(50)
    await rig.settle(server.close())
    expect(await rig.settle(server.stopped)).toBe('closed')
    await rig.run(10)
    expect(client.isClosed).toBe(true)
    await expect(rig.connect()).rejects.toThrow('ECONNREFUSED')
  })

  test('a client that does not take its answers keeps a server from closing for closingAnswersMsMax at most', async () => {
    const rig = new ServerRig()
    const server = await rig.started()
    const client = await rig.connect()
    client.send(connectFrame(), createFrame(1, '/big', new Uint8Array(900_000)))
    await rig.run(100)
    client.stream.pause()
    client.send(getDataFrame(2, '/big'))
    await rig.run(100)
    const before = rig.scheduler.nowUs
    await rig.settle(server.close())
    expect((rig.scheduler.nowUs - before) / 1000).toBeLessThan(closingAnswersMsMax + 200)
  })

  test('a flush that fails stops the server, and the write is not acknowledged', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    const server = await rig.started(standaloneConfig(), disk)
    const client = await rig.connect()
    client.send(connectFrame())
    await rig.run(50)
    disk.faults.flushFails = true
    client.send(createFrame(1, '/a'))
    expect(await rig.settle(server.stopped)).toContain('EIO')
    await rig.run(10)
    expect(client.replies()).toEqual([])
    expect(client.isClosed).toBe(true)
    expect(rig.events('server-must-stop')).toHaveLength(1)
  })
})

describe('an ensemble of three', () => {
  async function startEnsemble(rig: ServerRig, firstId = 1) {
    const ids = [firstId, firstId + 1, firstId + 2]
    const servers = ids.map((id) => rig.server(ensembleConfig(id, 3, firstId), rig.disk(id), `10.0.0.${id}`))
    for (const { server } of servers) {
      const started = await rig.settle(server.start())
      expect(started.ok).toBe(true)
    }
    await rig.run(1000)
    return servers
  }

  async function modeOf(rig: ServerRig, host: string): Promise<string> {
    const text = await rig.ask('srvr', host)
    return /Mode: (\w+)/.exec(text)?.[1] ?? text
  }

  test('three servers elect one leader and serve through each', async () => {
    const rig = new ServerRig()
    await startEnsemble(rig)
    const modes = [await modeOf(rig, '10.0.0.1'), await modeOf(rig, '10.0.0.2'), await modeOf(rig, '10.0.0.3')]
    expect(modes.sort()).toEqual(['follower', 'follower', 'leader'])
    const [writer, reader] = [await rig.connect('10.0.1.1', '10.0.0.1'), await rig.connect('10.0.1.1', '10.0.0.2')]
    writer.send(connectFrame(), createFrame(1, '/a'))
    reader.send(connectFrame())
    await rig.run(200)
    reader.send(existsFrame(1, '/a'))
    await rig.run(50)
    expect([writer.replies()[0]!.error, reader.replies()[0]!.error]).toEqual([0, 0])
  })

  test('server 0 serves, and leads when it is the only voter', async () => {
    const rig = new ServerRig()
    const servers = await startEnsemble(rig, 0)
    const writer = await rig.connect('10.0.1.1', '10.0.0.0')
    writer.send(connectFrame(), createFrame(1, '/a'))
    await rig.run(200)
    expect(writer.replies()[0]!.error).toBe(0)
    expect(await modeOf(rig, '10.0.0.0')).toBe('follower')
    for (const { server } of servers) await rig.settle(server.close())

    // As the only voter it accepts epochs that it proposed itself, and recovers them from its log.
    const disk = rig.disk(9)
    for (const _start of [1, 2]) {
      const { server } = rig.server(ensembleConfig(0, 1, 0), disk, '10.0.0.0')
      expect((await rig.settle(server.start())).ok).toBe(true)
      await rig.run(500)
      const client = await rig.connect('10.0.1.1', '10.0.0.0')
      client.send(connectFrame(), createFrame(1, '/b'))
      await rig.run(200)
      expect(await modeOf(rig, '10.0.0.0')).toBe('leader')
      expect(client.replies()).toHaveLength(1)
      await rig.settle(server.close())
    }
  })

  test('the other servers elect a leader when theirs closes', async () => {
    const rig = new ServerRig()
    const servers = await startEnsemble(rig)
    await rig.settle(servers[2]!.server.close())
    await rig.run(500)
    expect([await modeOf(rig, '10.0.0.1'), await modeOf(rig, '10.0.0.2')].sort()).toEqual(['follower', 'leader'])
  })

  test('a server without a quorum answers four-letter words and closes clients', async () => {
    const rig = new ServerRig()
    const { server } = rig.server(ensembleConfig(1))
    await rig.settle(server.start())
    await rig.run(500)
    expect(await modeOf(rig, '10.0.0.1')).toBe('This ZooKeeper instance is not currently serving requests\n')
    const client = await rig.connect()
    client.send(connectFrame())
    await rig.run(50)
    expect([client.isClosed, client.received.length]).toEqual([true, 0])
  })
})
