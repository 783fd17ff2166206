import { expect, test } from 'vitest'
import { encode } from '../../../src/jute/record.ts'
import { ops } from '../../../src/protocol/client/operations.ts'
import { CreateRequest } from '../../../src/protocol/client/requests.ts'
import { unknownHost } from '../../../src/server/host-facts.ts'
import { connectFrame, requestFrame, textBytes } from '../../support/conversation.ts'
import { createFrame, existsFrame, getDataFrame } from '../../support/requests.ts'
import { ensembleConfig, type RawClient, ServerRig, serverHost, standaloneConfig } from '../../support/server-rig.ts'

const everyWord = ['4lw.commands.whitelist=*']

function ephemeralFrame(xid: number, path: string): Uint8Array {
  const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
  return requestFrame(xid, ops.create.opcode, encode(CreateRequest, { path, data: textBytes(''), acl, flags: 1 }))
}

async function answerTo(rig: ServerRig, word: string | Uint8Array, to = serverHost): Promise<string> {
  const client = await rig.connect('10.0.1.9', to)
  client.send(typeof word === 'string' ? textBytes(word) : word)
  await rig.run(20)
  expect(client.isClosed).toBe(true)
  return client.text
}

async function session(rig: ServerRig, ...requests: readonly Uint8Array[]): Promise<RawClient> {
  const client = await rig.connect()
  client.send(connectFrame(), ...requests)
  await rig.run(100)
  return client
}

function sessionIdOf(client: RawClient): string {
  const frame = client.frames()[0]!
  return `0x${new DataView(frame.buffer, frame.byteOffset).getBigUint64(8).toString(16)}`
}

function mntrValue(text: string, name: string): number {
  return Number(new RegExp(`^zk_${name}\t(.*)$`, 'm').exec(text)?.[1])
}

function stmk(mask: bigint): Uint8Array {
  const bytes = new Uint8Array(12)
  bytes.set(textBytes('stmk'))
  new DataView(bytes.buffer).setBigInt64(4, mask)
  return bytes
}

test('conf shows the settings of the log, and with compatibility=strict those of ZooKeeper alone', async () => {
  const settings = ['snapCount=77', 'logRetentionHours=5', '4lw.commands.whitelist=*']
  const own = new ServerRig()
  await own.started(standaloneConfig(settings))
  const lines = (await answerTo(own, 'conf')).split('\n')
  expect(lines[11]).toBe('serverId=0')
  expect(lines).toEqual(expect.arrayContaining(['snapCount=77', 'logRetentionHours=5', 'checkpointIntervalMs=600000']))
  const strict = new ServerRig()
  await strict.started(standaloneConfig([...settings, 'compatibility=strict']))
  expect((await answerTo(strict, 'conf')).split('\n')).toEqual([...lines.slice(0, 12), ''])
})

test('dump and the watch words name the sessions of a standalone server', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(everyWord))
  const client = await session(rig, createFrame(1, '/a'), ephemeralFrame(2, '/a/e'), getDataFrame(3, '/a', true))
  const id = sessionIdOf(client)
  expect(await answerTo(rig, 'dump')).toMatch(
    new RegExp(
      `^SessionTracker dump:\nSession Sets \\(1\\)/\\(1\\):\n1 expire at \\w{3} \\w{3} .* UTC \\d{4}:\n\t${id}\n` +
        `ephemeral nodes dump:\nSessions with Ephemerals \\(1\\):\n${id}:\n\t/a/e\n` +
        `Connections dump:\nConnections Sets \\(\\d\\)/\\(2\\):\n`,
    ),
  )
  expect(await answerTo(rig, 'dump')).toContain(`sessionId: ${id}\n`)
  expect(await answerTo(rig, 'wchs')).toBe('1 connections watching 1 paths\nTotal watches:1\n')
  expect(await answerTo(rig, 'wchc')).toBe(`${id}\n\t/a\n\n`)
  expect(await answerTo(rig, 'wchp')).toBe(`/a\n\t${id}\n\n`)
})

test('crst clears the counters of connections and leaves those of the server', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(everyWord))
  await session(rig, createFrame(1, '/a'))
  const before = await answerTo(rig, 'srvr')
  expect(await answerTo(rig, 'crst')).toBe('Connection stats reset.\n')
  expect(await answerTo(rig, 'cons')).toMatch(
    /\(queued=0,recved=0,sent=0,sid=0x[0-9a-f]+,lop=NA,est=\d+,to=\d+,lzxid=0xffffffffffffffff,lresp=0,llat=0,/,
  )
  const received = (text: string): number => Number(/^Received: (\d+)$/m.exec(text)?.[1])
  expect(received(await answerTo(rig, 'srvr'))).toBe(received(before) + 3) // three words since
})

test('srst clears the counters of the server and leaves those of connections', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(everyWord))
  await session(rig, createFrame(1, '/a'), getDataFrame(2, '/a'))
  expect(mntrValue(await answerTo(rig, 'mntr'), 'commit_count')).toBe(2)
  expect(await answerTo(rig, 'srst')).toBe('Server stats reset.\n')
  const srvr = await answerTo(rig, 'srvr')
  expect(srvr).toContain('Latency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 1\n') // this word, and the answer before it
  expect(mntrValue(await answerTo(rig, 'mntr'), 'commit_count')).toBe(0)
  expect(await answerTo(rig, 'cons')).toMatch(/recved=3,sent=3,sid=/)
})

test('gtmk shows the mask that stmk has set, and stmk waits for a mask that comes late', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(everyWord))
  expect(await answerTo(rig, 'gtmk')).toBe('306')
  expect(await answerTo(rig, stmk(-1n))).toBe('-1')
  expect(await answerTo(rig, 'gtmk')).toBe('-1')
  const client = await rig.connect()
  client.send(stmk(7n).subarray(0, 6))
  await rig.run(20)
  client.send(stmk(7n).subarray(6))
  await rig.run(20)
  expect(client.text).toBe('7')
})

test('stmk that is not enabled is refused without its mask', async () => {
  const rig = new ServerRig()
  await rig.started()
  expect(await answerTo(rig, 'stmk')).toBe('stmk is not executed because it is not in the whitelist.\n')
})

test('hash lists a digest for every hundred and twenty-eighth zxid', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(everyWord))
  expect(await answerTo(rig, 'hash')).toBe('')
  await session(rig, ...Array.from({ length: 300 }, (_, i) => createFrame(i + 1, `/n${i}`)))
  await rig.run(200)
  expect(await answerTo(rig, 'hash')).toMatch(/^[0-9a-f]*80: -?\d+\n[0-9a-f]*00: -?\d+\n$/)
})

test('mntr counts what clients did', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(everyWord))
  const client = await session(rig, createFrame(1, '/app'), existsFrame(2, '/app/x', true), createFrame(3, '/app/x'))
  const text = await answerTo(rig, 'mntr')
  const expected = {
    commit_count: 3,
    proposal_count: 3,
    connection_request_count: 1,
    cnt_updatelatency: 2,
    cnt_readlatency: 1,
    cnt_quorum_ack_latency: 3,
    cnt_app_write_per_namespace: 2,
    sum_node_created_watch_count: 1,
    response_bytes:
      client
        .frames()
        .slice(1)
        .reduce((sum, frame) => sum + 4 + frame.length, 0) - mntrValue(text, 'watch_bytes'),
    looking_count: 0,
  }
  for (const [name, value] of Object.entries(expected)) expect([name, mntrValue(text, name)]).toEqual([name, value])
  expect(mntrValue(text, 'cnt_fsynctime')).toBeGreaterThan(0)
  expect(mntrValue(text, 'watch_bytes')).toBeGreaterThan(0)
})

test('members of an ensemble dump sessions by their role and agree on digests', async () => {
  const rig = new ServerRig()
  const hosts = [1, 2, 3].map((id) => `10.0.0.${id}`)
  const members = hosts.map((host, i) => {
    const config = { ...ensembleConfig(i + 1), fourLetterWords: standaloneConfig(everyWord).fourLetterWords }
    return rig.server(config, rig.disk(i + 1), host)
  })
  await Promise.all(members.map(({ server }) => rig.settle(server.start())))
  await rig.run(3000)
  const client = await session(rig, ...Array.from({ length: 130 }, (_, i) => createFrame(i + 1, `/n${i}`)))
  await rig.run(500)
  const dumps: string[] = []
  const hashes = new Set<string>()
  for (const host of hosts) {
    const mode = /^Mode: (\w+)$/m.exec(await answerTo(rig, 'srvr', host))?.[1]
    const [, sessions = ''] = (await answerTo(rig, 'dump', host)).split('\n')
    dumps.push(`${mode}: ${sessions}`)
    hashes.add(await answerTo(rig, 'hash', host))
    const mntr = await answerTo(rig, 'mntr', host)
    expect(mntrValue(mntr, 'cnt_election_time')).toBe(1)
    expect(mntrValue(mntr, mode === 'leader' ? 'commit_count' : 'learner_commit_received_count')).toBeGreaterThan(130)
    expect(mntrValue(mntr, mode === 'leader' ? 'diff_count' : 'learner_proposal_received_count')).toBeGreaterThan(1)
  }
  expect(dumps.sort()).toEqual([
    'follower: Global Sessions(1):',
    'follower: Global Sessions(1):',
    'leader: Session Sets (1)/(1):',
  ])
  expect(hashes.size).toBe(1)
  expect([...hashes][0]).toMatch(/^100000080: -?\d+\n$/)
  expect(sessionIdOf(client)).not.toBe('0x0')
})

test('an operator who reads slowly gets the whole of a long answer, and one who does not read is cut off', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(everyWord))
  const watches = Array.from({ length: 400 }, (_, i) => existsFrame(i, `/${'n'.repeat(1000)}${i}`, true))
  await session(rig, ...watches)
  const whole = (await answerTo(rig, 'wchc')).length
  expect(whole).toBeGreaterThan(400_000)
  const slow = await rig.connect()
  slow.stream.pause()
  slow.send(textBytes('wchc'))
  await rig.run(4000)
  slow.stream.resume()
  await rig.run(100)
  expect([slow.text.length, slow.isClosed]).toEqual([whole, true])
  const stalled = await rig.connect()
  stalled.stream.pause()
  stalled.send(textBytes('wchc'))
  await rig.run(2000 + whole / 64 + 200)
  stalled.stream.resume()
  await rig.run(100)
  expect(stalled.isClosed).toBe(true)
  expect(stalled.text.length).toBeLessThan(whole)
})

test('a word that is asked often makes no question to the system', async () => {
  const rig = new ServerRig()
  const asked: string[] = []
  rig.host = {
    ...unknownHost,
    memory() {
      asked.push('memory')
      return unknownHost.memory()
    },
    fileDescriptors() {
      asked.push('file descriptors')
      return { openCount: 30, maxCount: 1024 }
    },
  }
  await rig.started(standaloneConfig(everyWord))
  for (const word of ['ruok', 'isro', 'srvr', 'stat', 'cons', 'conf', 'wchs', 'dirs']) await answerTo(rig, word)
  expect(asked).toEqual([])
  expect(mntrValue(await answerTo(rig, 'mntr'), 'open_file_descriptor_count')).toBe(30)
  expect(await answerTo(rig, 'envi')).toContain('os.memory.free=0MB')
  expect(asked).toEqual(['file descriptors', 'memory'])
})
