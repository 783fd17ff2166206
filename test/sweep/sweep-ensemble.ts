/**
 * Three real servers on simulated disks, in virtual time, and the one crash of a run: at a chosen disk call of one server
 * that server loses power. Owns which servers run. Every server that ends by itself, does not start, logs an
 * error, or disagrees about the tree at a zxid is a violation: no fault here excuses it.
 */
import { createHash } from 'node:crypto'
import { hexOfZxid, type ServerId, type Zxid } from '../../src/base/ids.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Log, LogFields } from '../../src/ports/log.ts'
import type { ByteStream, Dialer, Listener } from '../../src/ports/stream.ts'
import type { TraceEvent } from '../../src/replica/trace-event.ts'
import { createServer, type ZktsServer } from '../../src/server/create-server.ts'
import { Scheduler, SimProcess } from '../simulator/scheduler.ts'
import { simCheckpoints } from '../simulator/sim-checkpoints.ts'
import { SimClock, simTimers } from '../simulator/sim-clock.ts'
import { type CrashMode, SimDisk, type SimDiskOptions } from '../simulator/sim-disk.ts'
import { faultless, SimNetwork } from '../simulator/sim-network.ts'
import { SimRandom } from '../simulator/sim-random.ts'

export const ids = [1, 2, 3] as readonly number[] as readonly ServerId[]
export const clientPort = 2181

/** One server loses power at one of its disk calls, which has begun and will never complete. */
export interface Crash {
  readonly victim: ServerId
  readonly call: number // counted from the start of the act, over all processes of the victim
  readonly mode: CrashMode
}

/** A disk call that has begun. */
export interface DiskCall {
  readonly victim: ServerId
  readonly call: number
  /** As long as both are equal, the disks and what the other servers know of the victim are the same. */
  readonly changeCount: number
  readonly sentCount: number
}

export type Disks = ReadonlyMap<ServerId, SimDisk>

export interface EnsembleOptions {
  /** Left as they are: the servers work on copies. */
  readonly disks: Disks
  readonly wallOffsetMs: number
  readonly seed: number
  readonly crash: Crash | null
  readonly onCall: ((call: DiskCall) => void) | null
  readonly trace: ((line: string) => void) | null
}

interface Running {
  readonly process: SimProcess
  readonly server: ZktsServer
  isClosing: boolean
}

interface Machine {
  readonly id: ServerId
  readonly config: Config
  disk: SimDisk
  running: Running | null
  /** The script wants it to run; after a crash it is started again. */
  isWanted: boolean
  role: 'looking' | 'leading' | 'following'
  lastApplied: { readonly zxid: Zxid; readonly digest: string } | null
  callCount: number
  /** What it has sent and closed, in calls to its streams. */
  sentCount: number
  startCount: number
}

const restartMs = 40
const diskLatencyMs = 0.3
/** Small, so that a few dozen writes make checkpoints, remove files of the log, and are out of the memory of a leader. */
const retainedTxnCountMax = 5
const checkpointSizes = { chunkSizeBytesMax: 1024, stepSizeBytesMax: 6000 }
const configLines = [
  'dataDir=/data',
  `clientPort=${clientPort}`,
  'tickTime=200',
  'initLimit=20',
  'syncLimit=5',
  'maxSessionTimeout=60000',
  'db.autocreate=false',
  'snapCount=8',
  'txnLogSizeLimitInKb=4',
  'logRetentionSizeInKb=0',
  ...ids.map((id) => `server.${id}=${hostOf(id)}:2888:3888`),
].join('\n')

export function hostOf(id: number): string {
  return `10.0.0.${id}`
}

/** Empty disks, which may begin an ensemble. */
export function emptyDisks(): Disks {
  return new Map(
    ids.map((id) => {
      const disk = newDisk(0)
      disk.placeAtOnce('/data/initialize')
      return [id, disk]
    }),
  )
}

export class SweepEnsemble {
  readonly scheduler: Scheduler
  readonly process = new SimProcess('sweep')
  readonly network: SimNetwork
  /** The first is why the run failed. */
  readonly violations: string[] = []
  /** How often each event was logged, and each role taken. */
  readonly counts = new Map<string, number>()
  hasCrashed = false
  crashedCall = ''
  readonly #options: EnsembleOptions
  readonly #random: SimRandom
  readonly #machines: ReadonlyMap<ServerId, Machine>
  readonly #digests = new Map<Zxid, string>()
  readonly #cuts = new Set<string>()

  constructor(options: EnsembleOptions) {
    this.#options = options
    this.#random = new SimRandom(options.seed, 'sweep')
    this.scheduler = new Scheduler(1, (culprit, cause) => this.blame(`${culprit.name} threw ${textOf(cause)}`))
    this.network = new SimNetwork({
      scheduler: this.scheduler,
      random: this.#random.fork('network'),
      conditions: { ...faultless, latencyUs: () => 200, isCut: (from, to) => this.#cuts.has(`${from}>${to}`) },
      networkProcess: this.process,
      windowSizeBytes: 64 * 1024,
    })
    this.#machines = new Map(ids.map((id) => [id, this.#makeMachine(id)]))
  }

  blame(text: string): void {
    this.#trace(`violation: ${text}`)
    this.violations.push(text)
  }

  get leader(): ServerId | null {
    return ids.find((id) => this.#machine(id).role === 'leading') ?? null
  }

  /** It serves clients, as leader or follower. */
  isServing(id: ServerId): boolean {
    return this.#machine(id).role !== 'looking'
  }

  isLeading(id: ServerId): boolean {
    return this.#machine(id).role === 'leading'
  }

  isRunning(id: ServerId): boolean {
    return this.#machine(id).running !== null
  }

  /** The zxid and the digest that all servers have; null: they differ, or one has not applied a txn since its start. */
  get commonState(): string | null {
    const states = ids.map((id) => {
      const last = this.#machine(id).lastApplied
      return last === null ? null : `${hexOfZxid(last.zxid)} ${last.digest}`
    })
    return new Set(states).size === 1 ? states[0]! : null
  }

  /** Its call was made, and it comes with the next step of the schedule. */
  get isCrashDue(): boolean {
    return this.crashedCall !== '' && !this.hasCrashed
  }

  /** Since the start of the act. */
  callCountOf(id: ServerId): number {
    return this.#machine(id).callCount
  }

  start(id: ServerId): void {
    const machine = this.#machine(id)
    machine.isWanted = true
    if (machine.running === null) void this.#run(machine)
  }

  powerOff(id: ServerId, mode: CrashMode): void {
    const machine = this.#machine(id)
    machine.isWanted = false
    this.#end(machine, mode)
  }

  /** As on SIGTERM. */
  stop(id: ServerId): void {
    const machine = this.#machine(id)
    machine.isWanted = false
    const { running } = machine
    if (running === null) return
    running.isClosing = true
    this.scheduler.runIn(running.process, 'other', () => {
      this.scheduler.noteAsync()
      running.server.close().then(
        () => this.#soon(() => this.#endIf(machine, running)),
        (cause: unknown) => this.blame(`server ${id}: close failed: ${textOf(cause)}`),
      )
    })
  }

  /** A server that does not run finds an empty disk when it starts. */
  wipe(id: ServerId): void {
    const machine = this.#machine(id)
    machine.disk = newDisk(this.#random.uint32(), this.#diskOptions(machine))
    machine.lastApplied = null
  }

  /** The server and the other servers no longer receive anything from each other. */
  isolate(id: ServerId): void {
    for (const other of ids) {
      if (other === id) continue
      this.#cuts.add(`${hostOf(id)}>${hostOf(other)}`)
      this.#cuts.add(`${hostOf(other)}>${hostOf(id)}`)
    }
  }

  mendLinks(): void {
    this.#cuts.clear()
    this.network.retryStalled()
  }

  /** All servers lose power; nothing of them goes on. */
  powerOffAll(mode: CrashMode): void {
    for (const id of ids) this.powerOff(id, mode)
  }

  get disks(): Disks {
    return new Map(ids.map((id) => [id, this.#machine(id).disk]))
  }

  /** Runs until the predicate holds; false: it did not within the limit, or the run has failed. */
  async runUntil(limitMs: number, isReached: () => boolean): Promise<boolean> {
    const isOver = (): boolean => this.violations.length > 0
    await this.scheduler.runUntil(this.scheduler.nowUs + limitMs * 1000, () => isOver() || isReached())
    return !isOver() && isReached()
  }

  async #run(machine: Machine): Promise<void> {
    const { id, config } = machine
    const { scheduler, network } = this
    machine.startCount += 1
    this.#trace(`server ${id} starts`)
    const process = new SimProcess(`server ${id}`)
    const random = this.#random.fork(`server ${id} start ${machine.startCount}`)
    const { wallOffsetMs } = this.#options
    const { disk } = machine
    const server = createServer({
      config,
      version: '0.0.0-simulated',
      retainedTxnCountMax,
      trace: (event) => this.#note(machine, event),
      ports: {
        clock: new SimClock(scheduler, { rate: 1, monotonicStartMs: 1000, wallOffsetMs }),
        timers: simTimers(scheduler, process, 1),
        random,
        disk,
        openCheckpoints: simCheckpoints(disk, checkpointSizes),
        listener: countingListener(network.listener(hostOf(id), process), machine),
        dialer: countingDialer(network.dialer(hostOf(id), process), machine),
        digest: {
          offers: () => true,
          hash: (_algorithm, bytes) => Uint8Array.from(createHash('sha1').update(bytes).digest()),
        },
        log: this.#log(machine, {}),
      },
    })
    const running: Running = { process, server, isClosing: false }
    machine.running = running
    scheduler.noteAsync()
    const isCurrent = (): boolean => machine.running === running && !running.isClosing
    server.stopped.then((reason) => {
      if (isCurrent()) this.blame(`server ${id} stopped itself: ${reason}`)
    })
    const started = await server.start()
    if (!started.ok && isCurrent()) this.blame(`server ${id} does not start: ${JSON.stringify(started.error)}`)
  }

  #endIf(machine: Machine, running: Running): void {
    if (machine.running === running) this.#end(machine, 'keep-all')
  }

  #end(machine: Machine, mode: CrashMode): void {
    const { running, id } = machine
    if (running === null) return
    this.#trace(`server ${id} ends, disk ${mode}`)
    machine.running = null
    machine.role = 'looking'
    machine.lastApplied = null
    this.scheduler.kill(running.process)
    this.network.crash(hostOf(id), running.process, 'kill')
    machine.disk = machine.disk.crash(mode)
  }

  /** The crash of this run. */
  #crash({ victim, mode }: Crash): void {
    this.hasCrashed = true
    const machine = this.#machine(victim)
    this.#end(machine, mode)
    this.scheduler.schedule(this.process, 'other', restartMs * 1000, () => {
      if (machine.isWanted && machine.running === null) void this.#run(machine)
    })
  }

  #note(machine: Machine, event: TraceEvent): void {
    if (event.kind === 'role-changed' && event.role === 'looking') machine.role = 'looking'
    if (event.kind !== 'applied' && event.kind !== 'installed') return
    const { zxid, digest } = event
    machine.lastApplied = { zxid, digest }
    const known = this.#digests.get(zxid)
    if (known === undefined) this.#digests.set(zxid, digest)
    else if (known !== digest && zxid > 0) {
      this.blame(`server ${machine.id} has another tree than others at ${hexOfZxid(zxid)}: ${digest}, not ${known}`)
    }
  }

  #log(machine: Machine, context: LogFields): Log {
    const line =
      (level: string) =>
      (event: string, fields?: LogFields): void =>
        this.#noteLine(machine, level, event, { ...context, ...fields })
    return {
      error: line('error'),
      warn: line('warn'),
      info: line('info'),
      debug: () => {},
      child: (fields) => this.#log(machine, { ...context, ...fields }),
    }
  }

  #noteLine(machine: Machine, level: string, event: string, fields: LogFields): void {
    this.#trace(`server ${machine.id} ${level} ${event} ${this.#options.trace === null ? '' : fieldsText(fields)}`)
    this.counts.set(event, (this.counts.get(event) ?? 0) + 1)
    if (event === 'serving-as-leader') machine.role = 'leading'
    if (event === 'serving-as-follower') machine.role = 'following'
    if (level === 'error') this.blame(`server ${machine.id} logs the error ${event} ${fieldsText(fields)}`)
  }

  #makeMachine(id: ServerId): Machine {
    const machine: Machine = {
      id,
      config: configOf(id),
      disk: newDisk(0),
      running: null,
      isWanted: false,
      role: 'looking',
      lastApplied: null,
      callCount: 0,
      sentCount: 0,
      startCount: 0,
    }
    const random = this.#random.fork(`disk ${id}`)
    machine.disk = this.#options.disks.get(id)!.crash('keep-all', { random, ...this.#diskOptions(machine) })
    return machine
  }

  #diskOptions(machine: Machine): Pick<SimDiskOptions, 'schedule' | 'onOperation'> {
    const { scheduler } = this
    return {
      schedule: (delayMs, callback) => {
        scheduler.noteAsync()
        const process = machine.running?.process ?? this.process
        scheduler.schedule(process, 'disk', Math.ceil(delayMs * 1000), () => {
          scheduler.noteAsync()
          callback()
        })
      },
      onOperation: (_count, operation, path) => {
        machine.callCount += 1
        const { crash, onCall } = this.#options
        const { callCount: call, sentCount, disk } = machine
        onCall?.({ victim: machine.id, call, sentCount, changeCount: disk.changeCount })
        if (crash === null || crash.victim !== machine.id || crash.call !== machine.callCount) return
        this.crashedCall = `${operation} ${path}`
        this.#trace(`server ${machine.id} crashes during ${this.crashedCall}`)
        // The call has begun and will never complete.
        this.#soon(() => this.#crash(crash))
      },
    }
  }

  #soon(callback: () => void): void {
    this.scheduler.noteAsync()
    this.scheduler.schedule(this.process, 'other', 0, callback)
  }

  #machine(id: ServerId): Machine {
    return this.#machines.get(id)!
  }

  #trace(line: string): void {
    this.#options.trace?.(`${(this.scheduler.nowUs / 1000).toFixed(1).padStart(9)} ${line}`)
  }
}

function countingListener(listener: Listener, sender: { sentCount: number }): Listener {
  return { listen: (address, onStream) => listener.listen(address, (stream) => onStream(counting(stream, sender))) }
}

function countingDialer(dialer: Dialer, sender: { sentCount: number }): Dialer {
  return {
    dial: (address, timeoutMs, done) =>
      dialer.dial(address, timeoutMs, (outcome) =>
        done(outcome.ok ? { ok: true, stream: counting(outcome.stream, sender) } : outcome),
      ),
  }
}

/** The same stream, which counts what is sent. */
function counting(stream: ByteStream, sender: { sentCount: number }): ByteStream {
  const write = stream.write.bind(stream)
  return Object.assign(stream, {
    write(bytes: Uint8Array): boolean {
      sender.sentCount += 1
      return write(bytes)
    },
  })
}

function newDisk(seed: number, options: Partial<SimDiskOptions> = {}): SimDisk {
  const faults = { latencyMsMin: diskLatencyMs, latencyMsMax: diskLatencyMs }
  return new SimDisk({ random: new SimRandom(seed), schedule: () => {}, faults, ...options })
}

const configs = new Map<ServerId, Config>()

function configOf(id: ServerId): Config {
  const known = configs.get(id)
  if (known !== undefined) return known
  const loaded = loadConfig({ text: configLines, dynamicText: null, myidText: `${id}` })
  if (!loaded.ok) throw new Error(`the configuration of the sweep is refused: ${JSON.stringify(loaded.error)}`)
  configs.set(id, loaded.value.config)
  return loaded.value.config
}

function fieldsText(fields: LogFields): string {
  return JSON.stringify(fields, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `0x${value.toString(16)}`
    return value instanceof Error ? value.message : value
  })
}

export function textOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
