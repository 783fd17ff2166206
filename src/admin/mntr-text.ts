/**
 * The text of mntr: `zk_<key>` and a value on each line (ZK: MonitorCommand). Monitors select lines by key. A key for
 * which this server has no true value is left out.
 */
import { assert } from '../base/assert.ts'
import { asLines } from './connection-text.ts'
import { javaDouble } from './java-double.ts'
import type { FileDescriptorStatus, LeaderStatus, ServerStatus, ServingMode } from './server-status.ts'

/** ZK: QuorumPeer.getDetailedState in the broadcast phase, the only one in which clients are served. */
const peerStates: Partial<Readonly<Record<ServingMode, string>>> = {
  leader: 'leading - broadcast',
  follower: 'following - broadcast',
  observer: 'observing - broadcast',
}

export function renderMntr(
  status: ServerStatus,
  metrics: ReadonlyMap<string, number>,
  fileDescriptors: FileDescriptorStatus | null,
): string {
  const entries = monitorEntries(status, metrics, fileDescriptors)
  return asLines(entries.map(([key, value]) => `zk_${key}\t${isDouble(key) ? javaDouble(Number(value)) : value}`))
}

/** Values that may have a fraction. */
function isDouble(key: string): boolean {
  return key.startsWith('avg_') || key === 'connection_drop_probability'
}

/** Keys are without `zk_`. */
export function monitorEntries(
  status: ServerStatus,
  metrics: ReadonlyMap<string, number>,
  fileDescriptors: FileDescriptorStatus | null,
): readonly (readonly [key: string, value: string | number])[] {
  const { serving } = status
  assert(serving !== null, 'only a serving server is monitored')
  const rows: (readonly [key: string, value: string | number])[] = [
    ['version', status.version],
    ['server_state', serving.mode],
  ]
  const peerState = peerStates[serving.mode]
  if (peerState !== undefined) rows.push(['peer_state', peerState], ['quorum_size', status.config.members.length])
  rows.push(
    ['avg_latency', status.latency.avgMs],
    ['max_latency', Math.trunc(status.latency.maxMs)],
    ['min_latency', Math.trunc(status.latency.minMs)],
    ['packets_received', status.packetsReceived],
    ['packets_sent', status.packetsSent],
    ['num_alive_connections', status.connectionCount],
    ['outstanding_requests', status.outstandingRequests],
    ['uptime', Math.trunc(status.uptimeMs)],
    ['znode_count', serving.nodeCount],
    ['watch_count', serving.watchCount],
    ['ephemerals_count', serving.ephemeralCount],
    ['approximate_data_size', serving.approximateDataSizeBytes],
    ['global_sessions', serving.globalSessionCount],
    ['local_sessions', serving.localSessionCount],
    ['last_client_response_size', status.responses.lastBytes],
    ['max_client_response_size', status.responses.maxBytes],
    ['min_client_response_size', status.responses.minBytes],
    ['connection_drop_probability', status.connectionDropProbability],
    ['outstanding_tls_handshake', 0], // there is no TLS
    ['auth_failed_count', status.authFailedCount],
    ['disk_full', status.diskFullMs === null ? 0 : 1],
    ['disk_full_time', Math.trunc(status.diskFullMs ?? 0)],
    ['log_size', status.dataLogDirSizeBytes],
    ['checkpoint_damaged', status.isCheckpointDamaged ? 1 : 0],
  )
  if (status.lastCheckpoint !== null) {
    const { zxid, ageMs, sizeBytes } = status.lastCheckpoint
    rows.push(
      ['last_checkpoint_zxid', `0x${zxid.toString(16)}`],
      ['last_checkpoint_age_ms', Math.trunc(ageMs)],
      ['last_checkpoint_size', sizeBytes],
    )
  }
  if (fileDescriptors !== null) {
    rows.push(
      ['open_file_descriptor_count', fileDescriptors.openCount],
      ['max_file_descriptor_count', fileDescriptors.maxCount],
    )
  }
  if (status.lostLogLineCount !== null) rows.push(['log_lines_lost', status.lostLogLineCount])
  if (serving.leader !== null) rows.push(...leaderRows(serving.leader))
  rows.push(...metrics)
  return rows
}

function leaderRows(leader: LeaderStatus): readonly (readonly [string, number])[] {
  return [
    ['learners', leader.learnerCount],
    ['synced_followers', leader.syncedFollowerCount],
    ['synced_non_voting_followers', leader.syncedNonVotingFollowerCount],
    ['synced_observers', leader.syncedObserverCount],
    ['pending_syncs', leader.pendingSyncCount],
    ['leader_uptime', Math.trunc(leader.uptimeMs)],
    ['last_proposal_size', leader.proposals.lastBytes],
    ['max_proposal_size', leader.proposals.maxBytes],
    ['min_proposal_size', leader.proposals.minBytes],
  ]
}
