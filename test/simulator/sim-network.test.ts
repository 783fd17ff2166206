import { describe, expect, test } from 'vitest'
import type { ByteStream } from '../../src/ports/stream.ts'
import { Scheduler, SimProcess } from './scheduler.ts'
import { type NetworkConditions, SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'

const address = { host: 'b', port: 2181 }

function setUp(changes: Partial<NetworkConditions> = {}, seed = 1) {
  const scheduler = new Scheduler(1, (_process, cause) => {
    throw cause
  })
  const cuts = new Set<string>()
  const conditions: NetworkConditions = {
    isCut: (from, to) => cuts.has(`${from}>${to}`),
    latencyUs: () => 1000,
    splitChance: () => 0,
    coalesceChance: () => 1,
    corruptChance: () => 0,
    lingerUs: () => 0,
    resetChance: () => 0,
    refuseChance: () => 0,
    ignoreChance: () => 0,
    ...changes,
  }
  const world = new SimProcess('world')
  const network = new SimNetwork({ scheduler, random: new SimRandom(seed), conditions, world, windowSizeBytes: 8192 })
  const [a, b] = [new SimProcess('a'), new SimProcess('b')]
  const run = (ms: number): Promise<void> => scheduler.runUntil(scheduler.nowUs + ms * 1000, () => false)
  return { scheduler, network, cuts, a, b, run }
}

interface Side {
  readonly stream: ByteStream
  readonly heard: number[]
  readonly chunks: number[]
  readonly closes: (string | null)[]
  drains: number
}

function watchStream(stream: ByteStream): Side {
  const side: Side = { stream, heard: [], chunks: [], closes: [], drains: 0 }
  stream.handle({
    onData: (bytes) => {
      side.heard.push(...bytes)
      side.chunks.push(bytes.length)
    },
    onDrain: () => {
      side.drains++
    },
    onClose: (error) => side.closes.push(error?.message ?? null),
  })
  return side
}

async function connect(world: ReturnType<typeof setUp>): Promise<readonly [Side, Side]> {
  const sides: Side[] = []
  await world.network.listener('b', world.b).listen(address, (stream) => {
    sides[1] = watchStream(stream)
  })
  world.network.dialer('a', world.a).dial(address, 5000, (outcome) => {
    if (outcome.ok) sides[0] = watchStream(outcome.stream)
  })
  await world.run(10)
  return [sides[0]!, sides[1]!]
}

async function dialOutcome(world: ReturnType<typeof setUp>, ms: number): Promise<string> {
  let text = 'no answer'
  world.network.dialer('a', world.a).dial(address, 3000, (outcome) => {
    text = outcome.ok ? 'connected' : String((outcome.error as NodeJS.ErrnoException).code)
  })
  await world.run(ms)
  return text
}

const numbers = Uint8Array.from({ length: 200 }, (_, i) => i)

describe('sim-network', () => {
  test('bytes arrive in order however they are split', async () => {
    const world = setUp({ splitChance: () => 0.9, coalesceChance: () => 0.3, latencyUs: () => 500 })
    const [dialing, accepted] = await connect(world)
    for (let i = 0; i < numbers.length; i += 50) dialing.stream.write(numbers.slice(i, i + 50))
    await world.run(50)
    expect(accepted.heard).toEqual([...numbers])
    expect(accepted.chunks.length).toBeGreaterThan(4)
  })

  test('bytes written before the end arrive before the close of both sides', async () => {
    const world = setUp()
    const [dialing, accepted] = await connect(world)
    dialing.stream.write(numbers)
    dialing.stream.end()
    await world.run(50)
    expect(accepted.heard).toHaveLength(200)
    expect([dialing.closes, accepted.closes]).toEqual([[null], [null]])
  })

  test('a reader that keeps the bytes it was given finds them overwritten', async () => {
    const world = setUp()
    const [dialing, accepted] = await connect(world)
    const kept: Uint8Array[] = []
    accepted.stream.handle({ onData: (bytes) => kept.push(bytes), onDrain: () => {}, onClose: () => {} })
    dialing.stream.write(Uint8Array.of(1, 2, 3))
    await world.run(50)
    expect(kept).toEqual([Uint8Array.of(0xa5, 0xa5, 0xa5)])
  })

  test('a writer ahead of its reader is told to wait and then to go on', async () => {
    const world = setUp()
    const [dialing, accepted] = await connect(world)
    accepted.stream.pause()
    expect(dialing.stream.write(new Uint8Array(8192))).toBe(true)
    expect(dialing.stream.write(new Uint8Array(20_000))).toBe(false)
    await world.run(50)
    expect([accepted.heard.length, dialing.stream.queuedBytes(), dialing.drains]).toEqual([0, 20_000, 0])
    accepted.stream.resume()
    await world.run(50)
    expect([accepted.heard.length, dialing.stream.queuedBytes(), dialing.drains]).toEqual([28_192, 0, 1])
  })

  test('a cut in one direction holds its bytes while the other direction flows', async () => {
    const world = setUp()
    const [dialing, accepted] = await connect(world)
    world.cuts.add('a>b')
    dialing.stream.write(numbers)
    accepted.stream.write(numbers)
    await world.run(1000)
    expect([accepted.heard.length, dialing.heard.length]).toEqual([0, 200])
    world.cuts.clear()
    world.network.retryStalled()
    await world.run(1000)
    expect(accepted.heard).toEqual([...numbers])
  })

  test('a black hole swallows neither data nor close once it ends', async () => {
    const world = setUp()
    const [dialing, accepted] = await connect(world)
    world.network.blackHoleAny(Number.POSITIVE_INFINITY)
    world.network.blackHoleAny(Number.POSITIVE_INFINITY)
    world.network.blackHoleAny(Number.POSITIVE_INFINITY)
    dialing.stream.write(numbers)
    dialing.stream.destroy()
    await world.run(60_000)
    expect([accepted.heard.length, accepted.closes.length]).toEqual([0, 0])
    world.network.healBlackHoles()
    await world.run(1000)
    expect([accepted.heard.length, accepted.closes]).toEqual([200, [null]])
  })

  test('a killed process resets its connections', async () => {
    const world = setUp()
    const [dialing] = await connect(world)
    world.scheduler.kill(world.b)
    world.network.crash('b', world.b, 'kill')
    await world.run(50)
    expect(dialing.closes).toEqual(['connection reset by peer'])
  })

  test('a host without power is silent until it is back and then resets what it does not know', async () => {
    const world = setUp()
    const [dialing] = await connect(world)
    world.scheduler.kill(world.b)
    world.network.crash('b', world.b, 'power-off')
    dialing.stream.write(numbers)
    await world.run(10_000)
    expect(dialing.closes).toEqual([])
    world.network.powerOn('b')
    dialing.stream.write(numbers)
    await world.run(100)
    expect(dialing.closes).toEqual(['connection reset by peer'])
  })

  test('nothing is called on a stream after its close', async () => {
    const world = setUp()
    const [dialing, accepted] = await connect(world)
    accepted.stream.write(numbers)
    dialing.stream.destroy()
    await world.run(100)
    expect([dialing.heard, dialing.closes]).toEqual([[], [null]])
    expect(dialing.stream.write(numbers)).toBe(true)
    await world.run(100)
    expect(dialing.closes).toHaveLength(1)
  })

  test('a paused process is sent bytes and hears them when it goes on', async () => {
    const world = setUp()
    const [dialing, accepted] = await connect(world)
    world.scheduler.pause(world.b)
    dialing.stream.write(numbers)
    await world.run(100)
    expect(accepted.heard).toEqual([])
    world.scheduler.resume(world.b, 'timers-last')
    await world.run(1)
    expect(accepted.heard).toEqual([...numbers])
  })

  test('a dial is refused where nobody listens and unanswered where a link is cut', async () => {
    const world = setUp()
    expect(await dialOutcome(world, 50)).toBe('ECONNREFUSED')
    world.cuts.add('b>a')
    expect(await dialOutcome(world, 2900)).toBe('no answer')
    await world.run(200)
    world.cuts.clear()
    await world.network.listener('b', world.b).listen(address, (stream) => watchStream(stream))
    expect(await dialOutcome(world, 50)).toBe('connected')
  })

  test('a dial over a cut link ends at its timeout and a cancelled one never', async () => {
    const world = setUp()
    world.cuts.add('a>b')
    expect(await dialOutcome(world, 3100)).toBe('ETIMEDOUT')
    let isCalled = false
    const cancel = world.network.dialer('a', world.a).dial(address, 100, () => {
      isCalled = true
    })
    cancel()
    await world.run(5000)
    expect(isCalled).toBe(false)
  })

  test('a second listener on one address is refused', async () => {
    const world = setUp()
    const first = await world.network.listener('b', world.b).listen(address, () => {})
    await expect(world.network.listener('b', world.b).listen(address, () => {})).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
    await first.close()
    await expect(world.network.listener('b', world.b).listen(address, () => {})).resolves.toBeDefined()
  })

  test('a corrupted chunk differs in one bit', async () => {
    const world = setUp({ corruptChance: () => 1 })
    const [dialing, accepted] = await connect(world)
    dialing.stream.write(new Uint8Array(50))
    await world.run(50)
    const bits = accepted.heard.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
    expect([accepted.heard.length, bits]).toEqual([50, 1])
  })
})
