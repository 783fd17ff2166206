/**
 * Answers four-letter words: takes the status of the running server for each, has src/admin render it, and carries out
 * what a word changes. Owns: the trace mask, which is stored and shown but traces nothing, as in current ZooKeeper.
 */
import type { AdminDetails, ConnectionName, ExpiryBucket, SessionsStatus } from '../../admin/admin-details.ts'
import { renderCheckpoint } from '../../admin/checkpoint-text.ts'
import type { AdminCommand, CommandAction, CommandAnswer } from '../../admin/commands/admin-command.ts'
import { answerFourLetterWord, traceMaskDefault, type WordQuestion } from '../../admin/four-letter-words.ts'
import { type LeadershipWord, renderLeadership } from '../../admin/leadership-text.ts'
import type { LastCheckpoint } from '../../admin/server-status.ts'
import { statusFamilies } from '../../admin/status-families.ts'
import { assertNever } from '../../base/assert.ts'
import type { ServerId, SessionId } from '../../base/ids.ts'
import type { MetricFamily } from '../../base/metric-family.ts'
import { ok } from '../../base/result.ts'
import type { Config } from '../../config/config.ts'
import { effectiveSettings } from '../../config/effective-settings.ts'
import { latencyFamily, metricFamilies } from '../../metrics/metric-families.ts'
import { metricValues, resetMetrics, type ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Stamp } from '../../replica/contract.ts'
import type { Replica } from '../../replica/replica.ts'
import type { ReplicaDetails } from '../../replica/status/replica-details.ts'
import type { Checkpointing } from '../checkpoints/checkpointing.ts'
import type { ClientSocket } from '../clients/client-socket.ts'
import type { ClientSockets } from '../clients/client-sockets.ts'
import type { HandOvers } from '../hand-overs.ts'
import type { HostFacts } from '../host-facts.ts'
import { quotaMetrics } from './quota-metrics.ts'
import { serverStatus } from './server-status.ts'

export interface AdminAnswersOptions {
  readonly version: string
  readonly host: HostFacts
  readonly clients: ClientSockets
  readonly replica: Replica
  readonly metrics: ServerMetrics
  readonly checkpointing: Pick<Checkpointing, 'ask'>
  readonly handOvers: Pick<HandOvers, 'ask'>
}

/** The server's state when a word arrives. */
export interface AdminMoment {
  readonly config: Config
  readonly now: Stamp
  readonly logSizeBytes: number
  readonly checkpointSizeBytes: number
  readonly lastCheckpoint: LastCheckpoint | null
  readonly isCheckpointDamaged: boolean
  /** How long writes have waited for space on the disk; null while they do not. */
  readonly diskFullMs: number | null
  readonly uptimeMs: number
  readonly leaderUptimeMs: number
}

export class AdminAnswers {
  readonly #options: AdminAnswersOptions
  #traceMask = traceMaskDefault

  constructor(options: AdminAnswersOptions) {
    this.#options = options
  }

  /** Calls `reply` with the text: at once, except for a word that has to wait for the disk or for another server. */
  answer(question: WordQuestion, moment: AdminMoment, reply: (text: string) => void): void {
    const { host, replica } = this.#options
    const status = serverStatus({ ...this.#options, ...moment, replica: replica.status() })
    const details = this.#details(moment)
    const sources = { status, details, environment: host.environment }
    const { text, action } = answerFourLetterWord(question, moment.config.fourLetterWords, sources)
    if (action?.kind === 'make-checkpoint') return this.#makeCheckpoint(reply)
    if (action?.kind === 'hand-over') return this.#handOver(action.word, moment.config.serverId, reply)
    if (action !== null) this.#carryOut(action)
    reply(text)
  }

  /** Null: this server does not serve, and the command needs one that does. */
  run(command: AdminCommand, args: ReadonlyMap<string, string>, moment: AdminMoment): CommandAnswer | null {
    const { host, replica } = this.#options
    const status = serverStatus({ ...this.#options, ...moment, replica: replica.status() })
    if (command.needsServing && status.serving === null) return null
    const details = this.#details(moment)
    const { leaderId } = replica
    const facts = { environment: host.environment, wallMs: moment.now.wallMs, leaderId }
    const answer = command.answer({ status, details, ...facts }, args)
    if (answer.action !== null) this.#carryOut(answer.action)
    return answer
  }

  /** All metrics of a server that has its data, for Prometheus. */
  metricFamilies(moment: AdminMoment): readonly MetricFamily[] {
    const { host, replica, clients, metrics } = this.#options
    const { latencyByOperation } = clients.statistics
    const replicaStatus = replica.status()
    const status = serverStatus({ ...this.#options, ...moment, replica: replicaStatus })
    const load = {
      waitingConnectionCount: clients.waitingCount,
      learners: replica.learnerLags(),
      quotas: replicaStatus.quotas,
    }
    return [
      ...statusFamilies(status, load, host.fileDescriptors()),
      ...metricFamilies(metrics),
      ...(latencyByOperation === null ? [] : [latencyFamily(latencyByOperation)]),
    ]
  }

  #makeCheckpoint(reply: (text: string) => void): void {
    this.#options.checkpointing.ask((outcome) => {
      if (!outcome.ok) return reply(renderCheckpoint(outcome))
      const { facts, sizeBytes, durationMs, log } = outcome.value
      reply(renderCheckpoint(ok({ ...facts, sizeBytes, durationMs, log })))
    })
  }

  /** `rqld` asks for the leadership of this server, `ydld` for that of any other than the leader. */
  #handOver(word: LeadershipWord, self: ServerId, reply: (text: string) => void): void {
    const to = word === 'rqld' ? self : null
    this.#options.handOvers.ask(to, (problem) => reply(renderLeadership(word, problem)))
  }

  #details({ config, now }: AdminMoment): AdminDetails {
    const { clients, replica, metrics, host } = this.#options
    const wallOf = (monotonicMs: number): number => now.wallMs + monotonicMs - now.monotonicMs
    const details = replica.details()
    return {
      furtherSettings: () => (config.compatibility.listsZooKeeperKeysAlone ? [] : effectiveSettings(config)),
      connections: () => clients.statuses(),
      metrics: () => new Map([...metricValues(metrics), ...quotaMetrics(replica.status().quotas)]),
      sessions: () => sessionsStatus(details, wallOf),
      ephemerals: details.ephemerals,
      connectionExpiry: () => connectionExpiry(clients.open(), config.connectRequestTimeoutMs, wallOf),
      watchCounts: details.watchCounts,
      watchersByPath: details.watchersByPath,
      pathsByWatcher: details.pathsByWatcher,
      digests: () =>
        details.digests().map(({ zxid, digest }) => ({ zxid, digest: BigInt.asIntN(64, BigInt(`0x${digest}`)) })),
      traceMask: () => this.#traceMask,
      memory: () => host.memory(),
      fileDescriptors: () => host.fileDescriptors(),
    }
  }

  #carryOut(action: CommandAction): void {
    const { clients, replica, metrics } = this.#options
    switch (action.kind) {
      case 'reset-connection-statistics':
        clients.resetConnectionStatistics()
        return
      case 'reset-server-statistics':
        clients.statistics.reset(clients.open())
        replica.resetStatistics()
        resetMetrics(metrics)
        return
      case 'set-trace-mask':
        this.#traceMask = action.traceMask
        return
      default:
        assertNever(action)
    }
  }
}

type TrackedBuckets = NonNullable<ReturnType<ReplicaDetails['localExpiryBuckets']>>

function sessionsStatus(details: ReplicaDetails, wallOf: (monotonicMs: number) => number): SessionsStatus {
  const onTheWall = (buckets: TrackedBuckets): readonly ExpiryBucket<SessionId>[] =>
    buckets.map(({ expiresAtMs, sessionIds }) => ({ expiresAtWallMs: wallOf(expiresAtMs), members: sessionIds }))
  const sessions = details.sessions()
  const localBuckets = details.localExpiryBuckets()
  const local = localBuckets === null ? null : onTheWall(localBuckets)
  if (sessions.kind === 'known') return { local, global: sessions }
  return { local, global: { kind: 'expiring', buckets: onTheWall(sessions.buckets) } }
}

/**
 * The time until which each connection may be silent, as `dump` shows it (ZK: NIOServerCnxnFactory.touchCnxn,
 * ExpiryQueue): its session's timeout, or the time limit of the connect request, rounded up as ZooKeeper does.
 */
function connectionExpiry(
  clients: Iterable<ClientSocket>,
  connectRequestTimeoutMs: number,
  wallOf: (monotonicMs: number) => number,
): readonly ExpiryBucket<ConnectionName>[] {
  const buckets = new Map<number, ConnectionName[]>()
  for (const { stream, session, lastHeardAtMs } of clients) {
    const { remoteAddress, remotePort } = stream
    const expiresAtMs = lastHeardAtMs + (session?.timeoutMs ?? connectRequestTimeoutMs)
    const bucket = Math.floor(expiresAtMs / connectRequestTimeoutMs) + 1
    const name = { remoteAddress, remotePort, sessionId: session?.sessionId ?? null }
    const members = buckets.get(bucket)
    if (members === undefined) buckets.set(bucket, [name])
    else members.push(name)
  }
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucket, members]) => ({ expiresAtWallMs: wallOf(bucket * connectRequestTimeoutMs), members }))
}
