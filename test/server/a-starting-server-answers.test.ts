import { expect, test } from 'vitest'
import { connectFrame, textBytes } from '../support/conversation.ts'
import { type ServerRig as Rig, ServerRig, standaloneConfig } from '../support/server-rig.ts'

/** A server that is reading its data until `proceed` is called. */
async function starting(lines: readonly string[] = []) {
  const rig = new ServerRig()
  const proceed = rig.holdReading()
  const { server } = rig.server(standaloneConfig(lines))
  const started = server.start()
  await rig.run(1000)
  return { rig, server, started, proceed }
}

async function answerTo(rig: Rig, word: string): Promise<string> {
  const client = await rig.connect('10.0.1.9')
  client.send(textBytes(word))
  await rig.run(50)
  expect(client.isClosed).toBe(true)
  return client.text
}

test('a server that reads its data answers whether it runs, and that it does not serve', async () => {
  const { rig, started, proceed } = await starting()
  expect(await answerTo(rig, 'ruok')).toBe('imok')
  expect(await answerTo(rig, 'isro')).toBe('null')
  expect(await answerTo(rig, 'srvr')).toBe('This ZooKeeper instance is not currently serving requests\n')
  expect(await answerTo(rig, 'dump')).toBe('dump is not executed because it is not in the whitelist.\n')
  proceed()
  expect((await rig.settle(started)).ok).toBe(true)
  await rig.run(100)
  expect(await answerTo(rig, 'srvr')).toContain('Mode: standalone')
})

test('a client that wants a session is disconnected while the server reads its data', async () => {
  const { rig, started, proceed } = await starting()
  const early = await rig.connect()
  early.send(connectFrame())
  await rig.run(50)
  expect([early.isClosed, early.received.length]).toEqual([true, 0])
  proceed()
  await rig.settle(started)
  await rig.run(100)
  const late = await rig.connect()
  late.send(connectFrame())
  await rig.run(50)
  expect(late.frames()).toHaveLength(1)
  expect(await answerTo(rig, 'mntr')).toContain('zk_cnxn_closed_without_zk_server_running\t1\n')
})

test('a connection that has sent nothing is closed when the server begins to serve', async () => {
  const { rig, started, proceed } = await starting()
  const silent = await rig.connect()
  await rig.run(50)
  expect(silent.isClosed).toBe(false)
  proceed()
  await rig.settle(started)
  await rig.run(50)
  expect(silent.isClosed).toBe(true)
})

test('silent connections do not keep out the words of operators', async () => {
  const { rig } = await starting(['maxClientCnxns=0'])
  const silent = []
  for (let i = 0; i < 101; i++) silent.push(await rig.connect())
  await rig.run(50)
  expect(silent.map(({ isClosed }) => isClosed).indexOf(false)).toBe(1)
  expect(await answerTo(rig, 'ruok')).toBe('imok')
})

test('a server that cannot read its data gives the port back', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.settle((await rig.started(standaloneConfig(), disk)).close())
  disk.faults.readFails = true
  expect((await rig.settle(rig.server(standaloneConfig(), disk).server.start())).ok).toBe(false)
  disk.faults.readFails = false
  await rig.started(standaloneConfig(), disk)
})
