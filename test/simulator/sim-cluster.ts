/**
 * The servers under test: the real `createServer`, once per server and incarnation, each with ports of its own.
 * Owns which of them run. A crash ends the process object, so that nothing under way in it still happens, and leaves
 * the disk as a kill or a loss of power would.
 */
import { createHash } from 'node:crypto'
import { adoptData } from '../../src/adoption/adopt-data.ts'
import type { ServerId } from '../../src/base/ids.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Log, LogFields } from '../../src/ports/log.ts'
import type { Ports } from '../../src/ports/ports.ts'
import type { Address } from '../../src/ports/stream.ts'
import { createServer, type ZktsServer } from '../../src/server/create-server.ts'
import { localKeyPath } from '../../src/storage/local-key-file.ts'
import type { CheckpointPlan, FaultPlan } from './fault-plan.ts'
import { type ResumeOrder, type Scheduler, SimProcess } from './scheduler.ts'
import { simCheckpoints } from './sim-checkpoints.ts'
import { type ClockSettings, SimClock, simTimers } from './sim-clock.ts'
import { SimDisk } from './sim-disk.ts'
import type { SimEvent } from './sim-event.ts'
import { SimKeyValues } from './sim-key-values.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'

export interface ClusterContext {
  readonly scheduler: Scheduler
  readonly process: SimProcess
  readonly network: SimNetwork
  readonly plan: FaultPlan
  readonly random: SimRandom
  readonly clientHosts: readonly string[]
  record(event: SimEvent): void
  /** A fault of a disk has begun or ended. */
  diskChanged(id: ServerId): void
  /** A server did what no fault of the plan excuses: a violation. */
  blame(text: string): void
}

export type CrashKind = 'kill' | 'power-off'
export type DiskTrouble = 'slow' | 'full' | 'flush-fails'

interface SimServer {
  readonly id: ServerId
  readonly host: string
  readonly config: Config
  readonly rate: number
  disk: SimDisk
  readonly newDisk: () => SimDisk
  /** The faults of the machine's disk. They outlive crashes; the SimDisk object does not. */
  readonly troubles: Set<DiskTrouble>
  wallOffsetMs: number
  running: { readonly process: SimProcess; readonly server: ZktsServer; readonly clock: SimClock } | null
  /** It was asked to stop, or its disk failed, so it may end by itself. */
  isExcused: boolean
  /** It was asked to stop, and serves nothing any more. */
  isStopping: boolean
  /** Its disk is a copy that was not adopted to the end. */
  mustAdopt: boolean
  isAdopting: boolean
  /** It has served clients, so its disk holds data of the ensemble. */
  hasServed: boolean
  /** Counts crashes and heals. A restart is dropped if the count has changed since it was planned. */
  plans: number
}

const clientPort = 2181
const slowDiskLatencyMsMax = 800
const gracefulStopMsMax = 5000

export function hostOfServer(id: number): string {
  return `10.0.0.${id}`
}

export class SimCluster {
  readonly ids: readonly ServerId[]
  readonly clientHosts: readonly string[]
  crashCount = 0
  /** Servers whose disk was wiped or replaced, and which no leader has brought up to date since. */
  readonly #lacking = new Set<ServerId>()
  /** The last server that established an epoch; it may no longer run. */
  leaderId: ServerId | null = null
  readonly #context: ClusterContext
  readonly #servers: ReadonlyMap<ServerId, SimServer>
  /** Copies of disks that held data of the ensemble. */
  readonly #diskCopies: { readonly of: ServerId; readonly disk: SimDisk }[] = []
  readonly #diskProcesses = new Map<ServerId, SimProcess>()
  #isHealed = false

  constructor(context: ClusterContext) {
    this.#context = context
    this.clientHosts = context.clientHosts
    this.ids = Array.from({ length: context.plan.serverCount }, (_, i) => (i + 1) as ServerId)
    this.#servers = new Map(this.ids.map((id) => [id, this.#makeServer(id)]))
  }

  hostOf(id: ServerId): string {
    return this.#server(id).host
  }

  clientAddressOf(id: ServerId): Address {
    return { host: this.hostOf(id), port: clientPort }
  }

  /** What its file has now; null: there is none. */
  localKeyOf(id: ServerId): Uint8Array | null {
    const { disk, config } = this.#server(id)
    const path = localKeyPath(config.dataDir)
    return disk.paths().includes(path) ? disk.contents(path) : null
  }

  /** Whether no fault of its disk lasts. */
  diskWorks(id: ServerId): boolean {
    return this.#server(id).troubles.size === 0
  }

  isStopping(id: ServerId): boolean {
    return this.#server(id).isStopping
  }

  isRunning(id: ServerId): boolean {
    return this.#server(id).running !== null
  }

  startAll(): void {
    for (const id of this.ids) this.#startAfter(this.#server(id), this.#context.random.below(50))
  }

  crash(id: ServerId, kind: CrashKind, downMs: number | null): void {
    const server = this.#server(id)
    if (server.running !== null) {
      const mode = this.#context.plan.crashMode
      this.#context.record({
        kind: 'server-crashed',
        serverId: id,
        how: kind === 'kill' ? kind : `${kind}, disk ${mode}`,
      })
      this.#endProcess(server, kind)
    } else if (server.isAdopting) {
      this.#fault(`server ${id} crashes while it adopts`)
      this.#endAdoption(server, kind)
    }
    server.plans++
    if (downMs !== null) this.#startAfter(server, downMs)
  }

  get lackingIds(): readonly ServerId[] {
    return [...this.#lacking]
  }

  /** At most a minority lacks its data at any time: what a majority has lost cannot be recovered. */
  canLoseDisk(id: ServerId): boolean {
    return !this.#lacking.has(id) && this.#lacking.size < Math.floor((this.ids.length - 1) / 2)
  }

  /** The machine loses power, and starts again with an empty disk. */
  wipe(id: ServerId, downMs: number): void {
    const server = this.#server(id)
    this.crash(id, 'power-off', downMs)
    this.#context.record({ kind: 'disk-wiped', serverId: id })
    server.disk = server.newDisk()
    this.#lacking.add(id)
    this.#applyTroubles(server)
  }

  /** As `cp -r` of the disk, while the server runs or not. */
  copyDisk(id: ServerId): void {
    const server = this.#server(id)
    if (server.mustAdopt || !server.hasServed || this.#lacking.has(id)) return
    this.#fault(`the disk of server ${id} is copied`)
    this.#diskCopies.push({ of: id, disk: server.newDisk().fillFrom(server.disk) })
  }

  /** The machine loses power. It starts again with a disk that has a copy, the last one of server `of` or any, and adopts it. */
  replaceDisk(id: ServerId, downMs: number, of: ServerId | null): void {
    if (this.#diskCopies.length === 0) return
    const server = this.#server(id)
    const last = this.#diskCopies.findLast((copy) => copy.of === of)
    const copy = last ?? this.#context.random.pick(this.#diskCopies)
    this.crash(id, 'power-off', downMs)
    this.#fault(`server ${id} gets a copy of the disk of server ${copy.of}`)
    this.#context.record({ kind: 'disk-wiped', serverId: id })
    server.disk = server.newDisk().fillFrom(copy.disk)
    server.mustAdopt = true
    this.#lacking.add(id)
    this.#applyTroubles(server)
  }

  /** As on SIGTERM: the server closes, and then its process ends. */
  stopGracefully(id: ServerId, downMs: number): void {
    const server = this.#server(id)
    const { running } = server
    if (running === null || running.process.state !== 'running') return
    this.#context.record({ kind: 'server-asked-to-stop', serverId: id })
    server.isExcused = true
    server.isStopping = true
    let isOver = false
    const end = (): void => {
      if (isOver || server.running !== running) return
      isOver = true
      this.crash(id, 'kill', downMs)
    }
    this.#context.scheduler.noteAsync()
    this.#context.scheduler.runIn(running.process, 'other', () => {
      running.server.close().then(
        () => this.#context.scheduler.schedule(this.#context.process, 'other', 1, end),
        (cause: unknown) => this.#context.blame(`server ${id}: close failed: ${textOf(cause)}`),
      )
    })
    this.#after(gracefulStopMsMax, end)
  }

  /** The operator wants another server to lead; `done` gets why that is not possible, or null. */
  handOver(id: ServerId, to: ServerId | null, done: (problem: string | null) => void): void {
    const { running } = this.#server(id)
    if (running === null || running.process.state !== 'running') return
    this.#fault(`server ${id} is asked to hand over to ${to ?? 'any other server'}`)
    this.#context.scheduler.noteAsync()
    this.#context.scheduler.runIn(running.process, 'other', () => {
      running.server.handOver(to).then(
        (outcome) => {
          const problem = outcome.ok ? null : outcome.error
          this.#fault(`server ${id}: ${problem ?? 'the leadership is given away, or asked for'}`)
          done(problem)
        },
        (cause: unknown) => this.#context.blame(`server ${id}: the hand-over was rejected: ${textOf(cause)}`),
      )
    })
  }

  /** Null if it is not running; the process is what `resume` needs. */
  pause(id: ServerId): SimProcess | null {
    const process = this.#server(id).running?.process
    if (process === undefined || process.state !== 'running') return null
    this.#context.record({ kind: 'server-paused', serverId: id, isPaused: true })
    this.#context.scheduler.pause(process)
    return process
  }

  resume(process: SimProcess, order: ResumeOrder): void {
    if (process.state !== 'paused') return
    this.#fault(`${process.name} is resumed, ${order}`)
    const resumed = this.ids.find((id) => this.#server(id).running?.process === process)
    if (resumed !== undefined) this.#context.record({ kind: 'server-paused', serverId: resumed, isPaused: false })
    this.#context.scheduler.resume(process, order)
  }

  spoilDisk(id: ServerId, trouble: DiskTrouble): void {
    this.#fault(`disk of server ${id}: ${trouble}`)
    this.#server(id).troubles.add(trouble)
    this.#server(id).isExcused = true
    this.#applyTroubles(this.#server(id))
    this.#context.diskChanged(id)
  }

  mendDisk(id: ServerId, trouble: DiskTrouble): void {
    if (!this.#server(id).troubles.delete(trouble)) return
    this.#context.diskChanged(id)
    this.#fault(`disk of server ${id}: no longer ${trouble}`)
    this.#applyTroubles(this.#server(id))
  }

  jumpWallClock(id: ServerId, byMs: number): void {
    const server = this.#server(id)
    this.#fault(`wall clock of server ${id} jumps by ${byMs} ms`)
    server.wallOffsetMs += byMs
    server.running?.clock.jumpWall(byMs)
  }

  /** Its disk works again and it is resumed; if it is down, it starts soon. */
  heal(id: ServerId, order: ResumeOrder): void {
    this.#isHealed = true
    const server = this.#server(id)
    const isMended = server.troubles.size > 0
    server.troubles.clear()
    this.#applyTroubles(server)
    if (isMended) this.#context.diskChanged(id)
    if (server.running === null) {
      if (server.isAdopting) this.#endAdoption(server, 'kill')
      server.plans++
      this.#startAfter(server, 10)
    } else this.resume(server.running.process, order)
  }

  async #start(server: SimServer): Promise<void> {
    const { scheduler, network } = this.#context
    const process = new SimProcess(`server ${server.id}`)
    network.powerOn(server.host)
    const clock = new SimClock(scheduler, this.#clockSettings(server))
    const ports = this.#portsOf(server, process, clock)
    if (server.mustAdopt && !(await this.#adopt(server))) return
    this.#context.record({ kind: 'server-started', serverId: server.id })
    const instance = createServer({
      config: server.config,
      version: simVersion,
      ports,
      retainedTxnCountMax: this.#context.plan.checkpoints?.retainedTxnCountMax,
      trace: (event) => {
        if (event.kind === 'established') this.leaderId = server.id
        if (event.kind === 'role-changed' && event.role !== 'looking') {
          this.#lacking.delete(server.id)
          server.hasServed = true
        }
        this.#context.record({ kind: 'server', serverId: server.id, event })
      },
    })
    const running = { process, server: instance, clock }
    server.running = running
    scheduler.noteAsync()
    const hasEnded = (): boolean => server.running !== running
    instance.stopped.then(
      (reason) => this.#onStopped(server, hasEnded, `stopped itself: ${reason}`),
      (cause: unknown) => this.#context.blame(`server ${server.id}: "stopped" was rejected: ${textOf(cause)}`),
    )
    try {
      const started = await instance.start()
      if (started.ok || hasEnded()) return
      // A faulty disk excuses a server that does not start; no other fault does.
      const text = `server ${server.id} does not start: ${JSON.stringify(started.error)}`
      if (!server.isExcused) this.#context.blame(text)
      this.#onStopped(server, hasEnded, text)
    } catch (cause) {
      if (!hasEnded()) this.#context.blame(`server ${server.id}: start was rejected: ${textOf(cause)}`)
    }
  }

  /** `zkts-cli data adopt`. After a loss of power, or a fault of the disk, the operator runs it again. False: not adopted. */
  async #adopt(server: SimServer): Promise<boolean> {
    const { disk, config } = server
    this.#context.scheduler.noteAsync()
    server.isAdopting = true
    const adopted = await adoptData({
      disk,
      stores: new SimKeyValues(disk),
      dataDir: config.dataDir,
      dataLogDir: config.dataLogDir,
      serverId: server.id,
      members: this.ids,
      segmentSizeBytes: config.storage.segmentSizeBytes,
      adoption: { kind: 'join' },
    })
    server.isAdopting = false
    if (adopted.ok) {
      this.#fault(`server ${server.id} has adopted the data of server ${adopted.value.writerId}`)
      this.#context.record({ kind: 'disk-adopted', serverId: server.id, zxid: adopted.value.committedZxid })
      server.mustAdopt = false
      return true
    }
    const text = `server ${server.id} does not adopt: ${adopted.error}`
    if (server.isExcused || server.troubles.size > 0) this.#fault(text)
    else this.#context.blame(text)
    server.plans++
    this.#startAfter(server, this.#context.random.between(100, 2000))
    return false
  }

  /** What is under way on the disk never ends. */
  #endAdoption(server: SimServer, kind: CrashKind): void {
    server.isAdopting = false
    server.disk = kind === 'kill' ? server.disk.kill() : server.disk.crash(this.#context.plan.crashMode)
    this.#applyTroubles(server)
  }

  #onStopped(server: SimServer, hasEnded: () => boolean, reason: string): void {
    this.#context.scheduler.schedule(this.#context.process, 'other', 1, () => {
      if (hasEnded()) return
      this.#context.record({ kind: 'server-crashed', serverId: server.id, how: reason })
      if (this.#isHealed && !server.isExcused) this.#context.blame(`server ${server.id} ${reason}`)
      this.#endProcess(server, 'kill')
      server.plans++
      this.#startAfter(server, this.#context.random.between(100, 2000))
    })
  }

  #endProcess(server: SimServer, kind: CrashKind): void {
    const { scheduler, network, plan } = this.#context
    const { running } = server
    if (running === null) return
    this.crashCount++
    server.running = null
    server.isStopping = false
    server.isExcused = server.troubles.size > 0
    scheduler.kill(running.process)
    network.crash(server.host, running.process, kind)
    server.disk = kind === 'kill' ? server.disk.kill() : server.disk.crash(plan.crashMode)
    this.#applyTroubles(server)
  }

  #startAfter(server: SimServer, delayMs: number): void {
    const { plans } = server
    this.#after(delayMs, () => {
      if (server.plans === plans && server.running === null) void this.#start(server)
    })
  }

  #portsOf(server: SimServer, process: SimProcess, clock: SimClock): Ports {
    const { scheduler, network } = this.#context
    return {
      clock,
      timers: simTimers(scheduler, process, server.rate),
      random: this.#context.random.fork(`server ${server.id}`),
      disk: this.#attachDisk(server, process),
      openCheckpoints: simCheckpoints(server.disk, this.#context.plan.checkpoints ?? {}),
      listener: network.listener(server.host, process),
      dialer: network.dialer(server.host, process),
      digest: {
        offers: () => true,
        hash: (_algorithm, bytes) => Uint8Array.from(createHash('sha1').update(bytes).digest()),
      },
      log: simLog((text) => this.#context.record({ kind: 'server-log', serverId: server.id, text }), {}),
    }
  }

  /** The disk outlives its processes; it completes operations in the process that runs. */
  #attachDisk(server: SimServer, process: SimProcess): SimDisk {
    this.#diskProcesses.set(server.id, process)
    return server.disk
  }

  #makeServer(id: ServerId): SimServer {
    const { random, plan, scheduler } = this.#context
    const schedule = (delayMs: number, callback: () => void): void => {
      scheduler.noteAsync()
      scheduler.schedule(this.#diskProcesses.get(id)!, 'disk', Math.ceil(delayMs * 1000), () => {
        scheduler.noteAsync()
        callback()
      })
    }
    const diskRandom = random.fork(`disk ${id}`)
    const newDisk = (): SimDisk => new SimDisk({ random: diskRandom, schedule })
    const server: SimServer = {
      id,
      host: hostOfServer(id),
      config: configOf(id, plan),
      rate: 1 + (random.fraction() * 2 - 1) * plan.clockRateSpread,
      disk: newDisk(),
      newDisk,
      troubles: new Set(),
      wallOffsetMs: random.between(-1000, 1000),
      running: null,
      isExcused: false,
      isStopping: false,
      mustAdopt: false,
      isAdopting: false,
      hasServed: false,
      plans: 0,
    }
    if (!plan.dbAutocreate) server.disk.placeAtOnce('/data/initialize')
    this.#applyTroubles(server)
    return server
  }

  #applyTroubles(server: SimServer): void {
    const { faults } = server.disk
    faults.latencyMsMin = 0.05
    faults.latencyMsMax = server.troubles.has('slow') ? slowDiskLatencyMsMax : this.#context.plan.diskLatencyMsMax
    faults.full = server.troubles.has('full')
    faults.flushFails = server.troubles.has('flush-fails')
  }

  #clockSettings(server: SimServer): ClockSettings {
    const monotonicStartMs = this.#context.random.below(1_000_000)
    return { rate: server.rate, monotonicStartMs, wallOffsetMs: server.wallOffsetMs }
  }

  #server(id: ServerId): SimServer {
    return this.#servers.get(id)!
  }

  #fault(text: string): void {
    this.#context.record({ kind: 'fault', text })
  }

  #after(delayMs: number, callback: () => void): void {
    this.#context.scheduler.schedule(this.#context.process, 'other', delayMs * 1000 + 1, callback)
  }
}

const simVersion = '0.0.0-simulated'

/** Uses the real parser, so that a server only gets settings that a file could give it. */
function configOf(id: ServerId, plan: FaultPlan): Config {
  const serverLines =
    plan.serverCount === 1
      ? []
      : Array.from({ length: plan.serverCount }, (_, i) => `server.${i + 1}=${hostOfServer(i + 1)}:2888:3888`)
  const text = [
    'dataDir=/data',
    `clientPort=${clientPort}`,
    `tickTime=${plan.tickTimeMs}`,
    'initLimit=20',
    'syncLimit=10',
    'maxClientCnxns=0',
    `linearizableReads=${plan.linearizableReads}`,
    ...(plan.isStrict ? ['compatibility=strict', 'keeper.compatibility=true'] : []),
    `enforceQuota=${plan.enforceQuota}`,
    ...(plan.slowLeaderMs === null ? [] : [`handOverSlowLeaderMs=${plan.slowLeaderMs}`]),
    `localSessionsEnabled=${plan.sessionModes.local}`,
    `localSessionsUpgradingEnabled=${plan.sessionModes.upgrading}`,
    `db.autocreate=${plan.dbAutocreate}`,
    `readonlymode.enabled=${plan.sessionModes.readOnly}`,
    ...(plan.checkpoints === null ? [] : checkpointLines(plan.checkpoints)),
    ...serverLines,
  ].join('\n')
  const loaded = loadConfig({ text, dynamicText: null, myidText: plan.serverCount === 1 ? null : String(id) })
  if (!loaded.ok) throw new Error(`the simulator's own configuration is refused: ${JSON.stringify(loaded.error)}`)
  return loaded.value.config
}

/** No part of the log is kept beside the checkpoints that ZooKeeper's smallest autopurge.snapRetainCount demands. */
function checkpointLines({ snapCount, segmentSizeKib, copyKibPerSecond }: CheckpointPlan): readonly string[] {
  return [
    `snapCount=${snapCount}`,
    `txnLogSizeLimitInKb=${segmentSizeKib}`,
    'logRetentionSizeInKb=0',
    `leader.snapSyncRateLimitInKb=${copyKibPerSecond}`,
  ]
}

function simLog(write: (text: string) => void, context: LogFields): Log {
  const line =
    (level: string) =>
    (event: string, fields?: LogFields): void =>
      write(`${level} ${event} ${fieldsText({ ...context, ...fields })}`)
  return {
    error: line('error'),
    warn: line('warn'),
    info: line('info'),
    debug: () => {},
    child: (fields) => simLog(write, { ...context, ...fields }),
  }
}

function fieldsText(fields: LogFields): string {
  return JSON.stringify(fields, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `0x${value.toString(16)}`
    return value instanceof Error ? value.message : value
  })
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
