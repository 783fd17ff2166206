/**
 * One server: recovers its log, opens its ports, and runs the replica until it is closed or must stop. Clock, disk,
 * network and randomness are passed in as ports, so the simulator runs this same code.
 * Owns: the order of starting and stopping. A server that accepted clients before its log was read would answer from
 * an empty tree; one that released its data folder before the last flush could write to it together with another process.
 */
import type { HealthState } from '../admin/health.ts'
import { assert, assertNever } from '../base/assert.ts'
import { emptyChainHash } from '../base/chain-hash.ts'
import { hexOfZxid, type ServerId } from '../base/ids.ts'
import { clientCloseMs, closingAnswersMsMax, closingReadersMsMax } from '../base/limits.ts'
import type { MetricFamily } from '../base/metric-family.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Config } from '../config/config.ts'
import { membershipOf } from '../config/members.ts'
import { Membership } from '../membership/membership.ts'
import { metricFamilies } from '../metrics/metric-families.ts'
import { newMetrics, type ServerMetrics } from '../metrics/server-metrics.ts'
import type { Log } from '../ports/log.ts'
import type { Ports } from '../ports/ports.ts'
import type { Address, ListenerHandle } from '../ports/stream.ts'
import type { CancelTimer } from '../ports/timers.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import { compileTxnCodec } from '../protocol/txn/txn-codec.ts'
import type { Effect } from '../replica/contract.ts'
import { Replica } from '../replica/replica.ts'
import type { Trace } from '../replica/trace-event.ts'
import type { LogStorage } from '../storage/log-storage.ts'
import type { ZabSettings } from '../zab/zab-contract.ts'
import { Backups } from './backups/backups.ts'
import { CheckpointTransfers } from './checkpoints/checkpoint-transfers.ts'
import { Checkpointing } from './checkpoints/checkpointing.ts'
import { TransferPace } from './checkpoints/transfer-pace.ts'
import { ClientSockets } from './clients/client-sockets.ts'
import { StartingClients } from './clients/starting-clients.ts'
import type { DataFolder } from './data-folder.ts'
import { DataStart, type OpenedData } from './data-start.ts'
import { HandOvers } from './hand-overs.ts'
import { type HostFacts, unknownHost } from './host-facts.ts'
import { LocalKeyWriter } from './local-key-writer.ts'
import { LogEffects } from './log-effects.ts'
import { AdminAnswers, type AdminMoment } from './operators/admin-answers.ts'
import { OperatorPorts } from './operators/operator-ports.ts'
import { OrderlyClose } from './orderly-close.ts'
import { PauseMonitor } from './pause-monitor.ts'
import { PeerConnections } from './peer-connections.ts'
import { portFailure, type StartFailure } from './start-failure.ts'
import { Turn } from './turn.ts'

export interface ServerOptions {
  readonly config: Config
  /** As `versionText` of src/admin renders it. */
  readonly version: string
  readonly ports: Ports
  readonly trace?: Trace
  readonly host?: HostFacts
  /** The simulator keeps few committed txns in memory, so that learners are served from the log, and from copies. */
  readonly retainedTxnCountMax?: number | undefined
}

export interface ZktsServer {
  /** Resolves when the ports are open; an ensemble serves once it has a leader. Call it once. */
  start(): Promise<Result<void, StartFailure>>
  /**
   * Stops accepting, hands the leadership over, answers the requests that it has read, ends the connections, flushes the log,
   * releases the data folder.
   */
  close(): Promise<void>
  /**
   * Another server of the ensemble is to lead: the one with this id, or the best one if it is null. A server that leads hands
   * over, one that follows asks its leader to. The error says why that is not possible.
   */
  handOver(to: number | null): Promise<Result<void, string>>
  /** Resolves with the reason when the server has stopped, by itself or by `close`. */
  readonly stopped: Promise<string>
  /** After `start` with the port that the system assigned. */
  readonly clientAddress: Address
  /** Where admin commands are served over HTTP, with the port that the system assigned; null: nowhere. */
  readonly adminAddress: Address | null
  /** Where metrics and health are served over HTTP, with the port that the system assigned; null: nowhere. */
  readonly metricsAddress: Address | null
}

export function createServer(options: ServerOptions): ZktsServer {
  return new Server(options)
}

/** How long a quorum that agrees on a leader waits for the votes of the other servers. */
const settleMs = 20
const electionTickMs = 20
/** Heartbeats and keep-alives are due at ticks: a third of their interval keeps them close to it. */
const ticksPerHeartbeat = 3
/** The reason in `server-stopped` when `close` was called. */
const closedByCaller = 'closed'
const clientCloseCheckMs = 10

/** What exists once the log is recovered. */
interface Running {
  readonly storage: LogStorage
  readonly dataFolder: DataFolder
  readonly checkpointing: Checkpointing
  readonly localKey: LocalKeyWriter
  readonly replica: Replica
  readonly turn: Turn
  readonly clients: ClientSockets
  readonly peers: PeerConnections | null // null: standalone
  readonly logEffects: LogEffects
  readonly transfers: CheckpointTransfers
  readonly backups: Backups
  readonly admin: AdminAnswers
  readonly handOvers: HandOvers
  readonly orderlyClose: OrderlyClose
  readonly startedAtMs: number
}

type BackupParts = Pick<Running, 'replica' | 'turn' | 'checkpointing'> & { readonly pace: TransferPace }

class Server implements ZktsServer {
  readonly stopped: Promise<string>
  clientAddress: Address
  readonly #options: ServerOptions
  readonly #log: Log
  readonly #metrics: ServerMetrics = newMetrics()
  readonly #pauses: PauseMonitor | null
  readonly #startingClients: StartingClients
  #resolveStopped: (reason: string) => void = () => {}
  #starting: Promise<Result<void, StartFailure>> | null = null
  #running: Running | null = null
  #listening: ListenerHandle | null = null
  #notListening: Promise<void> | null = null
  #cancelTick: CancelTimer = () => {}
  #closing: Promise<void> | null = null
  /** Why it must stop. */
  #fault: string | null = null
  #leadingSinceMs: number | null = null
  readonly #operatorPorts: OperatorPorts

  constructor(options: ServerOptions) {
    this.#options = options
    this.#log = options.ports.log.child({ serverId: options.config.serverId })
    const { clientAddress, pauseThresholds } = options.config
    this.#pauses = pauseThresholds === null ? null : new PauseMonitor(pauseThresholds, this.#metrics, this.#log)
    this.clientAddress = clientAddress
    const { config, version, host = unknownHost, ports } = options
    const known = { config, version, host, clock: ports.clock }
    this.#startingClients = new StartingClients({ ...known, log: this.#log, metrics: this.#metrics })
    const families = (): readonly MetricFamily[] => this.#metricFamilies()
    const operators = { config, http: ports.http, host, log: this.#log, families, health: () => this.#health() }
    this.#operatorPorts = new OperatorPorts(operators)
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve
    })
  }

  get adminAddress(): Address | null {
    return this.#operatorPorts.adminAddress
  }

  get metricsAddress(): Address | null {
    return this.#operatorPorts.metricsAddress
  }

  start(): Promise<Result<void, StartFailure>> {
    assert(this.#starting === null, 'a server is started once')
    this.#starting = this.#start()
    return this.#starting
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeInOrder()
    return this.#closing
  }

  handOver(to: number | null): Promise<Result<void, string>> {
    const running = this.#running
    if (running === null) return Promise.resolve(err('this server has not started'))
    return new Promise((resolve) => {
      running.handOvers.ask(to as ServerId | null, (problem) =>
        resolve(problem === null ? ok(undefined) : err(problem)),
      )
    })
  }

  async #start(): Promise<Result<void, StartFailure>> {
    const { config, ports } = this.#options
    const data = new DataStart({ config, ports, log: this.#log, metrics: this.#metrics })
    const unusable =
      (await data.take()) ?? (await this.#operatorPorts.openMonitoring()) ?? (await this.#listenForClients())
    if (unusable !== null) {
      await this.#operatorPorts.close()
      await data.release()
      return err(unusable)
    }
    const opened = await data.read()
    if (!opened.ok) {
      await Promise.all([this.#stopListening(), this.#operatorPorts.close()])
      this.#startingClients.stop()
      return opened
    }
    const localKey = new LocalKeyWriter(ports, config.dataDir, this.#log)
    await localKey.start()
    const running = this.#assemble(opened.value, localKey)
    const failure = await this.#listenForPeers(running)
    if (failure !== null) {
      await Promise.all([this.#stopListening(), running.peers?.close(), this.#operatorPorts.close()])
      this.#startingClients.stop()
      await running.checkpointing.close(false)
      await localKey.close()
      await running.dataFolder.close()
      await running.storage.close()
      return err(failure)
    }
    this.#startingClients.stop()
    this.#running = running
    const { host, port } = this.clientAddress
    const { state, dataFolder } = opened.value
    const folder = dataFolder.walFolder
    this.#log.info('server-started', { mode: config.mode, host, port, zxid: hexOfZxid(state.lastApplied), folder })
    running.turn.start((stamp) => running.replica.start(stamp))
    this.#tick(running)
    if (this.#closing !== null) return ok(undefined)
    await this.#operatorPorts.openAdmin((command, args) => running.admin.run(command, args, this.#moment(running)))
    return ok(undefined)
  }

  #assemble(data: OpenedData, localKey: LocalKeyWriter): Running {
    const { storage, state, recovered, dataFolder } = data
    const { config, ports, trace, version, host = unknownHost } = this.#options
    const log = this.#log
    const metrics = this.#metrics
    const startedAtMs = ports.clock.monotonicMs()
    compileTxnCodec()
    const incarnation = ports.random.uint32()
    const replica: Replica = new Replica({
      config,
      state,
      // Recovery has applied every txn that is marked as committed, so the state has the hash at that point.
      recovered: { ...recovered, committedHash: recovered.committed === 0 ? emptyChainHash : state.lastHash },
      zab: this.#zabSettings(dataFolder.trustsEmptyLog),
      incarnation,
      wallMsAtStart: ports.clock.wallMs(),
      hash: (bytes) => ports.digest.hash(config.auth.digestAlgorithm, bytes),
      localKey: localKey.key,
      log,
      metrics,
      trace: trace ?? null,
    })
    const tickIntervalMsMax = config.heartbeatIntervalMs / ticksPerHeartbeat
    const turn: Turn = new Turn(ports.clock, ports.timers, tickIntervalMsMax, {
      handle: (event, stamp) => replica.handle(event, stamp),
      perform: (effect) => this.#perform(running, effect),
      tick: () => this.#handleTick(running),
      readOn: () => clients.readOn(),
      flush: () => {
        peers?.flush(turn.now().monotonicMs)
        orderlyClose.turnEnded()
        clients.flush()
      },
    })
    const clients: ClientSockets = new ClientSockets({
      config,
      log,
      metrics,
      random: ports.random,
      turn,
      answerWord: (question, reply) => running.admin.answer(question, this.#moment(running), reply),
    })
    const peers: PeerConnections | null =
      config.mode === 'standalone'
        ? null
        : new PeerConnections({
            config,
            ports,
            log,
            turn,
            incarnation,
            clusterId: () => replica.clusterId,
            isServing: () => replica.status().serving === 'serving',
          })
    const send: PeerConnections['send'] = (to, message) => {
      assert(peers !== null, 'a standalone server sends to no peer', { to, kind: message.kind })
      peers.send(to, message)
    }
    const pace = new TransferPace(config.snapSyncRateLimitKib, ports.clock, ports.timers)
    const { checkpointing, transfers, logEffects } = this.#keepData(data, turn, pace, send)
    const backups = this.#serveBackups(data, { replica, turn, pace, checkpointing })
    const handOvers = new HandOvers(turn)
    const admin = new AdminAnswers({ version, host, clients, replica, metrics, checkpointing, handOvers })
    const orderlyClose = new OrderlyClose({ replica, clients, turn, timers: ports.timers, log, handOvers })
    const parts = { replica, turn, clients, peers, logEffects, transfers, backups, admin, orderlyClose, handOvers }
    const running: Running = { storage, dataFolder, checkpointing, localKey, ...parts, startedAtMs }
    return running
  }

  /** What writes to the log and keeps the checkpoint. */
  #keepData(
    data: OpenedData,
    turn: Turn,
    pace: TransferPace,
    send: PeerConnections['send'],
  ): Pick<Running, 'checkpointing' | 'transfers' | 'logEffects'> {
    const { config, ports } = this.#options
    const log = this.#log
    const metrics = this.#metrics
    const { storage, dataFolder, checkpoints } = data
    const logDamaged = (error: Error): void => logEffects.damaged(error)
    const checkpointing = new Checkpointing({ data, config, ports, log, metrics, logDamaged })
    const transfers = new CheckpointTransfers({
      access: checkpointing,
      turn,
      clock: ports.clock,
      timers: ports.timers,
      log,
      pace,
    })
    const logEffects: LogEffects = new LogEffects({
      storage,
      turn,
      metrics,
      log,
      isAlone: config.mode === 'standalone',
      send,
      noteEpoch: (epoch, clusterId) => dataFolder.noteEpoch(epoch, clusterId),
      discardCheckpoint: () => checkpoints.discard(),
      copyIsQuicker: (after) => checkpointing.copyIsQuicker(after),
      logRestarted: (zxid) => transfers.logRestarted(zxid),
    })
    return { checkpointing, transfers, logEffects }
  }

  #serveBackups({ checkpoints, storage, state }: OpenedData, parts: BackupParts): Backups {
    const { config, ports } = this.#options
    const { clock, timers, random } = ports
    const { replica, turn, pace, checkpointing } = parts
    return new Backups({
      source: {
        checkpoints: { history: checkpointing.history, sizeBytes: () => checkpoints.sizeBytes() },
        copy: checkpointing.copy,
        makeCheckpoint: () => checkpointing.make(),
        holdLog: checkpointing.holdLog,
        storage,
        lastApplied: () => state.lastApplied,
        server: () => ({ serverId: config.serverId, clusterId: replica.clusterId, epoch: replica.currentEpoch }),
        clock,
        timers,
      },
      turn,
      timers,
      pace,
      log: this.#log,
      metrics: this.#metrics,
      firstId: random.uint32() >>> 1,
    })
  }

  #zabSettings(trustsEmptyLog: boolean): ZabSettings {
    const { config, ports } = this.#options
    const { serverId: self, members, peerTimeoutMs, initLimitMs, heartbeatIntervalMs } = config
    const slowLeaderMs = config.handOverSlowLeaderMs
    const { random } = ports
    const membership = config.mode === 'standalone' ? Membership.ofMajority([self]) : membershipOf(members)
    // 53 random bits; never zero, which stands for no cluster id.
    const freshClusterId = ((random.uint32() >>> 11) * 2 ** 32 + Math.max(random.uint32(), 1)) as ClusterId
    const firstIncarnation = random.uint32()
    const copiesAtOnceMax = config.snapSyncsAtOnceMax
    const times = { peerTimeoutMs, initLimitMs, heartbeatIntervalMs, slowLeaderMs, settleMs }
    const { retainedTxnCountMax } = this.#options
    const limits = { copiesAtOnceMax, retainedTxnCountMax }
    return { self, membership, ...times, firstIncarnation, freshClusterId, trustsEmptyLog, ...limits }
  }

  /** Connections of clients that come before the server runs go to `#startingClients`. */
  async #listenForClients(): Promise<StartFailure | null> {
    const { config, ports } = this.#options
    try {
      this.#listening = await ports.listener.listen(config.clientAddress, (stream) => {
        if (this.#running === null) this.#startingClients.accept(stream)
        else if (this.#closing === null) this.#running.clients.accept(stream)
        else stream.destroy()
      })
    } catch (cause) {
      return portFailure('clientPort', config.clientAddress, cause)
    }
    // The host name from the configuration, with the port that the system assigned.
    this.clientAddress = { host: config.clientAddress.host, port: this.#listening.address.port }
    return null
  }

  async #listenForPeers({ peers }: Running): Promise<StartFailure | null> {
    if (peers === null) return null
    try {
      await peers.listen()
      return null
    } catch (cause) {
      return portFailure(`server.${this.#options.config.serverId}`, peers.listenAddress, cause)
    }
  }

  /**
   * An election waits for ticks, so they are frequent during one. Afterwards they are rare: an idle server should
   * sleep.
   */
  #tick(running: Running): void {
    const { config, ports } = this.#options
    const { turn, replica } = running
    const calmIntervalMs = config.heartbeatIntervalMs / ticksPerHeartbeat
    const intervalMs = Math.max(1, Math.floor(Math.min(calmIntervalMs, this.#tickLimitMs(replica.role))))
    const dueAtMs = ports.clock.monotonicMs() + intervalMs
    this.#cancelTick = ports.timers.after(intervalMs, () => {
      const pauseMs = Math.max(0, ports.clock.monotonicMs() - dueAtMs)
      this.#pauses?.ticked(pauseMs)
      const isSlow = config.handOverSlowLeaderMs > 0 && pauseMs >= config.handOverSlowLeaderMs
      if (isSlow) turn.feed({ kind: 'paused', durationMs: pauseMs })
      this.#tick(running)
      turn.tick()
    })
  }

  #handleTick({ turn, clients, peers, replica, checkpointing, backups }: Running): void {
    const { monotonicMs } = turn.now()
    peers?.tick(monotonicMs)
    turn.feed({ kind: 'tick' })
    clients.tick(monotonicMs)
    checkpointing.tick(monotonicMs)
    backups.tick(monotonicMs)
    this.#leadingSinceMs = replica.role === 'leading' ? (this.#leadingSinceMs ?? monotonicMs) : null
  }

  /**
   * The longest tick interval that a role allows. The leader begins its sweeps of containers and TTL znodes at ticks.
   */
  #tickLimitMs(role: Replica['role']): number {
    if (role === 'looking') return electionTickMs
    return role === 'leading' ? this.#options.config.containerCheckIntervalMs : Number.POSITIVE_INFINITY
  }

  #perform(running: Running, effect: Effect): void {
    const { clients, logEffects } = running
    switch (effect.kind) {
      case 'send':
        running.peers!.send(effect.to, effect.message)
        return
      case 'persist':
      case 'truncate-log':
      case 'restart-log':
      case 'read-log':
        logEffects.run(effect)
        return
      case 'copy-step':
        running.transfers.run(effect.step)
        return
      case 'backup-step':
        running.backups.run(effect.step)
        return
      case 'backups-left':
        running.backups.left(effect.sessionId, effect.mayReturn)
        return
      case 'reply':
      case 'connect-response':
        clients.reply(effect)
        return
      case 'notify':
        clients.notify(effect.connectionId, effect.event)
        return
      case 'close-connection':
        clients.closeForReplica(effect.connectionId, effect.reason)
        return
      case 'hand-over-ended':
        running.handOvers.ended(effect.to, effect.problem)
        return
      case 'stop':
        this.#metrics.unrecoverable_error_count.add()
        this.#log.error('server-must-stop', { reason: effect.reason })
        this.#stop(effect.reason)
        return
      default:
        assertNever(effect)
    }
  }

  #moment({ storage, dataFolder, checkpointing, turn, startedAtMs }: Running): AdminMoment {
    const { config, ports } = this.#options
    const now = turn.now()
    const machineMs = ports.clock.monotonicMs()
    const fullSinceMs = [storage.diskFullSinceMs, dataFolder.diskFullSinceMs].filter((ms) => ms !== null)
    return {
      config: { ...config, clientAddress: this.clientAddress },
      now,
      logSizeBytes: storage.sizeBytes,
      checkpointSizeBytes: checkpointing.sizeBytes,
      lastCheckpoint: checkpointing.last,
      isCheckpointDamaged: checkpointing.isDamaged,
      diskFullMs: fullSinceMs.length === 0 ? null : machineMs - Math.min(...fullSinceMs),
      uptimeMs: machineMs - startedAtMs,
      leaderUptimeMs: now.monotonicMs - (this.#leadingSinceMs ?? now.monotonicMs),
    }
  }

  #metricFamilies(): readonly MetricFamily[] {
    const running = this.#running
    if (running === null) return metricFamilies(this.#metrics)
    return running.admin.metricFamilies(this.#moment(running))
  }

  #health(): HealthState {
    if (this.#fault !== null) return 'must-stop'
    if (this.#closing !== null) return 'closing'
    const running = this.#running
    if (running === null) return 'reading-data'
    const { serving } = running.replica.status()
    if (serving !== 'serving') return serving === 'read-only' ? 'read-only' : 'no-leader'
    const isFull = running.storage.diskFullSinceMs !== null || running.dataFolder.diskFullSinceMs !== null
    return isFull ? 'disk-full' : 'serving'
  }

  /** At once: what this server says can no longer be trusted. */
  #stop(reason: string): void {
    this.#fault ??= reason
    this.#running?.turn.stop()
    this.#running?.orderlyClose.abort()
    this.#closing ??= this.#finish()
  }

  async #closeInOrder(): Promise<void> {
    void this.#stopListening()
    const running = this.#running
    if (running !== null) await running.orderlyClose.run()
    await this.#finish()
  }

  /** New connections are refused from now on. */
  #stopListening(): Promise<void> {
    this.#notListening ??= this.#listening?.close() ?? null
    return this.#notListening ?? Promise.resolve()
  }

  async #finish(): Promise<void> {
    this.#cancelTick()
    this.#running?.turn.stop()
    await this.#starting
    const running = this.#running
    await this.#operatorPorts.closeAdmin()
    if (running !== null) {
      this.#cancelTick()
      running.turn.stop()
      running.handOvers.abort()
      const closed = [this.#stopListening(), running.peers?.close()]
      running.clients.closeAll()
      await new Promise<void>((done) => {
        this.#whenGone(running.clients, 0, () => done(this.#closeData(running, this.#fault === null)))
      })
      await Promise.all(closed)
    }
    await this.#operatorPorts.close()
    const reason = this.#fault ?? closedByCaller
    this.#log.info('server-stopped', { reason })
    this.#resolveStopped(reason)
  }

  /** A server that must stop does not trust its disk, so it makes no last checkpoint. */
  async #closeData(running: Running, isOrderly: boolean): Promise<void> {
    const { dataFolder, storage, checkpointing, transfers, backups, localKey } = running
    // A thread that hangs, or waits to be started again, is ended by the close of the checkpoint.
    await this.#atMost(closingReadersMsMax, Promise.all([transfers.close(), backups.close()]))
    await checkpointing.close(isOrderly)
    await localKey.close()
    await dataFolder.close()
    await storage.close()
  }

  #atMost(limitMs: number, done: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.ports.timers.after(limitMs, resolve)
      done.then(() => {
        cancel()
        resolve()
      }, reject)
    })
  }

  /** Calls `then` when all clients have closed, or have had time to read their last bytes. */
  #whenGone(clients: ClientSockets, waitedMs: number, then: () => void): void {
    const { streamCount, unsentCount } = clients
    // Answers to what was carried out.
    const mayReadMs = this.#fault === null ? closingAnswersMsMax : 0
    if (streamCount > 0 && (waitedMs < clientCloseMs || (unsentCount > 0 && waitedMs < mayReadMs))) {
      const nextMs = waitedMs + clientCloseCheckMs
      this.#options.ports.timers.after(clientCloseCheckMs, () => this.#whenGone(clients, nextMs, then))
      return
    }
    if (unsentCount > 0) this.#log.warn('clients-not-answered', { connectionCount: unsentCount })
    clients.destroyAll()
    then()
  }
}
