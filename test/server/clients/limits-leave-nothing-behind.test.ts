import { expect, test } from 'vitest'
import { SimRandom } from '../../simulator/sim-random.ts'
import { connectFrame, joined, textBytes } from '../../support/conversation.ts'
import { createFrame, existsFrame, getDataFrame, pingFrame } from '../../support/requests.ts'
import { type RawClient, standaloneConfig, World } from '../../support/server-rig.ts'

interface Player {
  readonly client: RawClient
  sentCount: number
  hasLeft: boolean
}

/** Tight limits, so that requests wait, are too large, too many, too late and stale, in every mixture. */
class Play {
  readonly world = new World()
  readonly #random: SimRandom
  readonly #players: Player[] = []

  constructor(seed: number) {
    this.#random = new SimRandom(seed)
  }

  limits(): readonly string[] {
    const flags = ['request_stale_latency_check', 'request_stale_connection_check', 'request_throttle_drop_stale']
    return [
      'jute.maxbuffer=1024',
      'largeRequestThreshold=100',
      'largeRequestMaxBytes=1500',
      'maxClientCnxns=0',
      `request_throttle_max_requests=${this.#below(4)}`,
      `throttled_op_wait_time=${this.#below(3)}`,
      `globalOutstandingLimit=${1 + this.#below(5)}`,
      ...flags.map((key) => `${key}=${this.#below(2) === 1}`),
    ]
  }

  async step(): Promise<void> {
    if (this.#players.length === 0 || this.#below(10) < 3) {
      const client = await this.world.connect()
      client.send(connectFrame())
      this.#players.push({ client, sentCount: 0, hasLeft: false })
    }
    const player = this.#players[this.#below(this.#players.length)]!
    if (player.hasLeft) return
    const bytes = joined(...Array.from({ length: 1 + this.#below(12) }, () => this.#frame(player)))
    const cut = this.#below(4) === 0 ? this.#below(bytes.length) : bytes.length
    player.client.send(bytes.subarray(0, cut))
    await this.world.run(this.#below(20) / 10)
    if (this.#below(6) === 0) {
      player.hasLeft = true
      player.client.stream.destroy()
    } else if (cut < bytes.length) {
      player.client.send(bytes.subarray(cut))
    }
  }

  /** The xids of the answers to those who stayed, and what they should be. */
  answered(): { readonly got: readonly (readonly number[])[]; readonly wanted: readonly (readonly number[])[] } {
    const stayed = this.#players.filter(({ hasLeft }) => !hasLeft)
    return {
      got: stayed.map(({ client }) => xidsOf(client)),
      wanted: stayed.map(({ sentCount }) => Array.from({ length: sentCount }, (_, i) => i + 1)),
    }
  }

  #frame(player: Player): Uint8Array {
    const kind = this.#below(5)
    if (kind === 0) return pingFrame()
    const xid = ++player.sentCount
    const path = `/a${this.#below(50)}`
    if (kind === 1) return existsFrame(xid, '/', true)
    if (kind === 2) return getDataFrame(xid, path)
    return createFrame(xid, path, new Uint8Array(this.#below(kind === 3 ? 1300 : 100)))
  }

  #below(bound: number): number {
    return this.#random.uint32() % bound
  }
}

/** Without those of pings. */
function xidsOf(client: RawClient): readonly number[] {
  return client.replies().flatMap(({ xid }) => (xid > 0 ? [xid] : []))
}

test.each([1, 2, 3, 4, 5, 6])(
  'random requests under random limits are answered in order and free all they took (seed %i)',
  async (seed) => {
    const play = new Play(seed)
    const { world } = play
    await world.started(standaloneConfig(play.limits()))
    for (let i = 0; i < 60; i++) await play.step()
    await world.run(3000)
    const { got, wanted } = play.answered()
    expect(got).toEqual(wanted)
    const operator = await world.connect()
    operator.send(textBytes('mntr'))
    await world.run(50)
    expect(operator.text).toContain('zk_outstanding_requests\t0\n')
    const last = await world.connect()
    last.send(connectFrame())
    await world.run(20)
    last.send(createFrame(1, '/last', new Uint8Array(900)))
    await world.run(50)
    expect(last.replies().map(({ xid, error }) => [xid, error])).toEqual([[1, 0]])
  },
)
