/**
 * One to three replicas that a test drives: messages between them and completions of their logs are delivered only in
 * `run`, and time advances only in `pass`. A disk or a link can be held, to test the state before a write is durable or
 * a message has arrived.
 */
import { createHash } from 'node:crypto'
import type { ConnectionId, ServerId } from '../../src/base/ids.ts'
import { zeroZxid } from '../../src/base/ids.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { Membership } from '../../src/membership/membership.ts'
import { newMetrics, type ServerMetrics } from '../../src/metrics/server-metrics.ts'
import type { LogFields } from '../../src/ports/log.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { PeerMessage } from '../../src/protocol/peer/peer-message.ts'
import { ReplicatedState } from '../../src/replica/applying/replicated-state.ts'
import type {
  BackupStep,
  Effect,
  ReplicaCloseReason,
  ReplicaEvent,
  Reply,
  WatchNotice,
} from '../../src/replica/contract.ts'
import { Replica } from '../../src/replica/replica.ts'
import type { CopyStep, StorageEffect } from '../../src/zab/zab-contract.ts'
import { TestLog } from '../support/test-log.ts'
import { silentLog } from '../support/zab-settings.ts'
import { localKey } from './standalone-replica.ts'
import { contentsOf, copyOf, type StateCopy } from './state-copy.ts'

export type Output =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'event'; readonly event: WatchNotice }
  | { readonly kind: 'closed'; readonly reason: ReplicaCloseReason }

export interface LoggedError {
  readonly event: string
  readonly fields: LogFields
}

interface Server {
  readonly id: ServerId
  readonly replica: Replica
  readonly state: ReplicatedState
  readonly log: TestLog
  readonly metrics: ServerMetrics
  /** What it logs at error. */
  readonly errors: LoggedError[]
  /** The events that it logs at warn. */
  readonly warnings: string[]
  /** What made it stop; it goes on in this test. */
  readonly stopReasons: string[]
  /** Counts the restarts. */
  readonly run: number
  /** What was before its log. */
  checkpoint: StateCopy | null
  openedCopy: number | null
  readonly chunks: Uint8Array[]
}

interface Waiting {
  readonly lane: string
  readonly happen: () => void
}

const wallMsAtStart = 1_700_000_000_000
const stepMs = 50

export class TestEnsemble {
  readonly servers: Server[]
  readonly outputs = new Map<ConnectionId, Output[]>()
  /** What clients have asked for; the test answers it by `feed`. */
  readonly backupSteps: BackupStep[] = []
  readonly handOverEnds: { readonly at: ServerId; readonly to: ServerId | null; readonly problem: string | null }[] = []
  readonly sent: { readonly from: ServerId; readonly to: ServerId; readonly message: PeerMessage }[] = []
  readonly #configLines: (id: ServerId) => readonly string[]
  readonly #mayStop: boolean
  readonly #heldLanes = new Set<string>()
  readonly #links = new Set<string>()
  #waiting: Waiting[] = []
  #nowMs = 0
  #lastConnection = 0

  constructor(
    serverCount: number,
    configLines: readonly string[] | ((id: ServerId) => readonly string[]) = [],
    { mayStop = false } = {},
  ) {
    this.#mayStop = mayStop
    const ids = Array.from({ length: serverCount }, (_, i) => (i + 1) as ServerId)
    const linesOf = typeof configLines === 'function' ? configLines : () => configLines
    this.#configLines = linesOf
    const fresh = { voters: ids, run: 0, checkpoint: null }
    this.servers = ids.map((id) => newServer({ ...fresh, id, configLines: linesOf(id), log: newLog() }))
    for (const server of this.servers) this.#perform(server, server.replica.start(this.#stamp))
    for (const a of ids) for (const b of ids) if (a < b) this.link(a, b)
    this.pass(200)
  }

  get leader(): Server {
    const leader = this.servers.find(
      ({ replica }) => replica.status().role === 'leading' && replica.status().serving === 'serving',
    )
    if (leader === undefined) throw new Error('no server leads')
    return leader
  }

  get follower(): Server {
    return this.servers.find((server) => server !== this.leader)!
  }

  // --- links, disks and time ---

  link(a: number, b: number): void {
    this.#links.add(`${a}-${b}`)
    this.feed(a, { kind: 'peer-connected', peer: b as ServerId })
    this.feed(b, { kind: 'peer-connected', peer: a as ServerId })
  }

  unlink(a: number, b: number): void {
    this.#links.delete(`${a}-${b}`)
    this.#waiting = this.#waiting.filter(({ lane }) => lane !== `${a}->${b}` && lane !== `${b}->${a}`)
    this.feed(a, { kind: 'peer-disconnected', peer: b as ServerId, wasSilent: false })
    this.feed(b, { kind: 'peer-disconnected', peer: a as ServerId, wasSilent: false })
  }

  /** Ends the process and starts it again with its log only; the test has to link it again. */
  restart(id: number): void {
    for (const other of this.servers) if (other.id !== id) this.unlink(Math.min(id, other.id), Math.max(id, other.id))
    this.#waiting = this.#waiting.filter(({ lane }) => lane !== `disk-${id}` && lane !== `copy-${id}`)
    const { log, run, checkpoint } = this.servers[id - 1]!
    const voters = this.servers.map((server) => server.id)
    const server = newServer({
      id: id as ServerId,
      voters,
      configLines: this.#configLines(id as ServerId),
      log,
      run: run + 1,
      checkpoint,
    })
    this.servers[id - 1] = server
    this.#perform(server, server.replica.start(this.#stamp))
  }

  /** The server makes a checkpoint of its state, and forgets the txns up to it. */
  makeCheckpoint(id: number): void {
    const server = this.servers[id - 1]!
    if (server.log.lastZxid !== server.state.lastApplied) throw new Error('the log has txns that were not applied')
    server.checkpoint = copyOf(server.state)
    server.log.removeFront(server.checkpoint)
  }

  /** The disk is emptied; see `restart`. */
  wipe(id: number): void {
    const server = this.servers[id - 1]!
    server.log.wipe()
    server.checkpoint = null
    this.restart(id)
  }

  /** `disk-1`, `copy-1` or `1->2`. */
  hold(...lanes: readonly string[]): void {
    for (const lane of lanes) this.#heldLanes.add(lane)
  }

  release(...lanes: readonly string[]): void {
    for (const lane of lanes) this.#heldLanes.delete(lane)
    this.run()
  }

  /** Ends turns and delivers messages until nothing is left to deliver. */
  run(): void {
    for (;;) {
      for (const server of this.servers) this.#endTurn(server)
      const index = this.#waiting.findIndex(({ lane }) => !this.#heldLanes.has(lane))
      if (index < 0) return
      this.#waiting.splice(index, 1)[0]!.happen()
    }
  }

  /** Advances time in ticks. */
  pass(ms: number): void {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      this.#nowMs += stepMs
      for (const server of this.servers) this.feed(server.id, { kind: 'tick' })
      this.run()
    }
  }

  feed(id: number, event: ReplicaEvent): void {
    const server = this.servers[id - 1]!
    this.#perform(server, server.replica.handle(event, this.#stamp))
  }

  newConnection(id: number, remoteAddress: string): ConnectionId {
    const connectionId = ++this.#lastConnection as ConnectionId
    this.outputs.set(connectionId, [])
    this.feed(id, { kind: 'connection-opened', connectionId, remoteAddress })
    return connectionId
  }

  #endTurn(server: Server): void {
    this.#perform(server, server.replica.handle({ kind: 'turn-ended' }, this.#stamp))
  }

  get #stamp(): { readonly monotonicMs: number; readonly wallMs: number } {
    return { monotonicMs: this.#nowMs, wallMs: wallMsAtStart + this.#nowMs }
  }

  #perform(server: Server, effects: readonly Effect[]): void {
    for (const effect of effects) this.#performOne(server, effect)
  }

  #performOne(server: Server, effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(server.id, effect.to, effect.message)
      case 'persist':
      case 'truncate-log':
      case 'read-log':
      case 'restart-log':
        this.#waiting.push({ lane: `disk-${server.id}`, happen: () => this.#complete(server, effect) })
        return
      case 'copy-step':
        this.#waiting.push({ lane: `copy-${server.id}`, happen: () => this.#completeCopyStep(server, effect.step) })
        return
      case 'backup-step':
        this.backupSteps.push(effect.step)
        return
      case 'backups-left':
        return
      case 'reply':
      case 'connect-response':
        return this.#deliver(effect.connectionId, { kind: 'reply', reply: effect })
      case 'notify':
        return this.#deliver(effect.connectionId, { kind: 'event', event: effect.event })
      case 'close-connection':
        return this.#deliver(effect.connectionId, { kind: 'closed', reason: effect.reason })
      case 'hand-over-ended':
        this.handOverEnds.push({ at: server.id, to: effect.to, problem: effect.problem })
        return
      case 'stop':
        if (!this.#mayStop) throw new Error(`server ${server.id} stops: ${effect.reason}`)
        server.stopReasons.push(effect.reason)
    }
  }

  #deliver(connectionId: ConnectionId, output: Output): void {
    const all = this.outputs.get(connectionId)!
    if (all.at(-1)?.kind === 'closed') throw new Error(`connection ${connectionId} gets ${output.kind} after its end`)
    all.push(output)
  }

  #send(from: ServerId, to: ServerId, message: PeerMessage): void {
    this.sent.push({ from, to, message })
    if (!this.#links.has(`${Math.min(from, to)}-${Math.max(from, to)}`)) return
    const happen = (): void => this.feed(to, { kind: 'peer-message', peer: from, message })
    this.#waiting.push({ lane: `${from}->${to}`, happen })
  }

  #complete(server: Server, effect: StorageEffect): void {
    server.log.perform(effect)
    if (effect.kind === 'persist') {
      for (const send of effect.whenDurable) this.#performOne(server, send)
      this.feed(server.id, { kind: 'persisted', tag: effect.tag })
    } else if (effect.kind === 'truncate-log') {
      this.feed(server.id, { kind: 'log-truncated', zxid: effect.zxid })
    } else if (effect.kind === 'restart-log') {
      if (effect.zxid === 0) server.checkpoint = null
      this.feed(server.id, { kind: 'log-restarted', zxid: effect.zxid })
    } else {
      this.feed(server.id, { kind: 'log-read', ticket: effect.ticket, ...server.log.read(effect.after, 10) })
    }
  }

  #completeCopyStep(server: Server, step: CopyStep): void {
    const answer = (answered: Extract<ReplicaEvent, { readonly kind: 'copy-answer' }>['answer']): void =>
      this.feed(server.id, { kind: 'copy-answer', answer: answered })
    switch (step.kind) {
      case 'open': {
        const copy = server.checkpoint!
        server.openedCopy = openedCopies.push(copy) - 1
        return answer({ ...step, kind: 'opened', zxid: copy.zxid, hash: copy.hash, sizeBytes: copy.images.length })
      }
      case 'read': {
        const chunk = step.number < chunkCount ? Uint8Array.of(server.openedCopy!, step.number) : null
        return answer({ ...step, kind: 'chunk', chunk })
      }
      case 'add':
        server.chunks[step.number] = step.chunk
        return answer({ kind: 'added', ticket: step.ticket, number: step.number, isGood: true })
      case 'finish': {
        const copy = openedCopies[server.chunks[0]![0]!]!
        server.checkpoint = copy
        server.log.received = { zxid: copy.zxid, hash: copy.hash, clusterId: 7 as ClusterId }
        this.feed(server.id, { kind: 'copy-received', ticket: step.ticket, contents: contentsOf(copy) })
        return
      }
      case 'receive':
      case 'abort':
        server.chunks.length = 0
        return
      case 'close':
      case 'hold-log':
    }
  }
}

/** The copies that leaders have opened, in this process: their chunks name them. */
const openedCopies: StateCopy[] = []
const chunkCount = 3
function newLog(): TestLog {
  return new TestLog(() => false)
}

interface NewServer extends Pick<Server, 'id' | 'log' | 'run' | 'checkpoint'> {
  readonly voters: readonly ServerId[]
  readonly configLines: readonly string[]
}

function newServer({ id, voters, configLines, log, run, checkpoint }: NewServer): Server {
  const state = new ReplicatedState()
  const members = voters.length === 1 ? [] : voters.map((voter) => `server.${voter}=10.0.0.${voter}:2888:3888`)
  const limits = ['dataDir=/data', 'clientPort=2181', 'tickTime=1000', 'initLimit=5', 'syncLimit=2']
  const text = [...limits, ...members, ...configLines].join('\n')
  const loaded = loadConfig({ text, dynamicText: null, myidText: String(id) })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  const { config } = loaded.value
  const metrics = newMetrics()
  const errors: LoggedError[] = []
  const warnings: string[] = []
  const note = (event: string, fields: LogFields = {}): void => void errors.push({ event, fields })
  const recovered = log.recover(zeroZxid)
  if (checkpoint !== null) state.install(contentsOf(checkpoint))
  for (const entry of log.txns)
    if (entry.zxid > state.lastApplied && entry.zxid <= recovered.committed) state.restore(entry)
  const replica = new Replica({
    config,
    state,
    recovered,
    zab: {
      self: id,
      membership: Membership.ofMajority(voters),
      peerTimeoutMs: 1_000,
      initLimitMs: 5_000,
      heartbeatIntervalMs: 200,
      slowLeaderMs: 0,
      settleMs: 10,
      firstIncarnation: 1000 * run + 100 * id,
      freshClusterId: 7 as ClusterId,
      trustsEmptyLog: true,
      copiesAtOnceMax: 2,
    },
    incarnation: 100 * run + 10 + id,
    wallMsAtStart,
    hash: (bytes) => createHash('sha1').update(bytes).digest(),
    localKey,
    log: { ...silentLog, error: note, warn: (event) => void warnings.push(event) },
    metrics,
    trace: null,
  })
  return {
    id,
    replica,
    state,
    log,
    metrics,
    errors,
    warnings,
    stopReasons: [],
    run,
    checkpoint,
    openedCopy: null,
    chunks: [],
  }
}
