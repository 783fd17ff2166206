/**
 * A small cluster of `Zab` objects, driven by the commands of a scenario file alone: no randomness, and time passes
 * only in `wait`. Every effect becomes a line of the trace, in the order in which it happened.
 */
import { emptyChainHash, nextChainHash } from '../../src/base/chain-hash.ts'
import { type Epoch, hexOfZxid, makeZxid, type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import { Membership } from '../../src/membership/membership.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ClusterId, LogRecord } from '../../src/protocol/disk/log-record.ts'
import { describePeerMessage, type ZabMessage } from '../../src/protocol/peer/peer-message.ts'
import type { HistoryPoint } from '../../src/zab/history.ts'
import { Zab, type ZabEvent } from '../../src/zab/zab.ts'
import type { CopyAnswer, CopyStep, StorageEffect, ZabEffect } from '../../src/zab/zab-contract.ts'
import { TestLog } from '../support/test-log.ts'
import { silentLog } from '../support/zab-settings.ts'

interface Server {
  readonly id: ServerId
  readonly log: TestLog
  zab: Zab | null
  starts: number
  freshClusterId: ClusterId
  trustsEmptyLog: boolean
  prefersCopies: boolean
}

/** The events to come, in order; `lane` is the link or the disk of an event. */
interface Waiting {
  readonly lane: string
  readonly happen: () => void
}

const tickMs = 20

export class ZabScript {
  readonly #servers = new Map<number, Server>()
  readonly #links = new Set<string>() // "a-b", lower id first
  readonly #heldLanes = new Set<string>()
  #waiting: Waiting[] = []
  #trace: string[] = []
  #nowMs = 0
  #copy: HistoryPoint | null = null

  /** Performs one command and returns the trace of it. */
  perform(line: string): readonly string[] {
    this.#trace = []
    const [command, ...words] = line.split(/\s+/)
    const ids = words.map(Number)
    switch (command) {
      case 'servers':
        for (let id = 1; id <= ids[0]!; id++) this.#addServer(id as ServerId)
        break
      case 'log':
        this.#writeLog(this.#server(ids[0]!), words.slice(1))
        break
      case 'mint': // the cluster id that this server would give to an ensemble
        this.#server(ids[0]!).freshClusterId = ids[1] as ClusterId
        break
      case 'distrust': // the empty logs of these servers
        for (const id of ids) this.#server(id).trustsEmptyLog = false
        break
      case 'prefer-copies': // to its log, wherever this server may choose
        for (const id of ids) this.#server(id).prefersCopies = true
        break
      case 'start':
        for (const id of ids) this.#start(this.#server(id))
        break
      case 'connect':
        this.#connect(ids)
        break
      case 'disconnect':
        this.#disconnect(ids[0]!, ids[1]!)
        break
      case 'crash':
        this.#crash(ids[0]!)
        break
      case 'hold':
        for (const lane of words) this.#heldLanes.add(lane)
        break
      case 'release':
        for (const lane of words) this.#heldLanes.delete(lane)
        break
      case 'run':
        break
      case 'wait':
        return this.#wait(ids[0]!)
      case 'propose':
        this.#propose(this.#server(ids[0]!), ids[1] ?? 1)
        break
      case 'confirm': {
        const server = this.#server(ids[0]!)
        this.#performAll(server, server.zab!.confirmLeadership(this.#nowMs).effects)
        break
      }
      case 'hand-over': // server 3 to server 1, or to 0: any
        this.#handOver(this.#server(ids[0]!), ids[1]!)
        break
      case 'show':
        for (const server of this.#servers.values()) this.#show(server)
        break
      default:
        throw new Error(`no such command: ${line}`)
    }
    this.#runUntilQuiet()
    return this.#trace
  }

  #server(id: number): Server {
    const server = this.#servers.get(id)
    if (server === undefined) throw new Error(`there is no server ${id}`)
    return server
  }

  #addServer(id: ServerId): void {
    this.#servers.set(id, {
      id,
      log: new TestLog(() => false),
      zab: null,
      starts: 0,
      freshClusterId: 77 as ClusterId,
      trustsEmptyLog: true,
      prefersCopies: false,
    })
  }

  /**
   * Words: `1:3` = the third txn of epoch 1, and all before it; `accepted=2/1` = from server 1; `current=2`;
   * `cluster=88`; `committed=1:2`; `foreign`; `begins=1:4` = the txns up to that one are only in its checkpoint.
   */
  #writeLog(server: Server, words: readonly string[]): void {
    const salt = words.includes('foreign') ? 99 : 0
    const named = words.find((word) => word.startsWith('cluster='))
    const clusterId = Number(named?.split('=')[1] ?? 77) as ClusterId
    const records = words.flatMap((word): readonly LogRecord[] => {
      const [key, value = ''] = word.split('=')
      const numbers = value.split(/[:/]/).map(Number)
      const [first = 0, second = 0] = numbers
      if (key === 'accepted') return [{ kind: 'accepted-epoch', epoch: first as Epoch, leader: second as ServerId }]
      if (key === 'current') return [{ kind: 'current-epoch', epoch: first as Epoch, clusterId }]
      if (key === 'committed') return [{ kind: 'committed', zxid: makeZxid(first as Epoch, second) }]
      return []
    })
    for (const word of words) {
      const [epoch, counter] = word.split(':').map(Number)
      if (/^\d+:\d+$/.test(word)) for (let n = 1; n <= counter!; n++) appendTxn(server.log, epoch as Epoch, n, salt)
    }
    for (const record of records) server.log.perform(persistOf(record))
    const [epoch, counter] = (words.find((word) => word.startsWith('begins='))?.split('=')[1] ?? '')
      .split(':')
      .map(Number)
    if (counter === undefined) return
    server.log.removeFront(server.log.txns.find(({ zxid }) => zxid === makeZxid(epoch as Epoch, counter))!)
  }

  #start(server: Server): void {
    const settings = {
      self: server.id,
      membership: Membership.ofMajority([...this.#servers.keys()] as ServerId[]),
      peerTimeoutMs: 10_000,
      initLimitMs: 5_000,
      slowLeaderMs: 0,
      heartbeatIntervalMs: 4_000, // so that few come unasked
      settleMs: tickMs,
      firstIncarnation: server.id * 1_000 + 100 * server.starts++,
      freshClusterId: server.freshClusterId,
      trustsEmptyLog: server.trustsEmptyLog,
      copiesAtOnceMax: 1,
    }
    server.zab = new Zab(settings, server.log.recover(0 as Zxid), this.#logOf(server.id))
    this.#feed(server, { kind: 'start' })
  }

  /** Log lines at warn and error are part of the trace. */
  #logOf(id: ServerId): Log {
    return { ...silentLog, error: (event) => void this.#trace.push(`${id} logs an error: ${event}`) }
  }

  #connect(ids: readonly number[]): void {
    for (const a of ids) {
      for (const b of ids) {
        if (a >= b || this.#links.has(`${a}-${b}`)) continue
        this.#links.add(`${a}-${b}`)
        this.#feed(this.#server(a), { kind: 'peer-connected', peer: b as ServerId })
        this.#feed(this.#server(b), { kind: 'peer-connected', peer: a as ServerId })
      }
    }
  }

  /** The events under way are lost. */
  #disconnect(a: number, b: number): void {
    if (!this.#links.delete(`${Math.min(a, b)}-${Math.max(a, b)}`)) return
    this.#waiting = this.#waiting.filter(({ lane }) => lane !== `${a}->${b}` && lane !== `${b}->${a}`)
    if (this.#server(a).zab !== null)
      this.#feed(this.#server(a), { kind: 'peer-disconnected', peer: b as ServerId, wasSilent: false })
    if (this.#server(b).zab !== null)
      this.#feed(this.#server(b), { kind: 'peer-disconnected', peer: a as ServerId, wasSilent: false })
  }

  #crash(id: number): void {
    this.#server(id).zab = null
    this.#waiting = this.#waiting.filter(({ lane }) => lane !== `disk-${id}`)
    for (const other of this.#servers.keys()) this.#disconnect(id, other)
  }

  #wait(durationMs: number): readonly string[] {
    for (let passedMs = 0; passedMs < durationMs; passedMs += tickMs) {
      this.#nowMs += tickMs
      for (const server of this.#servers.values()) if (server.zab !== null) this.#feed(server, { kind: 'tick' })
      this.#runUntilQuiet()
    }
    return this.#trace
  }

  #propose(server: Server, count: number): void {
    for (let i = 0; i < count; i++) server.zab!.propose(Uint8Array.of(server.log.txns.length, i))
    this.#performAll(server, server.zab!.handle({ kind: 'turn-ended' }, this.#nowMs))
  }

  #handOver(server: Server, to: number): void {
    const { start, effects } = server.zab!.handOver(to === 0 ? null : (to as ServerId), this.#nowMs)
    if (start.kind === 'refused') this.#trace.push(`${server.id} refuses: ${start.problem}`)
    this.#performAll(server, effects)
    this.#performAll(server, server.zab!.handle({ kind: 'turn-ended' }, this.#nowMs))
  }

  #show({ id, zab, log }: Server): void {
    const state = zab === null ? 'dead' : zab.state
    this.#trace.push(
      `${id} is ${state}, accepted=${log.acceptedEpoch}/${log.acceptedLeader ?? '-'} current=${log.currentEpoch} last=${hexOfZxid(log.lastZxid)}`,
    )
  }

  #runUntilQuiet(): void {
    for (;;) {
      const index = this.#waiting.findIndex(({ lane }) => !this.#heldLanes.has(lane))
      if (index < 0) return
      const [next] = this.#waiting.splice(index, 1)
      next!.happen()
    }
  }

  #feed(server: Server, event: ZabEvent): void {
    this.#performAll(server, server.zab!.handle(event, this.#nowMs))
    this.#performAll(server, server.zab!.handle({ kind: 'turn-ended' }, this.#nowMs))
  }

  #performAll(server: Server, effects: readonly ZabEffect[]): void {
    for (const effect of effects) this.#performOne(server, effect)
  }

  #performOne(server: Server, effect: ZabEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(server, effect.to, effect.message)
      case 'persist':
      case 'truncate-log':
      case 'read-log':
      case 'restart-log':
        this.#trace.push(`${server.id} ${describeStorage(effect)}`)
        this.#waiting.push({ lane: `disk-${server.id}`, happen: () => this.#completeStorage(server, effect) })
        return
      case 'copy-step':
        return this.#performCopyStep(server, effect.step)
      case 'install':
        this.#trace.push(`${server.id} installs the state at ${hexOfZxid(effect.zxid)}`)
        return
      case 'deliver':
        this.#trace.push(`${server.id} deliver ${hexOfZxid(effect.entry.zxid)}`)
        return
      case 'stopped-serving': {
        const what = effect.reason.includes('has handed over') ? 'stops serving' : 'looks for a leader'
        this.#trace.push(`${server.id} ${what}: ${effect.reason}`)
        return
      }
      case 'hand-over-began':
        this.#trace.push(`${server.id} begins to hand over`)
        return
      case 'hand-over-ended':
        this.#trace.push(
          `${server.id} ${effect.problem === null ? 'has handed over' : `has not handed over: ${effect.problem}`}`,
        )
        return
      case 'serving-as-leader':
        this.#trace.push(`${server.id} leads epoch ${effect.epoch}`)
        return
      case 'serving-as-follower':
        this.#trace.push(`${server.id} follows ${effect.leader} in epoch ${effect.epoch}`)
        return
      case 'leadership-confirmed':
        this.#trace.push(`${server.id} is confirmed as leader, sequence=${effect.sequence}`)
        return
      case 'stop':
        this.#trace.push(`${server.id} stops: ${effect.reason}`)
    }
  }

  /** A copy is the beginning of the leader's log, in two chunks. */
  #performCopyStep(server: Server, step: CopyStep): void {
    if (step.kind === 'hold-log') return // this log keeps all that it has
    const what = 'number' in step ? `${step.kind} #${step.number}` : step.kind
    this.#trace.push(`${server.id} copy: ${what}${'learner' in step ? ` for ${step.learner}` : ''}`)
    const answer = (answered: CopyAnswer): void => {
      const happen = (): void => this.#feed(server, { kind: 'copy-answer', answer: answered })
      this.#waiting.push({ lane: `copy-${server.id}`, happen })
    }
    switch (step.kind) {
      case 'open':
        this.#copy = server.log.base
        return answer({ ...step, kind: 'opened', ...server.log.base, sizeBytes: 0 })
      case 'read':
        return answer({ ...step, kind: 'chunk', chunk: step.number < 2 ? Uint8Array.of(step.number) : null })
      case 'add':
        return answer({ kind: 'added', ticket: step.ticket, number: step.number, isGood: true })
      case 'finish':
        server.log.received = { ...this.#copy!, clusterId: 77 as ClusterId }
        return answer({ kind: 'received', ticket: step.ticket, ...this.#copy! })
      case 'close':
      case 'receive':
      case 'abort':
    }
  }

  #send(server: Server, to: ServerId, message: ZabMessage): void {
    const { id } = server
    const isLinked = this.#links.has(`${Math.min(id, to)}-${Math.max(id, to)}`)
    const lane = `${id}->${to}`
    const fate = isLinked ? (this.#heldLanes.has(lane) ? '  (held)' : '') : '  (lost)'
    this.#trace.push(`${lane} ${describePeerMessage(message)}${fate}`)
    if (!isLinked) return
    this.#waiting.push({ lane, happen: () => this.#feed(this.#server(to), { kind: 'message', from: id, message }) })
  }

  #completeStorage(server: Server, effect: StorageEffect): void {
    server.log.perform(effect)
    if (effect.kind === 'persist') {
      this.#performAll(server, effect.whenDurable)
      this.#feed(server, { kind: 'persisted', tag: effect.tag })
    } else if (effect.kind === 'truncate-log') {
      this.#feed(server, { kind: 'log-truncated', zxid: effect.zxid })
    } else if (effect.kind === 'restart-log') {
      this.#feed(server, { kind: 'log-restarted', zxid: effect.zxid })
    } else {
      const isCopyQuicker = effect.mayCopy && server.prefersCopies
      const oldest = { zxid: zeroZxid, hash: emptyChainHash }
      const read = isCopyQuicker ? ({ start: null, oldest } as const) : server.log.read(effect.after, 2)
      this.#feed(server, { kind: 'log-read', ticket: effect.ticket, ...read })
    }
  }
}

function describeStorage(effect: StorageEffect): string {
  if (effect.kind === 'truncate-log') return `truncate-log after ${hexOfZxid(effect.zxid)}`
  if (effect.kind === 'restart-log') {
    const cluster = effect.clusterId === 77 ? '' : effect.clusterId === 0 ? ' without a cluster' : ' of another cluster'
    return `restart-log at ${hexOfZxid(effect.zxid)}${cluster}`
  }
  if (effect.kind === 'read-log') return `read-log after ${hexOfZxid(effect.after)}`
  const records = effect.records.map((record) => {
    if (record.kind === 'txn' || record.kind === 'committed') return `${record.kind} ${hexOfZxid(record.zxid)}`
    return record.kind === 'accepted-epoch'
      ? `accepted-epoch ${record.epoch} of ${record.leader}`
      : `current-epoch ${record.epoch}${record.clusterId === 77 ? '' : ` of cluster ${record.clusterId}`}`
  })
  const then = effect.whenDurable.map(({ to, message }) => `${message.kind} to ${to}`)
  return `persist ${records.join(', ')}${then.length > 0 ? `; when durable: ${then.join(', ')}` : ''}`
}

function appendTxn(log: TestLog, epoch: Epoch, counter: number, salt: number): void {
  const zxid = makeZxid(epoch, counter)
  const payload = Uint8Array.of(salt, epoch, counter)
  const hash = nextChainHash(log.txns.at(-1)?.hash ?? log.base.hash, zxid, payload)
  log.perform(persistOf({ kind: 'txn', zxid, hash, payload }))
}

function persistOf(record: LogRecord): StorageEffect {
  return { kind: 'persist', records: [record], tag: { incarnation: 0, step: 'txns', zxid: 0 as Zxid }, whenDurable: [] }
}
