/**
 * Builds the status that the four-letter words show, from the parts of a running server.
 */
import type {
  LastCheckpoint,
  LeaderStatus,
  ServerStatus,
  ServingMode,
  ServingStatus,
} from '../../admin/server-status.ts'
import type { Config } from '../../config/config.ts'
import type { ReplicaStatus } from '../../replica/status/replica-status.ts'
import type { ClientSockets } from '../clients/client-sockets.ts'
import type { HostFacts } from '../host-facts.ts'

export interface StatusSources {
  readonly config: Config
  readonly version: string
  readonly host: HostFacts
  readonly clients: ClientSockets
  readonly replica: ReplicaStatus
  readonly logSizeBytes: number
  readonly checkpointSizeBytes: number
  readonly lastCheckpoint: LastCheckpoint | null
  readonly isCheckpointDamaged: boolean
  readonly diskFullMs: number | null
  readonly uptimeMs: number
  readonly leaderUptimeMs: number
}

export function serverStatus(sources: StatusSources): ServerStatus {
  const { config, clients, replica } = sources
  const { statistics } = clients
  const totals = statistics.totals(clients.open())
  return {
    serverId: config.serverId,
    config,
    version: sources.version,
    serving: replica.serving === 'not-serving' ? null : servingStatus(sources),
    uptimeMs: sources.uptimeMs,
    latency: statistics.latency.status(),
    packetsReceived: totals.packetsReceived,
    packetsSent: totals.packetsSent,
    outstandingRequests: clients.outstandingCount,
    authFailedCount: replica.authFailedCount,
    connectionDropProbability: clients.dropChance,
    responses: statistics.responses,
    connectionCount: clients.openCount,
    dataDirSizeBytes: sources.checkpointSizeBytes + (config.dataDir === config.dataLogDir ? sources.logSizeBytes : 0),
    dataLogDirSizeBytes: sources.logSizeBytes,
    diskFullMs: sources.diskFullMs,
    lastCheckpoint: sources.lastCheckpoint,
    isCheckpointDamaged: sources.isCheckpointDamaged,
    lostLogLineCount: sources.host.lostLogLines(),
  }
}

function servingStatus({ config, replica, leaderUptimeMs }: StatusSources): ServingStatus {
  return {
    mode: modeOf(config, replica),
    zxid: replica.zxid,
    nodeCount: replica.nodeCount,
    ephemeralCount: replica.ephemeralsCount,
    watchCount: replica.watchCount,
    approximateDataSizeBytes: replica.approximateDataSizeBytes,
    globalSessionCount: replica.sessionCount,
    localSessionCount: replica.localSessionCount,
    leader: config.mode === 'ensemble' && replica.role === 'leading' ? leaderStatus(replica, leaderUptimeMs) : null,
  }
}

function modeOf(config: Config, replica: ReplicaStatus): ServingMode {
  if (config.mode === 'standalone') return 'standalone'
  if (replica.serving === 'read-only') return 'read-only'
  return replica.role === 'leading' ? 'leader' : 'follower'
}

function leaderStatus(replica: ReplicaStatus, uptimeMs: number): LeaderStatus {
  const { learners } = replica
  return {
    learnerCount: learners.learners,
    syncedFollowerCount: learners.synced,
    syncedNonVotingFollowerCount: 0,
    syncedObserverCount: 0,
    pendingSyncCount: learners.pending,
    uptimeMs,
    proposals: replica.proposalSizes,
  }
}
