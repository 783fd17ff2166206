/**
 * One seed from start to verdict. Phase "chaos": the plan's faults strike while clients work. Phase "healed":
 * all faults end and a majority, at least, runs; every server must serve within bounded time. Phase "calm":
 * nothing may go wrong for longer than any session's timeout. Then clients rest, every request must have its
 * answer, all servers must reach one state, and the checkers judge the whole history.
 */
import { hexOfZxid, type ServerId, type Zxid } from '../../src/base/ids.ts'
import { type BackupCounts, judgeBackups, noBackups } from './backup-verdict.ts'
import { boundedElections, type ElectionCounts, noElections } from './checkers/bounded-elections.ts'
import { clientHistory } from './checkers/client-history.ts'
import { CommittedHistory } from './checkers/committed-history.ts'
import { committedPrefix } from './checkers/committed-prefix.ts'
import { connectionsOutliveLeader, leaderDies, leaderHandsOver } from './checkers/connections-outlive-leader.ts'
import { durability } from './checkers/durability.ts'
import { ephemeralLifetime } from './checkers/ephemeral-lifetime.ts'
import { exactlyOnce } from './checkers/exactly-once.ts'
import { keptConnections } from './checkers/kept-connections.ts'
import { leadersStopInTime } from './checkers/leaders-stop-in-time.ts'
import { localSessionExpiry } from './checkers/local-session-expiry.ts'
import { oneLeaderPerEpoch } from './checkers/one-leader-per-epoch.ts'
import { noOrderlyCloses, type OrderlyCloseCounts, orderlyCloses, serverCloses } from './checkers/orderly-closes.ts'
import { pauseExpiry } from './checkers/pause-expiry.ts'
import { quorumDurable } from './checkers/quorum-durable.ts'
import { readOnlyMode } from './checkers/read-only-mode.ts'
import { realTimeOrder } from './checkers/real-time-order.ts'
import { RequestLedger } from './checkers/request-ledger.ts'
import { sameDigest } from './checkers/same-digest.ts'
import { sessionExpiry } from './checkers/session-expiry.ts'
import { sessionReplies } from './checkers/session-replies.ts'
import { watchOrder } from './checkers/watch-order.ts'
import { workingLeadersStay } from './checkers/working-leaders-stay.ts'
import { zxidOrder } from './checkers/zxid-order.ts'
import { type CheckpointCounts, noCheckpointCounts, noteCheckpoints } from './checkpoint-counts.ts'
import { Contacts } from './contacts.ts'
import { type ElectionBound, electionBound, firstFlushMs, messageMsMax } from './election-bound.ts'
import { EnsembleView } from './ensemble-view.ts'
import { describePlan, drawFaultPlan, type FaultPlan } from './fault-plan.ts'
import { Faults, LinkFaults } from './faults.ts'
import { type KeptCounts, noKeptCounts, noteKept } from './kept-counts.ts'
import { SimOperator } from './operator.ts'
import { Scheduler, SimProcess } from './scheduler.ts'
import { type ClientContext, SimClient } from './sim-client.ts'
import { hostOfServer, SimCluster } from './sim-cluster.ts'
import type { SimEvent } from './sim-event.ts'
import { SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'
import { SimTrace } from './sim-trace.ts'
import { Workload } from './workload.ts'

export interface SimulateOptions {
  readonly chaosMs: number
}

export interface SeedResult {
  readonly seed: number
  readonly plan: string
  readonly trace: SimTrace
  /** Over every event and every step of the schedule: equal for two runs of a seed. */
  readonly hash: string
  readonly counts: SeedCounts
}

export interface SeedCounts {
  readonly simulatedMs: number
  readonly events: number
  readonly requestsAcknowledged: number
  readonly txns: number
  readonly epochs: number
  readonly crashes: number
  readonly checkpoints: CheckpointCounts
  /** How often a leader found itself slow, and looked for a successor. */
  readonly slowLeaders: number
  readonly connections: KeptCounts
  readonly elections: ElectionCounts
  readonly orderlyCloses: OrderlyCloseCounts
  readonly backups: BackupCounts
  /** From the end of the faults until every server served; null if one never did. */
  readonly healMs: number | null
  /** What took so long: the times of the steps. */
  readonly healText: string
}

export const chaosMsDefault = 30_000

/** Every survivor must serve a client within this time after the faults end; a copy of the state adds its own time. */
const healLimitMs = 15_000
const settleLimitMs = 8_000
const sliceMs = 50
/** Longer than the longest session timeout: until then a client that gets no answer has left its server. */
const leaderLossMs = 6_500
/** Until the named server leads. A slow disk takes 15 ms for each of four flushes, and a slow network as long for each message. */
const moveLimitMs = 2_500
const underWayLimitUs = 2_000_000
/** Fifty requests in a queue, each of which waits for an answer of the leader, are answered within closingAnswersMsMax. */
const quickMessageMs = 10
/** As by default; syncLimit is longer in every plan. */
const peerTimeoutMs = 1_500
/** As by default. In read-only mode the wait ends when that mode begins. */
const clientWaitForLeaderMs = 4_000
const sessionTimeoutMsMax = 6_000
const traceEntryCountMax = 400_000

export async function simulateSeed(seed: number, options: SimulateOptions): Promise<SeedResult> {
  const run = new Run(seed, options)
  const onRejection = (cause: unknown): void => run.blame(`unhandled rejection: ${textOf(cause)}`)
  process.on('unhandledRejection', onRejection)
  try {
    return await run.execute()
  } finally {
    process.off('unhandledRejection', onRejection)
  }
}

class Run {
  readonly #seed: number
  readonly #random: SimRandom
  readonly #plan: FaultPlan
  readonly #trace = new SimTrace()
  readonly #scheduler: Scheduler
  /** Runs what belongs to no server: the network, the faults, the clients. */
  readonly #process = new SimProcess('simulator')
  readonly #history = new CommittedHistory()
  readonly #ledger: RequestLedger
  readonly #network: SimNetwork
  readonly #contacts: Contacts
  readonly #view: EnsembleView
  readonly #electionCounts = noElections()
  readonly #closeCounts = noOrderlyCloses()
  readonly #links: LinkFaults
  readonly #cluster: SimCluster
  readonly #faults: Faults
  readonly #clients: SimClient[] = []
  readonly #pinned: SimClient[] = []
  readonly #operator: SimOperator | null // takes backups
  readonly #lastApplied = new Map<ServerId, { readonly zxid: Zxid; readonly digest: string }>()
  #casualties: readonly ServerId[] = []
  #requestCount = 0
  #connectionCount = 0
  #acknowledgedCount = 0
  #epochCount = 0
  readonly #checkpointCounts = noCheckpointCounts()
  readonly #keptCounts = noKeptCounts()
  #slowLeaderCount = 0
  #healMs: number | null = null
  #healText = ''

  constructor(seed: number, options: SimulateOptions) {
    this.#seed = seed
    this.#random = new SimRandom(seed, 'plan')
    this.#plan = drawFaultPlan(
      this.#random,
      {
        quotas: new SimRandom(seed, 'quotas'),
        sessions: new SimRandom(seed, 'sessions'),
        wipes: new SimRandom(seed, 'wipes'),
        compatibility: new SimRandom(seed, 'compatibility'),
        checkpoints: new SimRandom(seed, 'checkpoints'),
        copies: new SimRandom(seed, 'copies'),
        adoptions: new SimRandom(seed, 'adoptions'),
        backups: new SimRandom(seed, 'backups'),
        handOvers: new SimRandom(seed, 'hand-overs'),
        flapping: new SimRandom(seed, 'flapping'),
        slowLeaders: new SimRandom(seed, 'slow-leader'),
      },
      options.chaosMs,
    )
    const random = this.#random
    const { sessionModes } = this.#plan
    this.#ledger = new RequestLedger({ refusesEphemerals: sessionModes.local && !sessionModes.upgrading })
    this.#scheduler = new Scheduler(this.#plan.granularityUs, (culprit, cause) =>
      this.blame(`${culprit.name} threw ${textOf(cause)}`),
    )
    const clientHosts = Array.from({ length: this.#plan.clientCount }, (_, i) => clientHost(i))
    if (this.#plan.takesBackups) clientHosts.push(operatorHost)
    const isServerHost = (host: string): boolean => !clientHosts.includes(host)
    const onLinkChange = (from: string, to: string, atUs = this.#scheduler.nowUs): void =>
      this.#linkChanged(from, to, atUs)
    this.#links = new LinkFaults(this.#plan, random.fork('links'), isServerHost, onLinkChange)
    this.#contacts = new Contacts({
      nowUs: () => this.#scheduler.nowUs,
      isServerHost,
      ordinaryDelayUs: messageMsMax(this.#plan) * 1000,
      onChange: onLinkChange,
    })
    this.#network = new SimNetwork({
      scheduler: this.#scheduler,
      random: random.fork('network'),
      conditions: this.#links,
      networkProcess: this.#process,
      windowSizeBytes: this.#plan.network.windowSizeBytes,
      observer: this.#contacts,
    })
    const shared = { scheduler: this.#scheduler, process: this.#process, network: this.#network }
    this.#cluster = new SimCluster({
      ...shared,
      plan: this.#plan,
      random: random.fork('cluster'),
      clientHosts,
      record: (event) => this.#record(event),
      diskChanged: (id) => this.#view.diskChanged(id, this.#scheduler.nowUs),
      blame: (text) => this.blame(text),
    })
    this.#view = this.#makeView()
    this.#faults = new Faults(this.#plan, random.fork('faults'), new SimRandom(seed, 'copy faults'), {
      ...shared,
      links: this.#links,
      cluster: this.#cluster,
      recordFault: (text) => this.#record({ kind: 'fault', text }),
    })
    this.#addCheckers()
    for (let i = 0; i < this.#plan.clientCount; i++) this.#clients.push(this.#makeClient(i, this.#cluster.ids))
    this.#operator = this.#plan.takesBackups ? this.#makeOperator() : null
  }

  blame(text: string): void {
    this.#trace.violations.push({ checker: 'server', text })
  }

  async execute(): Promise<SeedResult> {
    this.#keepDraining()
    this.#record({ kind: 'phase', phase: 'chaos' })
    this.#cluster.startAll()
    for (const client of this.#clients) client.start()
    this.#operator?.start()
    this.#faults.start()
    await this.#runFor(this.#plan.chaosMs)
    if (!this.#hasFailed()) await this.#heal()
    if (!this.#hasFailed()) await this.#stayCalm()
    if (!this.#hasFailed()) await this.#moveLeader()
    if (!this.#hasFailed()) await this.#closeLeader()
    if (!this.#hasFailed()) await this.#loseLeader()
    if (!this.#hasFailed()) await this.#settle()
    if (!this.#hasFailed()) await this.#judgeBackups()
    if (!this.#hasFailed()) this.#trace.finish()
    return this.#result()
  }

  async #heal(): Promise<void> {
    const { ids } = this.#cluster
    // Servers whose disk was wiped are chosen first, so that a majority with all data survives.
    const { lackingIds } = this.#cluster
    const shuffled = this.#random.shuffled(ids).filter((id) => !lackingIds.includes(id))
    this.#casualties = [...lackingIds, ...shuffled].slice(0, this.#plan.casualtyCount)
    this.#record({ kind: 'phase', phase: 'healed' })
    this.#view.allChanged(this.#scheduler.nowUs)
    this.#faults.heal(this.#casualties)
    const startedUs = this.#scheduler.nowUs
    const survivors = this.#survivors()
    survivors.forEach((id, i) => {
      const client = this.#makeClient(this.#plan.clientCount + i, [id])
      client.behave()
      client.start()
      this.#pinned.push(client)
    })
    for (const client of this.#clients) client.behave()
    const limitMs = healLimitMs + this.#copyMsMax()
    const isServed = await this.#runUntil(limitMs, () => this.#pinned.every((client) => client.answeredCount > 0))
    if (this.#hasFailed()) return
    if (isServed) {
      this.#healMs = (this.#scheduler.nowUs - startedUs) / 1000
      this.#healText = `seed ${this.#seed}: ${this.#trace.describeHealing(startedUs)}`
      return
    }
    const idle = survivors.filter((_, i) => this.#pinned[i]!.answeredCount === 0)
    this.#trace.violations.push({
      checker: 'progress',
      text: `${limitMs} ms after the faults ended servers ${idle} have served no client`,
    })
  }

  /** How long a leader takes at most to send the largest checkpoint so far to all survivors that lack data. */
  #copyMsMax(): number {
    const { checkpoints } = this.#plan
    if (checkpoints === null) return 0
    const learnerCount = this.#survivors().length - 1
    return Math.ceil((learnerCount * this.#checkpointCounts.sizeBytesMax) / (checkpoints.copyKibPerSecond * 1.024))
  }

  async #stayCalm(): Promise<void> {
    this.#record({ kind: 'phase', phase: 'calm' })
    await this.#runFor((sessionTimeoutMsMax + 2 * this.#plan.tickTimeMs) * (1 + this.#plan.clockRateSpread) + 1000)
  }

  /** The leader hands over while nothing else is wrong: the named server leads, and no client notices. */
  async #moveLeader(): Promise<void> {
    const { leaderId } = this.#cluster
    const successors = this.#survivors().filter((id) => id !== leaderId)
    if (leaderId === null || !this.#survivors().includes(leaderId) || successors.length === 0) return
    const to = new SimRandom(this.#seed, 'successor').pick(successors)
    let problem: string | null = 'the server has not answered'
    this.#record({ kind: 'fault', text: leaderHandsOver })
    this.#cluster.handOver(leaderId, to, (outcome) => {
      problem = outcome
    })
    const leads = await this.#runUntil(moveLimitMs, () => problem === null && this.#cluster.leaderId === to)
    if (!leads && !this.#hasFailed()) {
      const text = `${moveLimitMs} ms after server ${leaderId} was asked to hand over to server ${to}, server ${this.#cluster.leaderId} leads: ${problem}`
      this.#trace.violations.push({ checker: 'hand-over', text })
    }
  }

  /** The leader closes with requests under way while nothing else is wrong, and starts again, unless the others are no quorum. */
  async #closeLeader(): Promise<void> {
    const leaderId = await this.#busyLeader((serverId, leader) => serverId === leader)
    if (leaderId === null) return
    this.#record({ kind: 'fault', text: serverCloses })
    this.#cluster.stopGracefully(leaderId, 20)
    const isBack = (): boolean => !this.#cluster.isStopping(leaderId) && this.#view.isInStep(leaderId)
    const limitMs = healLimitMs + this.#copyMsMax()
    if ((await this.#runUntil(limitMs, isBack)) || this.#hasFailed()) return
    const text = `server ${leaderId} closed in order, and is not in step again ${limitMs} ms later`
    this.#trace.violations.push({ checker: 'progress', text })
  }

  /** The leader dies with requests of other servers under way while nothing else is wrong, unless these are no quorum. */
  async #loseLeader(): Promise<void> {
    const leaderId = await this.#busyLeader((serverId, leader) => serverId !== leader)
    if (leaderId === null) return
    this.#casualties = [...this.#casualties, leaderId]
    this.#record({ kind: 'fault', text: leaderDies })
    this.#cluster.crash(leaderId, 'kill', null)
    await this.#runFor(leaderLossMs)
  }

  /** The leader, when clients of the servers that `counts` names have requests under way. Null if the others are no quorum. */
  async #busyLeader(counts: (serverId: ServerId, leaderId: ServerId) => boolean): Promise<ServerId | null> {
    const { leaderId } = this.#cluster
    const survivors = this.#survivors()
    const hasQuorum = (survivors.length - 1) * 2 > this.#plan.serverCount
    if (leaderId === null || !survivors.includes(leaderId) || !hasQuorum) return null
    const isMeant = ({ serverId }: SimClient): boolean => serverId !== null && counts(serverId, leaderId)
    const underWay = (): number =>
      this.#clients.filter(isMeant).reduce((sum, { outstandingCount }) => sum + outstandingCount, 0)
    await this.#scheduler.runUntil(this.#scheduler.nowUs + underWayLimitUs, () => this.#hasFailed() || underWay() >= 3)
    return this.#hasFailed() || this.#cluster.leaderId !== leaderId ? null : leaderId
  }

  async #settle(): Promise<void> {
    const clients = [...this.#clients, ...this.#pinned]
    for (const client of clients) client.rest()
    this.#operator?.rest()
    const isAnswered = await this.#runUntil(settleLimitMs, () =>
      clients.every((client) => client.outstandingCount === 0),
    )
    if (!isAnswered && !this.#hasFailed()) {
      const waiting = clients.map((client) => client.outstanding).filter((text) => text !== '')
      this.#trace.violations.push({
        checker: 'progress',
        text: `requests without an answer in a calm ensemble: ${waiting.join('; ')}`,
      })
    }
    const isConverged = await this.#runUntil(settleLimitMs, () => new Set(this.#endStates()).size === 1)
    if (!isConverged && !this.#hasFailed()) {
      this.#trace.violations.push({
        checker: 'convergence',
        text: `servers end in different states: ${this.#endStates().join(', ')}`,
      })
    }
  }

  #endStates(): readonly string[] {
    return this.#survivors().map((id) => {
      const last = this.#lastApplied.get(id)
      return last === undefined ? 'nothing' : `${hexOfZxid(last.zxid)} ${last.digest}`
    })
  }

  #survivors(): readonly ServerId[] {
    return this.#cluster.ids.filter((id) => !this.#casualties.includes(id))
  }

  #makeView(): EnsembleView {
    const [links, network, contacts, cluster] = [this.#links, this.#network, this.#contacts, this.#cluster]
    return new EnsembleView(cluster.ids, {
      carries: (a, b) =>
        !links.isCut(hostOfServer(a), hostOfServer(b)) && !network.isBlocked(hostOfServer(a), hostOfServer(b)),
      diskWorks: (id) => cluster.diskWorks(id),
      isStopping: (id) => cluster.isStopping(id),
      answeredUs: (id, other) => contacts.answeredUs(hostOfServer(id), hostOfServer(other)),
      heardUs: (by, from) => contacts.heardUs(hostOfServer(by), hostOfServer(from)),
      sentSizeBytes: (from, to) => contacts.sentSizeBytes(hostOfServer(from), hostOfServer(to)),
    })
  }

  #linkChanged(hostA: string, hostB: string, atUs: number): void {
    const { ids } = this.#cluster
    const [a, b] = [ids.find((id) => hostOfServer(id) === hostA), ids.find((id) => hostOfServer(id) === hostB)]
    if (a !== undefined && b !== undefined) this.#view.linkChanged(a, b, atUs)
  }

  #addCheckers(): void {
    const trace = this.#trace
    const history = this.#history
    const ledger = this.#ledger
    const { serverCount, clockRateSpread, tickTimeMs, linearizableReads, enforceQuota, sessionModes } = this.#plan
    const hasLocalSessions = sessionModes.local || sessionModes.readOnly
    trace.addChecker((report) => committedPrefix(history, report))
    trace.addChecker((report) => sameDigest(report))
    trace.addChecker((report) => zxidOrder(report))
    trace.addChecker((report) => quorumDurable(serverCount, report))
    trace.addChecker((report) => oneLeaderPerEpoch(report))
    trace.addChecker((report) => durability(history, () => this.#survivors(), report))
    trace.addChecker((report) => sessionReplies(report))
    trace.addChecker((report) => realTimeOrder({ linearizableReads, hasLocalSessions }, report))
    const graceMs = tickTimeMs * 2 + sessionTimeoutMsMax * clockRateSpread
    // Fifty times the mean delay of a piece: a large message is many pieces, and each waits for a window.
    const usedTimeoutMsMin = (50 * this.#plan.network.latencyUsJitterMean) / 1000
    const expiry = { clockRateMax: 1 + clockRateSpread, graceMs, usedTimeoutMsMin }
    trace.addChecker((report) => sessionExpiry(expiry, report))
    trace.addChecker((report) => localSessionExpiry(expiry, report))
    // A third more than a heartbeat interval, which the configuration keeps below both.
    const pauseStepMsMax = (4 / 3) * Math.min(tickTimeMs / 2, 375)
    trace.addChecker((report) => pauseExpiry({ clockRateMax: 1 + clockRateSpread, pauseStepMsMax }, report))
    trace.addChecker((report) => ephemeralLifetime(history, sessionModes.local, report))
    trace.addChecker((report) => readOnlyMode(report))
    const waitMsMax = this.#plan.isStrict ? 0 : Math.min(clientWaitForLeaderMs, sessionModes.readOnly ? 2000 : Infinity)
    trace.addChecker((report) =>
      keptConnections({ clockRateMax: 1 + clockRateSpread, waitMsMax, pauseStepMsMax }, report),
    )
    trace.addChecker((report) => connectionsOutliveLeader(waitMsMax > 0, report))
    if (serverCount > 1) this.#addLeaderCheckers()
    const clockRateMax = 1 + clockRateSpread
    const areAnswersQuick = messageMsMax(this.#plan) < quickMessageMs
    const closing = { clockRateMax, areAnswersQuick, history, ledger }
    trace.addChecker((report) => orderlyCloses(closing, this.#closeCounts, report))
    trace.addChecker((report) => exactlyOnce(history, ledger, { hasLocalSessions }, report))
    trace.addChecker((report) => clientHistory(history, ledger, { enforceQuota }, report))
    trace.addChecker((report) => watchOrder(history, report))
  }

  #addLeaderCheckers(): void {
    const view = this.#view
    const plan = this.#plan
    const heartbeatMs = Math.min(plan.tickTimeMs / 2, peerTimeoutMs / 4)
    const times = { peerTimeoutMs, tickMs: heartbeatMs / 3 + 1, clockRateMin: 1 - plan.clockRateSpread }
    const silenceMs = (peerTimeoutMs + times.tickMs) / times.clockRateMin
    // One link that carries nothing, and that the observer holds for one that works, and the election after it.
    const graceMs = 2 * silenceMs
    const of = (gapSizeBytes: number): ElectionBound => electionBound(plan, gapSizeBytes)
    const bounds = { silenceMs, graceMs, firstFlushMs: firstFlushMs(plan), of }
    this.#trace.addChecker((report) => boundedElections(view, bounds, this.#electionCounts, report))
    this.#trace.addChecker((report) => leadersStopInTime(view, times, report))
    this.#trace.addChecker((report) => workingLeadersStay(view, peerTimeoutMs / 2, report))
  }

  #makeClient(number: number, servers: readonly ServerId[]): SimClient {
    const random = this.#random.fork(`client ${number}`)
    const host = clientHost(number)
    const plan = this.#plan
    const process = this.#process
    const scheduler = this.#scheduler
    const context: ClientContext = {
      scheduler,
      process,
      dialer: this.#network.dialer(host, process),
      nowUs: () => scheduler.nowUs,
      record: (event) => this.#record(event),
      nextRequestId: () => this.#requestCount++,
      nextConnection: () => this.#connectionCount++,
    }
    // A client that only reads never waits for a write of its own, so a deposed leader still answers it.
    const isReader = number === 0 && random.chance(0.6)
    const profile = isReader ? { ...plan.profile, writeShare: 0, syncShare: 0.5 } : plan.profile
    const workload = new Workload(random.fork('workload'), profile, number)
    return new SimClient(context, random, workload, {
      number,
      servers: servers.map((id) => ({ id, address: this.#cluster.clientAddressOf(id) })),
      sessionTimeoutMs: Math.min(plan.tickTimeMs * (isReader ? 12 : random.between(2, 12)), sessionTimeoutMsMax),
      pipelineDepth: isReader ? 30 : random.pick([1, 2, 8, 30]),
      thinkTimeMsMean: plan.thinkTimeMsMean,
      manners: plan.manners,
      // The clients that prove that every server serves again do not accept the read-only mode.
      canBeReadOnly: plan.sessionModes.readOnly && servers.length > 1 && random.chance(0.6),
    })
  }

  #makeOperator(): SimOperator {
    const cluster = this.#cluster
    const network = this.#network
    const scheduler = this.#scheduler
    return new SimOperator(
      {
        scheduler,
        number: operatorNumber,
        servers: cluster.ids.map((id) => ({ id, address: cluster.clientAddressOf(id) })),
        dialerOf: (process) => network.dialer(operatorHost, process),
        crash: (process, how) => network.crash(operatorHost, process, how),
        powerOn: () => network.powerOn(operatorHost),
        nowUs: () => scheduler.nowUs,
        record: (event) => this.#record(event),
        nextRequestId: () => this.#requestCount++,
        nextConnection: () => this.#connectionCount++,
        localKeyOf: (id) => cluster.localKeyOf(id),
        blame: (text) => this.#trace.violations.push({ checker: 'backups', text }),
      },
      new SimRandom(this.#seed, 'operator'),
    )
  }

  async #judgeBackups(): Promise<void> {
    if (this.#operator === null) return
    await judgeBackups(this.#operator.files, {
      history: this.#history,
      random: new SimRandom(this.#seed, 'verdict'),
      report: (text) => this.#trace.violations.push({ checker: 'backups', text }),
    })
  }

  #record(event: SimEvent): void {
    this.#operator?.observe(event)
    const entry = { atUs: this.#scheduler.nowUs, event }
    this.#history.observe(entry)
    this.#ledger.observe(entry)
    if (event.kind === 'reply' && event.error === null) this.#acknowledgedCount++
    if (event.kind === 'server' && event.event.kind === 'established') this.#epochCount++
    if (event.kind === 'server' && (event.event.kind === 'applied' || event.event.kind === 'installed'))
      this.#lastApplied.set(event.serverId, event.event)
    noteCheckpoints(this.#checkpointCounts, event)
    noteKept(this.#keptCounts, event)
    if (event.kind === 'server-log' && event.text.startsWith('warn leader-slow ')) this.#slowLeaderCount++
    if (event.kind === 'server-log' && event.text.startsWith('info checkpoint-receiving '))
      this.#faults.copyBegan(event.serverId)
    if (event.kind === 'server-log' && event.text.startsWith('info checkpoint-received '))
      this.#faults.copyEnded(event.serverId)
    this.#trace.add(entry.atUs, event)
    this.#view.observe(entry)
    if (this.#trace.entries.length === traceEntryCountMax) this.blame('the trace grows without end')
  }

  /** Promises that wait for no simulated port get to run as well, every 100 ms. */
  #keepDraining(): void {
    this.#scheduler.noteAsync()
    this.#scheduler.schedule(this.#process, 'other', 100_000, () => this.#keepDraining())
  }

  #hasFailed(): boolean {
    return this.#trace.violations.length > 0
  }

  async #runFor(ms: number): Promise<void> {
    await this.#scheduler.runUntil(this.#scheduler.nowUs + Math.ceil(ms * 1000), () => this.#hasFailed())
  }

  /** Whether `isDone` came true within the limit. */
  async #runUntil(limitMs: number, isDone: () => boolean): Promise<boolean> {
    const endUs = this.#scheduler.nowUs + limitMs * 1000
    while (!isDone()) {
      if (this.#scheduler.nowUs >= endUs || this.#hasFailed()) return false
      await this.#runFor(sliceMs)
    }
    return true
  }

  #result(): SeedResult {
    return {
      seed: this.#seed,
      plan: describePlan(this.#plan),
      trace: this.#trace,
      hash: `${this.#trace.hash}-${(this.#scheduler.scheduleHash >>> 0).toString(16)}`,
      counts: {
        simulatedMs: this.#scheduler.nowUs / 1000,
        events: this.#scheduler.eventCount,
        requestsAcknowledged: this.#acknowledgedCount,
        txns: this.#history.txns.length,
        epochs: this.#epochCount,
        crashes: this.#cluster.crashCount,
        checkpoints: { ...this.#checkpointCounts },
        elections: { ...this.#electionCounts, slow: { ...this.#electionCounts.slow } },
        slowLeaders: this.#slowLeaderCount,
        orderlyCloses: { ...this.#closeCounts, excused: { ...this.#closeCounts.excused } },
        connections: { kept: this.#keptCounts.kept, cut: { ...this.#keptCounts.cut } },
        backups: { ...(this.#operator?.counts ?? noBackups) },
        healMs: this.#healMs,
        healText: this.#healText,
      },
    }
  }
}

const operatorHost = '10.1.1.1'
const operatorNumber = 99

function clientHost(number: number): string {
  return `10.1.0.${number + 1}`
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
