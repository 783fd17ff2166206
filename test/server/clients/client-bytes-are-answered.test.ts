import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../src/base/errors.ts'
import { clientOutputSizeBytesMax, pendingRequestsPerConnectionMax } from '../../../src/base/limits.ts'
import { ops } from '../../../src/protocol/client/operations.ts'
import { connectFrame, joined, requestFrame, textBytes } from '../../support/conversation.ts'
import { bytesOf } from '../../support/hex.ts'
import { authFrame, closeSessionFrame, createFrame, existsFrame, getDataFrame } from '../../support/requests.ts'
import { ServerRig, standaloneConfig } from '../../support/server-rig.ts'

describe('a client of a running server', () => {
  test('a connect request is answered with a session, and a later write and read with their results', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(connectFrame())
    await rig.run(50)
    const [response] = client.frames()
    expect(response).toHaveLength(37)
    expect(new DataView(response!.buffer, response!.byteOffset).getInt32(4)).toBe(6000)
    client.send(createFrame(1, '/a', 'hello'), getDataFrame(2, '/a'))
    await rig.run(50)
    const [created, got] = client.replies()
    expect([created!.xid, created!.error, got!.xid, got!.error]).toEqual([1, 0, 2, 0])
    expect([...got!.body.subarray(4, 9)]).toEqual([...textBytes('hello')])
  })

  test('requests sent right after the connect request are answered in order, each once', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(
      joined(connectFrame(), createFrame(1, '/a'), createFrame(2, '/a'), existsFrame(3, '/a'), existsFrame(4, '/b')),
    )
    await rig.run(100)
    expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([
      [1, 0],
      [2, codeOf('node-exists')],
      [3, 0],
      [4, codeOf('no-node')],
    ])
  })

  test('requests whose bytes arrive one at a time are answered', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    const bytes = joined(connectFrame(), createFrame(1, '/a'), getDataFrame(2, '/a'))
    for (const byte of bytes) {
      client.send(Uint8Array.of(byte))
      await rig.run(1)
    }
    await rig.run(50)
    expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([
      [1, 0],
      [2, 0],
    ])
  })

  test('a client that fails to authenticate gets an error, and one line without its credentials is logged', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(joined(connectFrame(), authFrame(1, 'nonsense', 'u:secret'), existsFrame(2, '/')))
    await rig.run(100)
    expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([[1, codeOf('auth-failed')]])
    expect(client.isClosed).toBe(true)
    expect(rig.events('client-not-authenticated')).toMatchObject([
      { reason: 'auth-failed', scheme: 'nonsense', remoteAddress: '10.0.1.1' },
    ])
    const shown = rig.lines.filter(({ level }) => level !== 'debug')
    expect(shown.filter(({ fields }) => fields['reason'] === 'auth-failed')).toHaveLength(1)
    expect(JSON.stringify(rig.lines)).not.toContain('secret')
  })

  test('all replies of one turn leave in one write', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(connectFrame())
    await rig.run(50)
    const before = client.chunkCount
    client.send(joined(...Array.from({ length: 20 }, (_, i) => existsFrame(i + 1, '/'))))
    await rig.run(50)
    expect(client.replies()).toHaveLength(20)
    expect(client.chunkCount - before).toBe(1)
  })

  test('closing a session is answered before the server closes the connection', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(connectFrame(), closeSessionFrame(1))
    await rig.run(100)
    expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([[1, 0]])
    expect(client.isClosed).toBe(true)
  })

  test('a watch event reaches the other client when the znode appears', async () => {
    const rig = new ServerRig()
    await rig.started()
    const [watcher, writer] = [await rig.connect(), await rig.connect()]
    watcher.send(connectFrame(), existsFrame(1, '/a', true))
    writer.send(connectFrame())
    await rig.run(50)
    writer.send(createFrame(1, '/a'))
    await rig.run(50)
    expect(watcher.replies().map(({ xid }) => xid)).toEqual([1, -1])
  })

  test('a client that pipelines more than the limit is answered completely and in order', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(connectFrame())
    await rig.run(50)
    const count = 2 * pendingRequestsPerConnectionMax + 10
    client.send(joined(...Array.from({ length: count }, (_, i) => createFrame(i + 1, `/n${i}`))))
    await rig.run(2000)
    const xids = client.replies().map(({ xid }) => xid)
    expect(xids).toEqual(Array.from({ length: count }, (_, i) => i + 1))
  })

  test('a client that does not read its replies is answered up to the output limit, and fully once it reads', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(connectFrame(), createFrame(1, '/big', new Uint8Array(500_000)))
    await rig.run(100)
    client.stream.pause()
    const count = 40
    client.send(joined(...Array.from({ length: count }, (_, i) => getDataFrame(i + 2, '/big'))))
    await rig.run(500)
    const sent = Number(/\(queued=\d+,recved=\d+,sent=(\d+),sid/.exec(await rig.ask('cons'))?.[1])
    // Two replies before it stopped reading, and as many as fit the limit.
    expect(sent).toBeLessThanOrEqual(2 + Math.ceil(clientOutputSizeBytesMax / 500_000) + 1)
    client.stream.resume()
    // Concatenating each chunk would be quadratic; count the bytes instead.
    let heardBytes = 0
    const hear = (bytes: Uint8Array): void => {
      heardBytes += bytes.length
    }
    client.stream.handle({ onData: hear, onDrain: () => {}, onClose: () => {} })
    await rig.run(5000)
    expect(heardBytes).toBeGreaterThan((count - 1) * 500_000)
  })
})

describe('other connections to the client port', () => {
  test.each([
    ['http-on-client-port', textBytes('GET / HTTP/1.1\r\n\r\n')],
    ['tls-on-client-port', Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01)],
    ['unknown-four-letter-word-or-garbage', textBytes('nope')],
    ['frame-negative', Uint8Array.of(0xff, 0xff, 0xff, 0xf0)],
  ])('a connection is closed and logged once as %s', async (reason, bytes) => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(bytes)
    await rig.run(50)
    expect([client.isClosed, client.received.length]).toEqual([true, 0])
    expect(rig.events('client-refused')).toMatchObject([{ reason, why: expect.any(String), remoteAddress: '10.0.1.1' }])
  })

  test('a client that leaves in the middle of its connect request is logged once', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(Uint8Array.of(0, 0, 0, 45, 0, 0, 0, 0))
    await rig.run(50)
    client.stream.destroy()
    await rig.run(50)
    expect(rig.events('client-refused')).toMatchObject([{ reason: 'connect-request-cut-short' }])
  })

  test('a connection that sends nothing is closed after the connect timeout', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['nio.sessionlessCnxnTimeout=3000']))
    const client = await rig.connect()
    await rig.run(2900)
    expect(client.isClosed).toBe(false)
    await rig.run(200)
    expect(client.isClosed).toBe(true)
    expect(rig.events('client-refused')).toMatchObject([{ reason: 'no-connect-request' }])
  })

  test('connections of one address above the limit are closed, those of other addresses stay', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['maxClientCnxns=2']))
    const first = [await rig.connect(), await rig.connect()]
    const third = await rig.connect()
    const elsewhere = await rig.connect('10.0.1.2')
    await rig.run(50)
    expect([...first, third, elsewhere].map((client) => client.isClosed)).toEqual([false, false, true, false])
    expect(rig.events('client-refused')).toMatchObject([{ reason: 'too-many-from-address' }])
    first[0]!.stream.destroy()
    await rig.run(50)
    const fourth = await rig.connect()
    await rig.run(50)
    expect(fourth.isClosed).toBe(false)
  })

  test('connections above the total limit are closed', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['maxCnxns=1']))
    const [first, second] = [await rig.connect('10.0.1.1'), await rig.connect('10.0.1.2')]
    await rig.run(50)
    expect([first.isClosed, second.isClosed]).toEqual([false, true])
    expect(rig.events('client-refused')).toMatchObject([{ reason: 'too-many-connections' }])
  })

  test('four-letter words are answered and their connection closed', async () => {
    const rig = new ServerRig()
    await rig.started()
    const answers: string[] = []
    for (const word of ['ruok', 'srvr\n', 'isro', 'wchp']) {
      const client = await rig.connect()
      client.send(textBytes(word))
      await rig.run(50)
      expect(client.isClosed).toBe(true)
      answers.push(client.text)
    }
    expect(answers[0]).toBe('imok')
    expect(answers[1]).toMatch(
      /^Zookeeper version: 3\.9\.5-zkts-test[\s\S]*Connections: 1\n[\s\S]*Mode: standalone\nNode count: \d+\n$/,
    )
    expect(answers[2]).toBe('rw')
    expect(answers[3]).toBe('wchp is not executed because it is not in the whitelist.\n')
  })
})

describe('the path of a sync', () => {
  async function answerOf(body: Uint8Array): Promise<readonly [error: number, body: Uint8Array]> {
    const rig = new ServerRig()
    await rig.started()
    const client = await rig.connect()
    client.send(connectFrame(), requestFrame(1, ops.sync.opcode, body))
    await rig.run(100)
    const [reply] = client.replies()
    return [reply!.error, reply!.body]
  }

  test('is returned without the bytes that followed it', async () => {
    expect(await answerOf(bytesOf('00000002 2f61 ffff'))).toEqual([0, bytesOf('00000002 2f61')])
  })

  test('may be null', async () => {
    expect(await answerOf(bytesOf('ffffffff'))).toEqual([0, bytesOf('ffffffff')])
  })

  test('is refused when it is longer than the request', async () => {
    expect(await answerOf(bytesOf('00000009 2f61'))).toEqual([codeOf('marshalling-error'), new Uint8Array(0)])
  })
})
