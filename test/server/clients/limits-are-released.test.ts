import { expect, test } from 'vitest'
import { SimRandom } from '../../simulator/sim-random.ts'
import { connectFrame, joined } from '../../support/conversation.ts'
import { createFrame, existsFrame, getDataFrame, pingFrame } from '../../support/requests.ts'
import { type RawClient, ServerRig, standaloneConfig } from '../../support/server-rig.ts'

interface RandomClient {
  readonly client: RawClient
  sentCount: number
  hasLeft: boolean
}

/**
 * Clients that send random requests under low limits, so that some wait, are too large, too many, too late or stale.
 */
class RandomClients {
  readonly rig = new ServerRig()
  readonly #random: SimRandom
  readonly #clients: RandomClient[] = []

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
    if (this.#clients.length === 0 || this.#below(10) < 3) {
      const client = await this.rig.connect()
      client.send(connectFrame())
      this.#clients.push({ client, sentCount: 0, hasLeft: false })
    }
    const sender = this.#clients[this.#below(this.#clients.length)]!
    if (sender.hasLeft) return
    const bytes = joined(...Array.from({ length: 1 + this.#below(12) }, () => this.#frame(sender)))
    const cut = this.#below(4) === 0 ? this.#below(bytes.length) : bytes.length
    sender.client.send(bytes.subarray(0, cut))
    await this.rig.run(this.#below(20) / 10)
    if (this.#below(6) === 0) {
      sender.hasLeft = true
      sender.client.stream.destroy()
    } else if (cut < bytes.length) {
      sender.client.send(bytes.subarray(cut))
    }
  }

  /** For each client that stayed: the xids that it got, and the xids that it should get. */
  answered(): { readonly got: readonly (readonly number[])[]; readonly wanted: readonly (readonly number[])[] } {
    const stayed = this.#clients.filter(({ hasLeft }) => !hasLeft)
    return {
      got: stayed.map(({ client }) => xidsOf(client)),
      wanted: stayed.map(({ sentCount }) => Array.from({ length: sentCount }, (_, i) => i + 1)),
    }
  }

  #frame(sender: RandomClient): Uint8Array {
    const kind = this.#below(5)
    if (kind === 0) return pingFrame()
    const xid = ++sender.sentCount
    const path = `/a${this.#below(50)}`
    if (kind === 1) return existsFrame(xid, '/', true)
    if (kind === 2) return getDataFrame(xid, path)
    return createFrame(xid, path, new Uint8Array(this.#below(kind === 3 ? 1300 : 100)))
  }

  #below(bound: number): number {
    return this.#random.uint32() % bound
  }
}

/** The xids of the replies, without pings. */
function xidsOf(client: RawClient): readonly number[] {
  return client.replies().flatMap(({ xid }) => (xid > 0 ? [xid] : []))
}

test.each([1, 2, 3, 4, 5, 6])(
  'random requests under random limits are answered in order, and then count against no limit (seed %i)',
  async (seed) => {
    const clients = new RandomClients(seed)
    const { rig } = clients
    await rig.started(standaloneConfig(clients.limits()))
    for (let i = 0; i < 60; i++) await clients.step()
    await rig.run(3000)
    const { got, wanted } = clients.answered()
    expect(got).toEqual(wanted)
    expect((await rig.metrics()).get('outstanding_requests')).toBe(0)
    const last = await rig.connect()
    last.send(connectFrame())
    await rig.run(20)
    last.send(createFrame(1, '/last', new Uint8Array(900)))
    await rig.run(50)
    expect(last.replies().map(({ xid, error }) => [xid, error])).toEqual([[1, 0]])
  },
)
