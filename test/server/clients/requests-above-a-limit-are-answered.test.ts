import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../src/base/errors.ts'
import type { Zxid } from '../../../src/base/ids.ts'
import { clientFrameSizeBytesMax, refusalLinesPerSecondMax } from '../../../src/base/limits.ts'
import { encode } from '../../../src/jute/record.ts'
import { ops } from '../../../src/protocol/client/operations.ts'
import { SetWatchesRequest } from '../../../src/protocol/client/requests.ts'
import { connectFrame, joined, requestFrame, textBytes } from '../../support/conversation.ts'
import {
  authFrame,
  closeSessionFrame,
  createFrame,
  existsFrame,
  getDataFrame,
  pingFrame,
} from '../../support/requests.ts'
import { type RawClient, ServerRig, standaloneConfig } from '../../support/server-rig.ts'

const tooLarge = codeOf('marshalling-error')
const throttled = codeOf('throttled-op')

async function connected(rig: ServerRig, from?: string): Promise<RawClient> {
  const client = await rig.connect(from)
  client.send(connectFrame())
  await rig.run(50)
  return client
}

function outcomes(client: RawClient): readonly (readonly number[])[] {
  return client.replies().map(({ xid, error }) => [xid, error])
}

describe('a request longer than jute.maxbuffer', () => {
  test('is answered with an error in request order, and its connection and session stay open', async () => {
    const rig = new ServerRig()
    await rig.started()
    const client = await connected(rig)
    const long = createFrame(2, '/long', new Uint8Array(clientFrameSizeBytesMax))
    client.send(joined(createFrame(1, '/a', 'x'), long, getDataFrame(3, '/a'), existsFrame(4, '/long')))
    await rig.run(500)
    expect(outcomes(client)).toEqual([
      [1, 0],
      [2, tooLarge],
      [3, 0],
      [4, codeOf('no-node')],
    ])
    expect(client.isClosed).toBe(false)
    client.send(createFrame(5, '/b'))
    await rig.run(50)
    expect(outcomes(client).slice(4)).toEqual([[5, 0]])
  })

  test('with compatibility=strict ends its connection when its length has come, with a line that says why', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['compatibility=strict']))
    const client = await connected(rig)
    const long = createFrame(2, '/long', new Uint8Array(clientFrameSizeBytesMax))
    client.send(joined(createFrame(1, '/a', 'x'), long.subarray(0, 12)))
    await rig.run(500)
    expect(client.isClosed).toBe(true)
    expect(outcomes(client)).toEqual([])
    expect(rig.events('client-refused')).toMatchObject([{ reason: 'request-above-limit' }])
  })

  test('is logged with its client, session, operation, path and size, without its data', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['jute.maxbuffer=0x800']))
    const client = await connected(rig)
    const frame = createFrame(7, '/app/config', textBytes('secret'.repeat(500)))
    client.send(frame)
    await rig.run(100)
    expect(rig.events('request-refused')).toEqual([
      {
        serverId: 1,
        reason: 'request-too-large',
        why: expect.stringContaining('jute.maxbuffer'),
        remoteAddress: '10.0.1.1',
        remotePort: expect.any(Number),
        connectionId: expect.any(Number),
        sessionId: expect.stringMatching(/^0x/),
        xid: 7,
        op: 'create',
        path: '/app/config',
        sizeBytes: frame.length - 4,
        limitBytes: 2048,
      },
    ])
    expect(JSON.stringify(rig.lines)).not.toContain('secret')
  })

  test('is refused each time, with a limited number of lines a second and the suppressed count in the next line', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['jute.maxbuffer=1024']))
    const client = await connected(rig)
    const count = refusalLinesPerSecondMax + 15
    client.send(joined(...Array.from({ length: count }, (_, i) => createFrame(i + 1, '/a', new Uint8Array(2000)))))
    await rig.run(200)
    expect(outcomes(client)).toHaveLength(count)
    expect(rig.events('request-refused')).toHaveLength(refusalLinesPerSecondMax)
    await rig.run(1000)
    client.send(createFrame(100, '/a', new Uint8Array(2000)), createFrame(101, '/a', new Uint8Array(2000)))
    await rig.run(100)
    const later = rig.events('request-refused').slice(refusalLinesPerSecondMax)
    expect(later.map(({ xid, suppressedCount }) => [xid, suppressedCount])).toEqual([
      [100, 15],
      [101, undefined],
    ])
  })

  test('is accepted up to a raised limit', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['jute.maxbuffer=4194304']))
    const client = await connected(rig)
    const data = new Uint8Array(3_000_000)
    client.send(createFrame(1, '/big', data), createFrame(2, '/bigger', new Uint8Array(4_200_000)))
    await rig.run(2000)
    expect(outcomes(client)).toEqual([
      [1, 0],
      [2, tooLarge],
    ])
  })
})

describe('large requests', () => {
  const lines = ['largeRequestThreshold=1000', 'largeRequestMaxBytes=5000']

  test('give back their bytes if they are refused because they waited', async () => {
    const rig = new ServerRig()
    const throttles = ['request_throttle_max_requests=1', 'throttled_op_wait_time=1']
    await rig.started(standaloneConfig([...lines, ...throttles]))
    const client = await connected(rig)
    const small = ['/1', '/2', '/3', '/4'].map((path, i) => createFrame(i + 1, path))
    client.send(joined(...small, createFrame(5, '/a', new Uint8Array(3000))))
    await rig.run(1000)
    expect(outcomes(client).at(-1)).toEqual([5, throttled])
    expect((await rig.metrics()).get('large_requests_rejected')).toBe(0)
    client.send(createFrame(6, '/b', new Uint8Array(3000)))
    await rig.run(100)
    expect(outcomes(client).at(-1)).toEqual([6, 0])
  })

  test('above the budget are refused as throttled, and small ones are accepted', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(lines))
    const client = await connected(rig)
    client.send(
      joined(
        createFrame(1, '/a', new Uint8Array(3000)),
        createFrame(2, '/b', new Uint8Array(3000)),
        createFrame(3, '/c', new Uint8Array(500)),
      ),
    )
    await rig.run(100)
    expect(outcomes(client)).toEqual([
      [1, 0],
      [2, throttled],
      [3, 0],
    ])
    expect(rig.events('request-refused')).toMatchObject([
      { reason: 'too-many-large-requests', path: '/b', limitBytes: 5000 },
    ])
    expect((await rig.metrics()).get('large_requests_rejected')).toBe(1)
  })

  test('over their budget end their connection with compatibility=strict, and are counted', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig([...lines, 'compatibility=strict', '4lw.commands.whitelist=mntr']))
    const client = await connected(rig)
    client.send(joined(createFrame(1, '/a', new Uint8Array(3000)), createFrame(2, '/b', new Uint8Array(3000))))
    await rig.run(100)
    expect(client.isClosed).toBe(true)
    expect(rig.events('client-refused')).toMatchObject([{ reason: 'large-request-above-limit' }])
    expect((await rig.metrics()).get('large_requests_rejected')).toBe(1)
  })

  test('give back their bytes when they are answered, and when their connection ends in the middle of one', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(lines))
    const half = await connected(rig)
    half.send(createFrame(1, '/half', new Uint8Array(3000)).subarray(0, 100))
    await rig.run(50)
    const client = await connected(rig)
    client.send(createFrame(1, '/a', new Uint8Array(3000)))
    await rig.run(100)
    half.stream.destroy()
    await rig.run(50)
    for (let xid = 2; xid < 5; xid++) {
      client.send(createFrame(xid, `/a${xid}`, new Uint8Array(3000)))
      await rig.run(100)
    }
    expect(outcomes(client)).toEqual([
      [1, throttled],
      [2, 0],
      [3, 0],
      [4, 0],
    ])
  })
})

describe('requests that wait', () => {
  test('are carried out one after the other, in order, when only one may be in flight', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['request_throttle_max_requests=1']))
    const [one, two] = [await connected(rig), await connected(rig)]
    const creates = (name: string): Uint8Array =>
      joined(...Array.from({ length: 5 }, (_, i) => createFrame(i + 1, `/${name}${i}`)))
    one.send(creates('one'))
    two.send(creates('two'))
    await rig.run(1000)
    for (const client of [one, two]) {
      expect(outcomes(client)).toEqual([1, 2, 3, 4, 5].map((xid) => [xid, 0]))
    }
    const metrics = await rig.metrics()
    expect(metrics.get('request_throttle_wait_count')).toBeGreaterThan(0)
    expect(metrics.get('cnt_request_throttle_queue_time_ms')).toBe(10)
  })

  test('are refused when they waited too long, except a ping and the end of a session', async () => {
    const rig = new ServerRig()
    // Each write waits for the simulated disk, so a few of them together take longer than a millisecond.
    await rig.started(standaloneConfig(['request_throttle_max_requests=1', 'throttled_op_wait_time=1']))
    const client = await connected(rig)
    client.send(
      joined(
        createFrame(1, '/a'),
        createFrame(2, '/b'),
        createFrame(3, '/c'),
        createFrame(4, '/d'),
        pingFrame(),
        closeSessionFrame(5),
      ),
    )
    await rig.run(1000)
    const errors = new Map(client.replies().map(({ xid, error }) => [xid, error]))
    expect([errors.get(1), errors.get(4), errors.get(-2), errors.get(5)]).toEqual([0, throttled, 0, 0])
    expect(rig.events('request-refused')[0]).toMatchObject({ reason: 'waited-too-long', op: 'create', limitMs: 1 })
    expect((await rig.metrics()).get('throttled_ops')).toBeGreaterThan(0)
  })

  test('are always carried out if they bring credentials or restore watches', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['request_throttle_max_requests=1', 'throttled_op_wait_time=1']))
    const client = await connected(rig)
    const lists = { relativeZxid: 0 as Zxid, dataWatches: ['/a'], existWatches: [], childWatches: [] }
    client.send(
      joined(
        ...['/a', '/b', '/c', '/d'].map((path, i) => createFrame(i + 1, path)),
        authFrame(-4, 'digest', 'u:p'),
        requestFrame(-8, ops.setWatches.opcode, encode(SetWatchesRequest, lists)),
        createFrame(5, '/e'),
      ),
    )
    await rig.run(1000)
    const errors = new Map(client.replies().map(({ xid, error }) => [xid, error]))
    expect([errors.get(4), errors.get(-4), errors.get(-8), errors.get(5)]).toEqual([throttled, 0, 0, throttled])
  })

  test.each([
    [[], false],
    [['compatibility=strict'], true],
  ] as const)(
    'with %j and a session that is shorter than their waiting, its connection ends: %s',
    async (lines, isClosed) => {
      const rig = new ServerRig()
      const limits = ['request_throttle_max_requests=1', 'request_stale_latency_check=true', 'minSessionTimeout=1']
      await rig.started(standaloneConfig([...limits, ...lines]))
      const client = await rig.connect()
      client.send(connectFrame(false, 1))
      await rig.run(50)
      client.send(joined(...Array.from({ length: 40 }, (_, i) => createFrame(i + 1, `/n${i}`))))
      await rig.run(30)
      expect(client.isClosed).toBe(isClosed)
      expect(rig.events('client-refused').map(({ reason }) => reason)).toEqual(isClosed ? ['stale-request'] : [])
      expect(outcomes(client).some(([, error]) => error === throttled)).toBe(!isClosed)
    },
  )

  test.each([
    [[], true],
    [['request_throttle_drop_stale=false'], false],
    [['request_stale_connection_check=false'], false],
  ] as const)('of a client that leaves are dropped with %j: %s', async (lines, areDropped) => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['request_throttle_max_requests=1', ...lines]))
    const [client, other] = [await connected(rig), await connected(rig)]
    const count = 40
    client.send(joined(...Array.from({ length: count }, (_, i) => createFrame(i + 1, `/n${i}`))))
    await rig.run(0.3)
    client.stream.destroy()
    await rig.run(200)
    other.send(...Array.from({ length: count }, (_, i) => existsFrame(i + 1, `/n${i}`)))
    await rig.run(200)
    const createdCount = outcomes(other).filter(([, error]) => error === 0).length
    const droppedCount = (await rig.metrics()).get('stale_requests_dropped')!
    expect(createdCount + droppedCount).toBe(count)
    expect(droppedCount > 0).toBe(areDropped)
  })
})

describe('connect requests', () => {
  test('beyond the tokens are refused and logged, and accepted again when the bucket has filled', async () => {
    const rig = new ServerRig()
    const lines = ['connection_throttle_tokens=2', 'connection_throttle_fill_time=1000']
    await rig.started(standaloneConfig(lines))
    const clients = [await connected(rig), await connected(rig), await connected(rig)]
    expect(clients.map((client) => client.frames().length)).toEqual([1, 1, 0])
    expect(clients[2]!.isClosed).toBe(true)
    expect(rig.events('client-refused')).toMatchObject([{ reason: 'too-many-connect-requests' }])
    await rig.run(1000)
    expect((await connected(rig)).frames()).toHaveLength(1)
    const metrics = await rig.metrics()
    expect(metrics.get('connection_rejected')).toBe(1)
    expect(metrics.get('connection_request_count')).toBe(3)
    expect(metrics.get('max_connection_token_deficit')).toBe(2)
  })
})

test('a reply longer than clients read by default is sent, and one line names its path', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(['jute.maxbuffer=2097152']))
  const client = await connected(rig)
  client.send(createFrame(1, '/big', new Uint8Array(1_200_000)), getDataFrame(2, '/big'), getDataFrame(3, '/big'))
  await rig.run(2000)
  expect(outcomes(client)).toEqual([
    [1, 0],
    [2, 0],
    [3, 0],
  ])
  const lines = rig.events('reply-above-client-limit')
  expect(lines).toMatchObject([{ xid: 2, op: 'getData', path: '/big', limitBytes: clientFrameSizeBytesMax }])
  expect(lines[0]!['sizeBytes']).toBeGreaterThan(1_200_000)
})
