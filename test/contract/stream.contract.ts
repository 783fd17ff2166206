/** The contract of every `Listener` and `Dialer`; the real ones and the simulated ones both pass it. */
import { expect, test } from 'vitest'
import type { Address, ByteStream, Dialer, Listener } from '../../src/ports/stream.ts'

export interface StreamsUnderTest {
  readonly listener: Listener
  readonly dialer: Dialer
  /** Where to listen: a free port. */
  readonly address: Address
  /** An address where no process listens. */
  readonly deadAddress: Address
  /** Lets time pass until the condition holds; fails if it never does. */
  readonly until: (condition: () => boolean) => Promise<void>
}

interface Side {
  readonly stream: ByteStream
  readonly heard: number[]
  readonly closes: (Error | null)[]
  drainCount: number
}

export function streamContract(twin: string, make: () => Promise<StreamsUnderTest>): void {
  const check = (title: string, body: (pair: Pair) => Promise<void>): void => {
    test(`${twin}: ${title}`, async () => {
      const under = await make()
      const pair = await connectPair(under)
      await body(pair)
      for (const side of [pair.dialling, pair.accepted]) side.stream.destroy()
      await under.until(() => pair.dialling.closes.length === 1 && pair.accepted.closes.length === 1)
      await pair.closeListener()
    })
  }

  check('bytes arrive in order in both directions', async ({ dialling, accepted, until }) => {
    dialling.stream.write(Uint8Array.of(1, 2))
    dialling.stream.write(Uint8Array.of(3))
    accepted.stream.write(Uint8Array.of(9))
    await until(() => accepted.heard.length === 3 && dialling.heard.length === 1)
    expect(accepted.heard).toEqual([1, 2, 3])
    expect(dialling.heard).toEqual([9])
  })

  check(
    'end sends what is queued and then closes both sides without an error',
    async ({ dialling, accepted, until }) => {
      dialling.stream.write(Uint8Array.of(1, 2, 3))
      dialling.stream.end()
      await until(() => accepted.closes.length === 1 && dialling.closes.length === 1)
      expect(accepted.heard).toEqual([1, 2, 3])
      expect([accepted.closes, dialling.closes]).toEqual([[null], [null]])
    },
  )

  check('after destroy no bytes arrive and writes are ignored', async ({ dialling, accepted, until }) => {
    accepted.stream.destroy()
    accepted.stream.write(Uint8Array.of(1))
    dialling.stream.write(Uint8Array.of(2))
    await until(() => accepted.closes.length === 1 && dialling.closes.length === 1)
    expect(accepted.heard).toEqual([])
    expect(dialling.heard).toEqual([])
  })

  check('a paused stream gets no bytes until it resumes', async ({ dialling, accepted, until }) => {
    accepted.stream.pause()
    dialling.stream.write(Uint8Array.of(1))
    accepted.stream.write(Uint8Array.of(2)) // a round trip in the other direction: time has passed
    await until(() => dialling.heard.length === 1)
    expect(accepted.heard).toEqual([])
    accepted.stream.resume()
    await until(() => accepted.heard.length === 1)
  })

  check(
    'a slow reader makes write answer false and drain follows when it reads',
    async ({ dialling, accepted, until }) => {
      accepted.stream.pause()
      const block = new Uint8Array(1024 * 1024)
      let sentBytes = 0
      for (let i = 0; i < 64; i++) {
        sentBytes += block.length
        if (!dialling.stream.write(block)) break
      }
      expect(dialling.stream.queuedBytes()).toBeGreaterThan(0)
      accepted.stream.resume()
      await until(() => accepted.heard.length === sentBytes)
      await until(() => dialling.drainCount > 0)
      expect(dialling.stream.queuedBytes()).toBe(0)
    },
  )

  check('addresses are numeric and ports are those of the other side', async ({ dialling, accepted, port }) => {
    expect(dialling.stream.remotePort).toBe(port)
    expect(accepted.stream.localPort).toBe(port)
    expect(accepted.stream.remotePort).toBe(dialling.stream.localPort)
    expect(accepted.stream.remoteAddress).not.toMatch(/^::ffff:/)
  })

  test(`${twin}: a dial where no process listens answers once with the reason`, async () => {
    const { dialer, deadAddress, until } = await make()
    const outcomes: string[] = []
    dialer.dial(deadAddress, 5_000, (outcome) => {
      outcomes.push(outcome.ok ? 'connected' : String((outcome.error as { code?: string }).code))
    })
    await until(() => outcomes.length > 0)
    expect(outcomes).toEqual(['ECONNREFUSED'])
  })

  test(`${twin}: a cancelled dial never answers`, async () => {
    const { dialer, deadAddress, until } = await make()
    const outcomes: boolean[] = []
    const cancel = dialer.dial(deadAddress, 5_000, (outcome) => void outcomes.push(outcome.ok))
    cancel()
    let otherAnswered = false
    dialer.dial(deadAddress, 5_000, () => {
      otherAnswered = true
    })
    await until(() => otherAnswered)
    expect(outcomes).toEqual([])
  })

  test(`${twin}: a port that is taken rejects with the system's code`, async () => {
    const { listener, address } = await make()
    const first = await listener.listen(address, () => undefined)
    await expect(listener.listen(first.address, () => undefined)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await first.close()
  })
}

interface Pair {
  readonly dialling: Side
  readonly accepted: Side
  readonly port: number
  readonly until: StreamsUnderTest['until']
  readonly closeListener: () => Promise<void>
}

async function connectPair({ listener, dialer, address, until }: StreamsUnderTest): Promise<Pair> {
  const sides: { dialling: Side | null; accepted: Side | null } = { dialling: null, accepted: null }
  const handle = await listener.listen(address, (stream) => {
    sides.accepted = observe(stream)
  })
  dialer.dial(handle.address, 5_000, (outcome) => {
    if (outcome.ok) sides.dialling = observe(outcome.stream)
  })
  await until(() => sides.dialling !== null && sides.accepted !== null)
  const { dialling, accepted } = sides
  if (dialling === null || accepted === null) throw new Error('the streams are connected by now')
  return { dialling, accepted, port: handle.address.port, until, closeListener: () => handle.close() }
}

function observe(stream: ByteStream): Side {
  const side: Side = { stream, heard: [], closes: [], drainCount: 0 }
  stream.handle({
    onData: (bytes) => {
      // slice() of a subclass could share memory; receivers rely on it to copy.
      expect(bytes.constructor).toBe(Uint8Array)
      for (const byte of bytes) side.heard.push(byte)
    },
    onDrain: () => {
      side.drainCount++
    },
    onClose: (error) => {
      side.closes.push(error)
    },
  })
  return side
}
