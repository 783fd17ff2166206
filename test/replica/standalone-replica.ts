/**
 * A standalone replica that the test drives. Its `persist` effects are held until `flush`, so that a test can check the
 * time in which a txn is proposed and not yet committed.
 */
import { createHash } from 'node:crypto'
import type { ConnectionId, ServerId, SessionId } from '../../src/base/ids.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { Membership } from '../../src/membership/membership.ts'
import { newMetrics } from '../../src/metrics/server-metrics.ts'
import type { Log } from '../../src/ports/log.ts'
import { type OpName, ops } from '../../src/protocol/client/operations.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { ReplicatedState } from '../../src/replica/applying/replicated-state.ts'
import type { BackupAnswer, BackupStep, Effect, ReplicaEvent, Reply, WatchNotice } from '../../src/replica/contract.ts'
import { Replica } from '../../src/replica/replica.ts'
import { requestRead } from '../support/conversation.ts'
import { nothingRecovered } from '../support/zab-settings.ts'

type PersistTag = Extract<Effect, { readonly kind: 'persist' }>['tag']

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
export const localKey = 'ab12'.repeat(16)
export const wallMsAtStart = 1_700_000_000_000

export class StandaloneReplica {
  readonly state = new ReplicatedState()
  readonly replies: Reply[] = []
  readonly events: WatchNotice[] = []
  readonly backupSteps: BackupStep[] = []
  readonly metrics = newMetrics()
  readonly #replica: Replica
  #unflushed: PersistTag[] = []
  #nowMs = 0
  #lastXid = 0

  constructor(configLines: readonly string[] = []) {
    const text = ['dataDir=/data', 'clientPort=2181', 'tickTime=1000', ...configLines].join('\n')
    const loaded = loadConfig({ text, dynamicText: null, myidText: null })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
    const { config } = loaded.value
    this.#replica = new Replica({
      config,
      state: this.state,
      recovered: nothingRecovered,
      zab: {
        self: 1 as ServerId,
        membership: Membership.ofMajority([1 as ServerId]),
        peerTimeoutMs: config.peerTimeoutMs,
        initLimitMs: config.initLimitMs,
        heartbeatIntervalMs: config.heartbeatIntervalMs,
        slowLeaderMs: 0,
        settleMs: 10,
        firstIncarnation: 1,
        freshClusterId: 7 as ClusterId,
        trustsEmptyLog: true,
        copiesAtOnceMax: 2,
      },
      incarnation: 1,
      wallMsAtStart,
      hash: (bytes) => createHash('sha1').update(bytes).digest(),
      localKey,
      log: silent,
      metrics: this.metrics,
      trace: null,
    })
    this.#perform(this.#replica.start(this.#stamp))
    this.#endTurn()
    for (let i = 0; i < 100 && this.#replica.status().serving !== 'serving'; i++) this.pass(50)
    if (this.#replica.status().serving !== 'serving') throw new Error('the standalone replica does not serve')
  }

  /** Connects a client with a new session of 20 s; its creation is durable after `diskDelayMs`. */
  connect(connection: number, diskDelayMs = 0): void {
    const id = connection as ConnectionId
    this.#feed({ kind: 'connection-opened', connectionId: id, remoteAddress: '127.0.0.1' })
    const request = { kind: 'connect', lastZxidSeen: 0n, timeoutMs: 20_000, sessionId: 0n as SessionId } as const
    this.#feed({ kind: 'request', connectionId: id, request: { ...request, password: null, canBeReadOnly: false } })
    if (diskDelayMs > 0) this.tickUnflushed(diskDelayMs)
    this.flush()
  }

  /** Sends a request and does not wait for the disk. */
  send(connection: number, op: OpName, body: Uint8Array): void {
    const xid = ++this.#lastXid
    const request = requestRead(xid, xid, ops[op].opcode, body)
    this.#feed({ kind: 'request', connectionId: connection as ConnectionId, request })
  }

  disconnect(connection: number): void {
    this.#feed({ kind: 'connection-closed', connectionId: connection as ConnectionId })
  }

  /** Sends a request, completes the writes of the disk, and returns the last reply; `xid` is its own, except for pings. */
  ask(connection: number, op: OpName, body: Uint8Array, xid?: number): Extract<Reply, { readonly kind: 'reply' }> {
    this.send(connection, op, body)
    this.flush()
    const reply = this.replies.at(-1)
    if (reply?.kind !== 'reply' || reply.xid !== (xid ?? this.#lastXid)) throw new Error(`${op} was not answered`)
    return reply
  }

  answerBackup(sequence: number, answer: BackupAnswer): void {
    this.#feed({ kind: 'backup-answer', sequence, answer })
  }

  /** Completes all writes of the disk, so that their txns are committed. */
  flush(): void {
    while (this.#unflushed.length > 0) {
      const tags = this.#unflushed
      this.#unflushed = []
      for (const tag of tags) this.#feed({ kind: 'persisted', tag })
    }
  }

  /** Advances time in ticks; the disk completes its writes after each. */
  pass(ms: number): void {
    const until = this.#nowMs + ms
    while (this.#nowMs < until) {
      this.#nowMs = Math.min(until, this.#nowMs + 50)
      this.#feed({ kind: 'tick' })
      this.flush()
    }
  }

  /** One tick; proposals that it causes stay in flight. */
  tickUnflushed(ms: number): void {
    this.#nowMs += ms
    this.#feed({ kind: 'tick' })
  }

  #feed(event: ReplicaEvent): void {
    this.#perform(this.#replica.handle(event, this.#stamp))
    this.#endTurn()
  }

  #endTurn(): void {
    this.#perform(this.#replica.handle({ kind: 'turn-ended' }, this.#stamp))
  }

  get #stamp(): { monotonicMs: number; wallMs: number } {
    return { monotonicMs: this.#nowMs, wallMs: wallMsAtStart + this.#nowMs }
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'persist') this.#unflushed.push(effect.tag)
      else if (effect.kind === 'reply' || effect.kind === 'connect-response') this.replies.push(effect)
      else if (effect.kind === 'notify') this.events.push(effect.event)
      else if (effect.kind === 'backup-step') this.backupSteps.push(effect.step)
      else if (effect.kind === 'stop') throw new Error(effect.reason)
    }
  }
}
