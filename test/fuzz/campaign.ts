/**
 * One batch: a standalone server on simulated ports, and clients that send it valid and spoilt requests over many
 * connections at once. Between rounds a sane client must be served. Now and then the server closes, its log is
 * replayed, and every digest must be the one that the running server had.
 * Owns: what counts as an input, and the end of a batch at the first violation.
 */
import type { ErrorName } from '../../src/base/errors.ts'
import type { Zxid } from '../../src/base/ids.ts'
import type { OpName } from '../../src/protocol/client/operations.ts'
import { ReplicatedState } from '../../src/replica/applying/replicated-state.ts'
import type { ZktsServer } from '../../src/server/create-server.ts'
import { recoverLog } from '../../src/storage/recover-log.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { ServerRig, standaloneConfig } from '../support/server-rig.ts'
import { FuzzConnection, type Observer, type SessionHandle } from './fuzz-connection.ts'
import { FuzzCounts } from './fuzz-counts.ts'
import { playRound } from './round.ts'
import { saneFrames } from './sane-client.ts'
import { superDigest, Values } from './values.ts'

export interface BatchResult {
  readonly counts: FuzzCounts
  readonly violation: string | null
  /** What the round with the violation had sent, connection by connection, as hex. */
  readonly lastRound: readonly string[]
}

const roundsPerRestart = 40
const settings = [
  'maxClientCnxns=0',
  'enforceQuota=true',
  `DigestAuthenticationProvider.superDigest=${superDigest}`,
  '4lw.commands.whitelist=*',
  'znode.container.checkIntervalMs=1000',
]

export async function runBatch(seed: number, inputCount: number): Promise<BatchResult> {
  const batch = new Batch(seed)
  try {
    await batch.run(inputCount)
  } catch (cause) {
    batch.violated(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause))
  }
  const { counts, violation, lastRound } = batch
  return { counts, violation, lastRound }
}

class Batch implements Observer {
  readonly counts = new FuzzCounts()
  violation: string | null = null
  lastRound: readonly string[] = []
  readonly #random: SeededRandom
  readonly #values: Values
  readonly #rig: ServerRig
  readonly #disk: SimDisk
  readonly #sessions: SessionHandle[] = []
  readonly #digests = new Map<Zxid, string>()
  #server: ZktsServer | null = null

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#values = new Values(this.#random)
    this.#rig = new ServerRig((line) => {
      this.counts.logged(line)
      if (line.level === 'error') this.violated(`the server logged ${line.event}: ${JSON.stringify(line.fields)}`)
    })
    this.#disk = this.#rig.disk(seed)
  }

  replied(name: OpName | 'unknown', error: ErrorName | null): void {
    this.counts.replied(name, error)
  }

  violated(text: string): void {
    this.violation ??= text
  }

  async run(inputCount: number): Promise<void> {
    await this.#start()
    for (let round = 1; this.counts.inputs < inputCount && this.violation === null; round++) {
      this.lastRound = await playRound({
        random: this.#random,
        values: this.#values,
        counts: this.counts,
        sessions: this.#sessions,
        connect: () => this.#connect(),
        run: (ms) => this.#rig.run(ms),
      })
      if (this.violation === null) await this.#checkServes()
      if (this.violation === null && round % roundsPerRestart === 0) await this.#restart()
    }
    if (this.violation === null) await this.#restart()
  }

  async #start(): Promise<void> {
    const config = standaloneConfig(settings)
    const { server } = this.#rig.server(config, this.#disk, undefined, (event) => {
      if (event.kind !== 'applied') return
      const known = this.#digests.get(event.zxid)
      if (known !== undefined && known !== event.digest) this.violated(`txn ${event.zxid} has another digest now`)
      this.#digests.set(event.zxid, event.digest)
    })
    const started = await this.#rig.settle(server.start())
    if (!started.ok) return this.violated(`the server does not start: ${started.error.message}`)
    this.#server = server
    await this.#rig.run(100)
  }

  async #connect(): Promise<FuzzConnection> {
    return new FuzzConnection(await this.#rig.connectStream(), this)
  }

  /** A client that sends only valid requests is served, whatever the others did. */
  async #checkServes(): Promise<void> {
    const client = await this.#connect()
    const { bytes, expected, okCount } = saneFrames()
    client.send(bytes, expected)
    await this.#rig.run(300)
    if (client.isClosed && !client.isIdle) return this.violated('the connection of a sane client was closed')
    if (!client.isIdle) return this.violated('a sane client waits for its replies')
    if (client.okCount < okCount) this.violated(`a sane client had ${client.okCount} successes of ${okCount}`)
  }

  /** All clients have disconnected, so the server may keep nothing of them. Then the log must give the same tree. */
  async #restart(): Promise<void> {
    await this.#rig.run(100)
    await this.#checkNothingIsLeft()
    await this.#rig.settle(this.#server!.close())
    await this.#replayLog()
    this.counts.restarts++
    await this.#start()
  }

  async #checkNothingIsLeft(): Promise<void> {
    const text = await this.#ask('mntr')
    for (const [key, expected] of [
      ['zk_num_alive_connections', 1], // the one that asks
      ['zk_outstanding_requests', 0],
      ['zk_watch_count', 0],
    ] as const) {
      const value = new RegExp(`^${key}\t(.*)$`, 'm').exec(text)?.[1]
      if (value !== String(expected)) this.violated(`${key} is ${value} with no other client connected`)
    }
  }

  async #ask(word: string): Promise<string> {
    const client = await this.#rig.connect()
    client.send(new TextEncoder().encode(word))
    await this.#rig.run(100)
    return client.text
  }

  async #replayLog(): Promise<void> {
    const state = new ReplicatedState()
    const recovery = await this.#rig.settle(
      recoverLog({
        disk: this.#disk,
        log: this.#rig.log,
        folder: '/data/wal',
        serverId: standaloneConfig().serverId,
        base: null,
        segmentSizeBytes: 64 * 1024,
        check: () => null,
        onCommitted: (entry) => {
          state.restore(entry)
          const known = this.#digests.get(entry.zxid)
          if (known !== undefined && known !== state.tree.digest()) {
            this.violated(`txn ${entry.zxid} gives another tree in the replay`)
          }
        },
      }),
    )
    if (!recovery.ok) return this.violated(`the log cannot be replayed: ${recovery.error.message}`)
    state.tree.verify()
    this.counts.replayedTxns += this.#digests.size
  }
}
