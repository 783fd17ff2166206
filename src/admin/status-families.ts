/**
 * The state of a server as gauges for Prometheus. Those that ZooKeeper registers have its names (ZK:
 * ZooKeeperServer.registerMetrics, LeaderZooKeeperServer, QuorumZooKeeperServer); a server that does not serve has none of
 * them. Those that only zkts has begin with `zkts_`, and most of them exist in every state.
 * A gauge for which this server has no true value is left out.
 */
import { gauge, labelled, type MetricFamily } from '../base/metric-family.ts'
import type { FileDescriptorStatus, LeaderStatus, ServerStatus, ServingStatus } from './server-status.ts'

/** What only metrics show. */
export interface LoadStatus {
  /** Connections whose input waits because a limit is reached. */
  readonly waitingConnectionCount: number
  /** On the leader: how far each learner lags. */
  readonly learners: readonly LearnerStatus[]
  /** By namespace; null: no quota text sets it. */
  readonly quotas: readonly QuotaStatus[]
}

export interface LearnerStatus {
  readonly id: number
  readonly isSynced: boolean
  readonly txnCount: number
  readonly unacknowledgedSizeBytes: number
  readonly silentMs: number | null
}

export interface QuotaStatus {
  readonly namespace: string
  readonly limits: { readonly count: number; readonly sizeBytes: number } | null
  readonly usage: { readonly count: number; readonly sizeBytes: number } | null
}

export function statusFamilies(
  status: ServerStatus,
  load: LoadStatus,
  fileDescriptors: FileDescriptorStatus | null,
): readonly MetricFamily[] {
  const { serving } = status
  return [
    ...(serving === null ? [] : servingFamilies(status, serving, load)),
    ...(serving === null || fileDescriptors === null ? [] : descriptorFamilies(fileDescriptors)),
    ...ownFamilies(status, load),
  ]
}

function servingFamilies(status: ServerStatus, serving: ServingStatus, { quotas }: LoadStatus): MetricFamily[] {
  const { latency, responses } = status
  const families = [
    gauge('avg_latency', 'ms from a request to its reply, mean since the start or the last srst', latency.avgMs),
    gauge('max_latency', 'the same, greatest', Math.trunc(latency.maxMs)),
    gauge('min_latency', 'the same, least', Math.trunc(latency.minMs)),
    gauge('packets_received', 'frames and four-letter words from clients', status.packetsReceived),
    gauge('packets_sent', 'frames and four-letter words to clients', status.packetsSent),
    gauge('num_alive_connections', 'connections of clients', status.connectionCount),
    gauge('outstanding_requests', 'requests without a reply', status.outstandingRequests),
    gauge('uptime', 'ms since the start', Math.trunc(status.uptimeMs)),
    gauge('znode_count', 'znodes; the root counts twice, as in ZooKeeper', serving.nodeCount),
    gauge('watch_count', 'watches of clients of this server', serving.watchCount),
    gauge('ephemerals_count', 'ephemeral znodes', serving.ephemeralCount),
    gauge('approximate_data_size', 'bytes of paths and data', serving.approximateDataSizeBytes),
    gauge('global_sessions', 'sessions that all servers know', serving.globalSessionCount),
    gauge('local_sessions', 'sessions of this server alone', serving.localSessionCount),
    gauge(
      'connection_drop_probability',
      'the chance that a new connection is refused',
      status.connectionDropProbability,
    ),
    gauge('last_client_response_size', 'bytes of the last reply; -1 before the first', responses.lastBytes),
    gauge('max_client_response_size', 'bytes of the longest reply; -1 before the first', responses.maxBytes),
    gauge('min_client_response_size', 'bytes of the shortest reply; -1 before the first', responses.minBytes),
    gauge('outstanding_tls_handshake', '0: TLS is not supported yet', 0),
    gauge('auth_failed_count', 'refused authentications', status.authFailedCount),
    ...quotaFamilies(quotas),
  ]
  if (status.config.mode === 'ensemble') {
    families.push(gauge('quorum_size', 'members of the ensemble', status.config.members.length))
  }
  if (serving.leader !== null) families.push(...leaderFamilies(serving.leader))
  if (serving.mode === 'follower') families.push(gauge('synced_observers', '0: observers are not supported yet', 0))
  return families
}

function quotaFamilies(quotas: readonly QuotaStatus[]): readonly MetricFamily[] {
  const of = (part: 'limits' | 'usage', unit: 'count' | 'sizeBytes'): (readonly [string, number])[] =>
    quotas.flatMap((quota) => {
      const totals = quota[part]
      return totals === null ? [] : [[quota.namespace, totals[unit]] as const]
    })
  return [
    labelled('gauge', 'quota_count_limit_per_namespace', 'limit of znodes', 'key', of('limits', 'count')),
    labelled('gauge', 'quota_bytes_limit_per_namespace', 'limit of bytes', 'key', of('limits', 'sizeBytes')),
    labelled(
      'gauge',
      'quota_count_usage_per_namespace',
      'znodes below paths with a quota',
      'key',
      of('usage', 'count'),
    ),
    labelled(
      'gauge',
      'quota_bytes_usage_per_namespace',
      'bytes below paths with a quota',
      'key',
      of('usage', 'sizeBytes'),
    ),
  ]
}

function leaderFamilies(leader: LeaderStatus): readonly MetricFamily[] {
  return [
    gauge('learners', 'servers that follow this leader', leader.learnerCount),
    gauge('synced_followers', 'followers in step', leader.syncedFollowerCount),
    gauge('synced_non_voting_followers', 'followers in step that do not vote', leader.syncedNonVotingFollowerCount),
    gauge('synced_observers', '0: observers are not supported yet', leader.syncedObserverCount),
    gauge('pending_syncs', 'servers that are being brought into step', leader.pendingSyncCount),
    gauge('leader_uptime', 'ms since this server leads', Math.trunc(leader.uptimeMs)),
    gauge('last_proposal_size', 'bytes of the last proposal; -1 before the first', leader.proposals.lastBytes),
    gauge('max_proposal_size', 'bytes of the longest proposal; -1 before the first', leader.proposals.maxBytes),
    gauge('min_proposal_size', 'bytes of the shortest proposal; -1 before the first', leader.proposals.minBytes),
  ]
}

function descriptorFamilies({ openCount, maxCount }: FileDescriptorStatus): readonly MetricFamily[] {
  return [
    gauge('open_file_descriptor_count', 'open file descriptors of this process', openCount),
    gauge('max_file_descriptor_count', 'how many this process may open', maxCount),
    gauge('process_open_fds', 'open file descriptors of this process', openCount),
    gauge('process_max_fds', 'how many this process may open', maxCount),
  ]
}

function ownFamilies(status: ServerStatus, { waitingConnectionCount, learners }: LoadStatus): readonly MetricFamily[] {
  const { lastCheckpoint, serving } = status
  const state = serving === null ? 'not-serving' : serving.mode
  const families = [
    labelled('gauge', 'zkts_server_state', '1 for the state of this server', 'state', [[state, 1]]),
    labelled('gauge', 'zkts_build_info', '1 for the version of this server', 'version', [[status.version, 1]]),
    gauge('zkts_disk_full', '1 while writes wait for space on the disk, else 0', status.diskFullMs === null ? 0 : 1),
    gauge('zkts_disk_full_time', 'ms that writes have waited for space', Math.trunc(status.diskFullMs ?? 0)),
    gauge('zkts_log_size', 'bytes of the files of the log', status.dataLogDirSizeBytes),
    gauge(
      'zkts_checkpoint_damaged',
      '1 while the checkpoint cannot be used, else 0',
      status.isCheckpointDamaged ? 1 : 0,
    ),
    gauge('zkts_connections_waiting', 'connections whose input waits because of a limit', waitingConnectionCount),
  ]
  if (serving !== null) families.push(gauge('zkts_last_zxid', 'the last applied txn', serving.zxid))
  if (lastCheckpoint !== null) {
    families.push(
      gauge('zkts_last_checkpoint_zxid', 'the last txn in the last durable checkpoint', lastCheckpoint.zxid),
      gauge('zkts_last_checkpoint_age_ms', 'ms since it was begun', Math.trunc(lastCheckpoint.ageMs)),
      gauge('zkts_last_checkpoint_size', 'bytes of its files', lastCheckpoint.sizeBytes),
    )
  }
  if (status.lostLogLineCount !== null) {
    families.push(gauge('zkts_log_lines_lost', 'log lines that their output did not take', status.lostLogLineCount))
  }
  if (serving !== null && serving.leader !== null) families.push(...learnerFamilies(learners))
  return families
}

function learnerFamilies(learners: readonly LearnerStatus[]): readonly MetricFamily[] {
  const of = (name: string, help: string, value: (learner: LearnerStatus) => number | null): MetricFamily => {
    const values = learners.flatMap((learner) => {
      const number = value(learner)
      return number === null ? [] : [[String(learner.id), number] as const]
    })
    return labelled('gauge', name, help, 'learner', values)
  }
  return [
    of('zkts_learner_synced', '1 if the learner is in step, else 0', ({ isSynced }) => (isSynced ? 1 : 0)),
    of('zkts_learner_lag_txns', "txns of the leader's epoch that the learner lacks", ({ txnCount }) => txnCount),
    of(
      'zkts_learner_unacknowledged_bytes',
      'bytes that were sent to the learner and are not acknowledged',
      ({ unacknowledgedSizeBytes }) => unacknowledgedSizeBytes,
    ),
    of('zkts_learner_silent_ms', 'ms since the learner last answered a heartbeat', ({ silentMs }) => silentMs),
  ]
}
