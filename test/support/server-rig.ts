/**
 * Real servers on simulated ports: virtual time, a lossless network, disks in memory. The rig asserts nothing and
 * injects no faults; tests do the first, the simulator the second.
 */

import { createHash } from 'node:crypto'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import type { OpenCheckpoints } from '../../src/ports/checkpoints.ts'
import type { HttpResponse } from '../../src/ports/http.ts'
import type { Log, LogFields } from '../../src/ports/log.ts'
import type { ByteStream } from '../../src/ports/stream.ts'
import type { Trace } from '../../src/replica/trace-event.ts'
import { createServer, type ZktsServer } from '../../src/server/create-server.ts'
import { type HostFacts, unknownHost } from '../../src/server/host-facts.ts'
import { Scheduler, SimProcess } from '../simulator/scheduler.ts'
import { simCheckpoints } from '../simulator/sim-checkpoints.ts'
import { SimClock, simTimers } from '../simulator/sim-clock.ts'
import { SimDisk } from '../simulator/sim-disk.ts'
import { faultless, SimNetwork } from '../simulator/sim-network.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { SimHttp } from './sim-http.ts'

export const serverHost = '10.0.0.1'
export const clientPort = 2181
export const testVersion = '3.9.5-zkts-test, built on 2026-01-01 00:00 UTC'

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly fields: LogFields
}

export function standaloneConfig(lines: readonly string[] = []): Config {
  const text = [
    'dataDir=/data',
    `clientPort=${clientPort}`,
    `clientPortAddress=${serverHost}`,
    'tickTime=1000',
    ...lines,
  ]
  return configOf(text.join('\n'), null)
}

export function configOf(text: string, myidText: string | null): Config {
  const parsed = loadConfig({ text, dynamicText: null, myidText })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value.config
}

export function ensembleConfig(id: number, serverCount = 3, firstId = 1): Config {
  const lines = ['dataDir=/data', 'tickTime=1000', 'initLimit=10', 'syncLimit=5', 'standaloneEnabled=false']
  for (let i = firstId; i < firstId + serverCount; i++)
    lines.push(`server.${i}=10.0.0.${i}:2888:3888;10.0.0.${i}:${clientPort}`)
  return configOf(lines.join('\n'), `${id}\n`)
}

/** Where tests have metrics and health served. */
export const metricsPort = 7000

export class ServerRig {
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  readonly lines: LogLine[] = []
  readonly log: Log
  readonly #onLine: (line: LogLine) => void
  /** Whether the machine can compute the hash of the digest scheme. */
  offersHashes = true
  /** The machine of the servers that are made next. */
  host: HostFacts = unknownHost
  /** The HTTP of the servers that are made next; null: they have it only for the metrics that their configuration asks for. */
  http: SimHttp | null = null
  /** The checkpoints of the servers that are made next. */
  checkpointsOn: (disk: SimDisk) => OpenCheckpoints = simCheckpoints
  /** By host: the servers that were made, and their processes. */
  readonly servers = new Map<string, ZktsServer>()
  readonly processes = new Map<string, SimProcess>()
  /** By host: the HTTP of the server that was made last. */
  readonly https = new Map<string, SimHttp>()
  readonly #client = new SimProcess('client')

  /** `onLine` gets each line that the servers log; by default the lines are kept in `lines`. */
  constructor(onLine: (line: LogLine) => void = (line) => this.lines.push(line)) {
    this.#onLine = onLine
    this.log = this.#log({})
    this.scheduler = new Scheduler(1, (_process, cause) => {
      throw cause
    })
    this.network = new SimNetwork({
      scheduler: this.scheduler,
      random: new SimRandom(1),
      conditions: { ...faultless, latencyUs: () => 100, coalesceChance: () => 1 },
      networkProcess: new SimProcess('network'),
      windowSizeBytes: 64 * 1024,
    })
    this.#keepDraining()
  }

  run(ms: number): Promise<void> {
    return this.scheduler.runUntil(this.scheduler.nowUs + ms * 1000, () => false)
  }

  /** Runs until the promise settles, at most a virtual minute. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const note = (): void => {
      isSettled = true
    }
    promise.then(note, note)
    await this.scheduler.runUntil(this.scheduler.nowUs + 60_000_000, () => isSettled)
    if (!isSettled) throw new Error('a promise did not settle within a virtual minute')
    return promise
  }

  disk(seed = 1): SimDisk {
    const process = new SimProcess('disk')
    return new SimDisk({
      random: new SimRandom(seed),
      schedule: (delayMs, callback) => {
        this.scheduler.noteAsync()
        this.scheduler.schedule(process, 'disk', Math.ceil(delayMs * 1000), () => {
          this.scheduler.noteAsync()
          callback()
        })
      },
    })
  }

  server(
    config: Config,
    disk = this.disk(),
    host = serverHost,
    trace?: Trace,
  ): { server: ZktsServer; process: SimProcess; host: string } {
    const process = new SimProcess(host)
    this.processes.set(host, process)
    const { scheduler, network } = this
    const http = this.http ?? (config.metricsEndpoint === null ? null : new SimHttp())
    if (http !== null) this.https.set(host, http)
    const server = createServer({
      config,
      version: testVersion,
      host: this.host,
      ...(trace !== undefined && { trace }),
      ports: {
        clock: new SimClock(scheduler, { rate: 1, monotonicStartMs: 5000, wallOffsetMs: 0 }),
        timers: simTimers(scheduler, process, 1),
        random: new SimRandom(config.serverId),
        disk,
        openCheckpoints: this.checkpointsOn(disk),
        listener: network.listener(host, process),
        dialer: network.dialer(host, process),
        ...(http !== null && { http }),
        digest: {
          offers: () => this.offersHashes,
          hash: (_name, bytes) => Uint8Array.from(createHash('sha1').update(bytes).digest()),
        },
        log: this.log,
      },
    })
    this.servers.set(host, server)
    return { server, process, host }
  }

  /** Starts a standalone server and waits until it serves. */
  async started(config = standaloneConfig(), disk = this.disk()): Promise<ZktsServer> {
    const { server } = this.server(config, disk)
    const outcome = await this.settle(server.start())
    if (!outcome.ok) throw new Error(outcome.error.message)
    await this.run(100)
    return server
  }

  async connect(from = '10.0.1.1', to = serverHost): Promise<RawClient> {
    return new RawClient(await this.connectStream(from, to))
  }

  connectStream(from = '10.0.1.1', to = serverHost): Promise<ByteStream> {
    const dialled = new Promise<ByteStream>((resolve, reject) => {
      const dialer = this.network.dialer(from, this.#client)
      dialer.dial({ host: to, port: clientPort }, 1000, (outcome) => {
        if (outcome.ok) resolve(outcome.stream)
        else reject(outcome.error)
        this.scheduler.noteAsync()
      })
    })
    return this.settle(dialled)
  }

  /** The answer to a four-letter word. */
  async ask(word: string, to = serverHost): Promise<string> {
    const client = await this.connect('10.0.9.9', to)
    client.send(new TextEncoder().encode(word))
    await this.run(50)
    return client.text
  }

  /** The numbers that mntr shows, by their names without `zk_`. */
  async metrics(of = serverHost): Promise<ReadonlyMap<string, number>> {
    const rows = (await this.ask('mntr', of)).split('\n').map((line) => line.split('\t'))
    return new Map(rows.map(([key, value]) => [key!.replace(/^zk_/, ''), Number(value)]))
  }

  /** The servers that are made next read their data until the returned function is called. */
  holdReading(): () => void {
    const { checkpointsOn } = this
    let proceed = (): void => {}
    const held = new Promise<void>((resolve) => {
      proceed = () => {
        resolve()
        this.scheduler.noteAsync()
      }
    })
    this.checkpointsOn = (disk) => (options) => {
      const checkpoints = checkpointsOn(disk)(options)
      const open = checkpoints.open.bind(checkpoints)
      checkpoints.open = async () => {
        await held
        return open()
      }
      return checkpoints
    }
    return proceed
  }

  /** The metrics that Prometheus gets: each line of the text, by what is before the value. */
  prometheus(of = serverHost): ReadonlyMap<string, number> {
    const lines = this.page('/metrics', of)
      .body.split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    )
  }

  /** At the port of the metrics. */
  page(path: string, of = serverHost, method = 'GET'): HttpResponse {
    const http = this.https.get(of)
    if (http === undefined) throw new Error(`the server at ${of} has no HTTP`)
    return http.ask(metricsPort, path, method)
  }

  events(event: string): readonly LogFields[] {
    return this.lines.filter((line) => line.event === event).map((line) => line.fields)
  }

  /** Promises that wait for no simulated port get to run as well, every 100 ms. */
  #keepDraining(): void {
    this.scheduler.noteAsync()
    this.scheduler.schedule(this.#client, 'other', 100_000, () => this.#keepDraining())
  }

  #log(base: LogFields): Log {
    const at =
      (level: string) =>
      (event: string, fields: LogFields = {}) => {
        this.#onLine({ level, event, fields: { ...base, ...fields } })
      }
    return {
      error: at('error'),
      warn: at('warn'),
      info: at('info'),
      debug: at('debug'),
      child: (fields) => this.#log({ ...base, ...fields }),
    }
  }
}

/** A client that sends and receives raw bytes. */
export class RawClient {
  readonly stream: ByteStream
  received = new Uint8Array(0)
  chunkCount = 0
  isClosed = false

  constructor(stream: ByteStream) {
    this.stream = stream
    stream.handle({
      onData: (bytes) => {
        const all = new Uint8Array(this.received.length + bytes.length)
        all.set(this.received)
        all.set(bytes, this.received.length)
        this.received = all
        this.chunkCount++
      },
      onDrain: () => {},
      onClose: () => {
        this.isClosed = true
      },
    })
  }

  send(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.stream.write(chunk)
  }

  get text(): string {
    return new TextDecoder().decode(this.received)
  }

  /** The frames received so far, without their lengths. */
  frames(): readonly Uint8Array[] {
    const view = new DataView(this.received.buffer)
    const frames: Uint8Array[] = []
    for (let at = 0; at + 4 <= this.received.length; ) {
      const length = view.getInt32(at)
      frames.push(this.received.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    return frames
  }

  /** The replies after the connect response. */
  replies(): readonly { readonly xid: number; readonly error: number; readonly body: Uint8Array }[] {
    return this.frames()
      .slice(1)
      .map((frame) => {
        const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
        return { xid: view.getInt32(0), error: view.getInt32(12), body: frame.subarray(16) }
      })
  }
}
