import { describe, expect, test } from 'vitest'
import type { ByteStream } from '../../src/ports/stream.ts'
import { Scheduler, SimProcess } from './scheduler.ts'
import { faultless, type NetworkConditions, SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'

const address = { host: 'b', port: 2181 }

function setUp(changes: Partial<NetworkConditions> = {}, seed = 1) {
  const scheduler = new Scheduler(1, (_process, cause) => {
    throw cause
  })
  const cuts = new Set<string>()
  const conditions: NetworkConditions = {
    ...faultless,
    isCut: (from, to) => cuts.has(`${from}>${to}`),
    coalesceChance: () => 1,
    ...changes,
  }
  const networkProcess = new SimProcess('network')
  const network = new SimNetwork({
    scheduler,
    random: new SimRandom(seed),
    conditions,
    networkProcess,
    windowSizeBytes: 8192,
  })
  const [a, b] = [new SimProcess('a'), new SimProcess('b')]
  const run = (ms: number): Promise<void> => scheduler.runUntil(scheduler.nowUs + ms * 1000, () => false)
  return { scheduler, network, cuts, a, b, run }
}

interface Side {
  readonly stream: ByteStream
  readonly received: number[]
  readonly chunks: number[]
  readonly closes: (string | null)[]
  drains: number
}

function watchStream(stream: ByteStream): Side {
  const side: Side = { stream, received: [], chunks: [], closes: [], drains: 0 }
  stream.handle({
    onData: (bytes) => {
      side.received.push(...bytes)
      side.chunks.push(bytes.length)
    },
    onDrain: () => {
      side.drains++
    },
    onClose: (error) => side.closes.push(error?.message ?? null),
  })
  return side
}

async function connect(rig: ReturnType<typeof setUp>): Promise<readonly [Side, Side]> {
  const sides: Side[] = []
  await rig.network.listener('b', rig.b).listen(address, (stream) => {
    sides[1] = watchStream(stream)
  })
  rig.network.dialer('a', rig.a).dial(address, 5000, (outcome) => {
    if (outcome.ok) sides[0] = watchStream(outcome.stream)
  })
  await rig.run(10)
  return [sides[0]!, sides[1]!]
}

async function dialOutcome(rig: ReturnType<typeof setUp>, ms: number): Promise<string> {
  let text = 'no answer'
  rig.network.dialer('a', rig.a).dial(address, 3000, (outcome) => {
    text = outcome.ok ? 'connected' : String((outcome.error as NodeJS.ErrnoException).code)
  })
  await rig.run(ms)
  return text
}

const numbers = Uint8Array.from({ length: 200 }, (_, i) => i)

describe('sim-network', () => {
  test('bytes arrive in order however they are split', async () => {
    const rig = setUp({ splitChance: () => 0.9, coalesceChance: () => 0.3, latencyUs: () => 500 })
    const [dialing, accepted] = await connect(rig)
    for (let i = 0; i < numbers.length; i += 50) dialing.stream.write(numbers.slice(i, i + 50))
    await rig.run(50)
    expect(accepted.received).toEqual([...numbers])
    expect(accepted.chunks.length).toBeGreaterThan(4)
  })

  test('bytes written before the end arrive before the close of both sides', async () => {
    const rig = setUp()
    const [dialing, accepted] = await connect(rig)
    dialing.stream.write(numbers)
    dialing.stream.end()
    await rig.run(50)
    expect(accepted.received).toHaveLength(200)
    expect([dialing.closes, accepted.closes]).toEqual([[null], [null]])
  })

  test('a reader that keeps the bytes it was given finds them overwritten', async () => {
    const rig = setUp()
    const [dialing, accepted] = await connect(rig)
    const kept: Uint8Array[] = []
    accepted.stream.handle({ onData: (bytes) => kept.push(bytes), onDrain: () => {}, onClose: () => {} })
    dialing.stream.write(Uint8Array.of(1, 2, 3))
    await rig.run(50)
    expect(kept).toEqual([Uint8Array.of(0xa5, 0xa5, 0xa5)])
  })

  test('a writer ahead of its reader must wait until the reader drains it', async () => {
    const rig = setUp()
    const [dialing, accepted] = await connect(rig)
    accepted.stream.pause()
    expect(dialing.stream.write(new Uint8Array(8192))).toBe(true)
    expect(dialing.stream.write(new Uint8Array(20_000))).toBe(false)
    await rig.run(50)
    expect([accepted.received.length, dialing.stream.queuedBytes(), dialing.drains]).toEqual([0, 20_000, 0])
    accepted.stream.resume()
    await rig.run(50)
    expect([accepted.received.length, dialing.stream.queuedBytes(), dialing.drains]).toEqual([28_192, 0, 1])
  })

  test('a cut in one direction holds its bytes while the other direction flows', async () => {
    const rig = setUp()
    const [dialing, accepted] = await connect(rig)
    rig.cuts.add('a>b')
    dialing.stream.write(numbers)
    accepted.stream.write(numbers)
    await rig.run(1000)
    expect([accepted.received.length, dialing.received.length]).toEqual([0, 200])
    rig.cuts.clear()
    rig.network.retryStalled()
    await rig.run(1000)
    expect(accepted.received).toEqual([...numbers])
  })

  test('a black hole swallows neither data nor close once it ends', async () => {
    const rig = setUp()
    const [dialing, accepted] = await connect(rig)
    rig.network.blackHoleAny(Number.POSITIVE_INFINITY)
    rig.network.blackHoleAny(Number.POSITIVE_INFINITY)
    rig.network.blackHoleAny(Number.POSITIVE_INFINITY)
    dialing.stream.write(numbers)
    dialing.stream.destroy()
    await rig.run(60_000)
    expect([accepted.received.length, accepted.closes.length]).toEqual([0, 0])
    rig.network.healBlackHoles()
    await rig.run(1000)
    expect([accepted.received.length, accepted.closes]).toEqual([200, [null]])
  })

  test('a killed process resets its connections', async () => {
    const rig = setUp()
    const [dialing] = await connect(rig)
    rig.scheduler.kill(rig.b)
    rig.network.crash('b', rig.b, 'kill')
    await rig.run(50)
    expect(dialing.closes).toEqual(['connection reset by peer'])
  })

  test('a host without power is silent until it is back and then resets what it does not know', async () => {
    const rig = setUp()
    const [dialing] = await connect(rig)
    rig.scheduler.kill(rig.b)
    rig.network.crash('b', rig.b, 'power-off')
    dialing.stream.write(numbers)
    await rig.run(10_000)
    expect(dialing.closes).toEqual([])
    rig.network.powerOn('b')
    dialing.stream.write(numbers)
    await rig.run(100)
    expect(dialing.closes).toEqual(['connection reset by peer'])
  })

  test('nothing is called on a stream after its close', async () => {
    const rig = setUp()
    const [dialing, accepted] = await connect(rig)
    accepted.stream.write(numbers)
    dialing.stream.destroy()
    await rig.run(100)
    expect([dialing.received, dialing.closes]).toEqual([[], [null]])
    expect(dialing.stream.write(numbers)).toBe(true)
    await rig.run(100)
    expect(dialing.closes).toHaveLength(1)
  })

  test('bytes sent to a paused process arrive when it is resumed', async () => {
    const rig = setUp()
    const [dialing, accepted] = await connect(rig)
    rig.scheduler.pause(rig.b)
    dialing.stream.write(numbers)
    await rig.run(100)
    expect(accepted.received).toEqual([])
    rig.scheduler.resume(rig.b, 'timers-last')
    await rig.run(1)
    expect(accepted.received).toEqual([...numbers])
  })

  test('a dial is refused where no process listens and unanswered where a link is cut', async () => {
    const rig = setUp()
    expect(await dialOutcome(rig, 50)).toBe('ECONNREFUSED')
    rig.cuts.add('b>a')
    expect(await dialOutcome(rig, 2900)).toBe('no answer')
    await rig.run(200)
    rig.cuts.clear()
    await rig.network.listener('b', rig.b).listen(address, (stream) => watchStream(stream))
    expect(await dialOutcome(rig, 50)).toBe('connected')
  })

  test('a dial over a cut link ends at its timeout and a cancelled one never', async () => {
    const rig = setUp()
    rig.cuts.add('a>b')
    expect(await dialOutcome(rig, 3100)).toBe('ETIMEDOUT')
    let isCalled = false
    const cancel = rig.network.dialer('a', rig.a).dial(address, 100, () => {
      isCalled = true
    })
    cancel()
    await rig.run(5000)
    expect(isCalled).toBe(false)
  })

  test('a second listener on one address is refused', async () => {
    const rig = setUp()
    const first = await rig.network.listener('b', rig.b).listen(address, () => {})
    await expect(rig.network.listener('b', rig.b).listen(address, () => {})).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
    await first.close()
    await expect(rig.network.listener('b', rig.b).listen(address, () => {})).resolves.toBeDefined()
  })

  test('a corrupted chunk differs in one bit', async () => {
    const rig = setUp({ corruptChance: () => 1 })
    const [dialing, accepted] = await connect(rig)
    dialing.stream.write(new Uint8Array(50))
    await rig.run(50)
    const bits = accepted.received.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
    expect([accepted.received.length, bits]).toEqual([50, 1])
  })
})
