/** The fields of the commands that describe the server (ZK: ServerStats, ZooKeeperServerConf, ServerCnxn.getConnectionInfo). */
import { assert } from '../../base/assert.ts'
import type { ConnectionStatus, ServerStatus, ServingStatus, SizeStatus } from '../server-status.ts'
import type { CommandFields, CommandSources } from './admin-command.ts'
import type { JsonValue } from './json-text.ts'

export function servingOf({ serving }: ServerStatus): ServingStatus {
  assert(serving !== null, 'the command is for a serving server')
  return serving
}

export function configurationFields({ status }: CommandSources): CommandFields {
  const { config } = status
  return new Map<string, JsonValue>([
    ['client_port', config.clientAddress.port],
    ['data_dir', config.dataDir],
    ['data_log_dir', config.dataLogDir],
    ['tick_time', config.tickTimeMs],
    ['max_client_cnxns', config.maxClientConnectionsPerAddress],
    ['min_session_timeout', config.minSessionTimeoutMs],
    ['max_session_timeout', config.maxSessionTimeoutMs],
    ['server_id', config.mode === 'standalone' ? 0 : status.serverId],
    ['client_port_listen_backlog', config.clientBacklog],
  ])
}

export function serverStatsFields({ status, details }: CommandSources): CommandFields {
  const { latency, responses } = status
  const serving = servingOf(status)
  const stats = new Map<string, JsonValue>([
    ['packets_sent', status.packetsSent],
    ['packets_received', status.packetsReceived],
    ['fsync_threshold_exceed_count', details.metrics().get('fsync_threshold_exceed_count') ?? 0],
    ['client_response_stats', sizeFields(responses)],
    ['provider_null', false],
    ['uptime', Math.trunc(status.uptimeMs)],
    ['server_state', serving.mode],
    ['outstanding_requests', status.outstandingRequests],
    ['min_latency', Math.trunc(latency.minMs)],
    ['avg_latency', rounded(latency.avgMs)],
    ['max_latency', Math.trunc(latency.maxMs)],
    ['data_dir_size', status.dataDirSizeBytes],
    ['log_dir_size', status.dataLogDirSizeBytes],
    ['last_processed_zxid', serving.zxid],
    ['num_alive_client_connections', status.connectionCount],
    ['auth_failed_count', status.authFailedCount],
    // There is no TLS.
    ['non_mtlsremote_conn_count', 0],
    ['non_mtlslocal_conn_count', 0],
  ])
  const fields = new Map<string, JsonValue>([
    ['version', status.version],
    ['read_only', serving.mode === 'read-only'],
    ['server_stats', stats],
    ['client_response', sizeFields(responses)],
  ])
  if (serving.leader !== null) fields.set('proposal_stats', sizeFields(serving.leader.proposals))
  return fields.set('node_count', serving.nodeCount)
}

function sizeFields({ lastBytes, minBytes, maxBytes }: SizeStatus): CommandFields {
  return new Map([
    ['last_buffer_size', lastBytes],
    ['min_buffer_size', minBytes],
    ['max_buffer_size', maxBytes],
  ])
}

/** Four decimals (ZK: AvgMinMaxCounter.getAvg). */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000
}

/** `isBrief`: without the session. */
export function connectionFields(connection: ConnectionStatus, isBrief: boolean): CommandFields {
  const { remoteAddress, remotePort, session } = connection
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress
  const fields = new Map<string, JsonValue>([
    ['remote_socket_address', `${host}:${remotePort}`],
    ['interest_ops', connection.interestOps],
    ['outstanding_requests', connection.outstandingRequests],
    ['packets_received', connection.packetsReceived],
    ['packets_sent', connection.packetsSent],
  ])
  if (isBrief) return fields
  fields.set('session_id', session === null ? 0 : BigInt.asIntN(64, session.sessionId))
  fields.set('last_operation', session?.lastOp ?? 'NA')
  // A connection without a session: ZooKeeper has the time of its acceptance, which zkts does not keep.
  if (session !== null) fields.set('established', Math.trunc(session.establishedAtWallMs))
  return fields
    .set('session_timeout', session?.timeoutMs ?? 0)
    .set('last_cxid', session?.lastXid ?? -1)
    .set('last_zxid', session?.lastZxid ?? -1)
    .set('last_response_time', Math.trunc(session?.lastResponseAtMs ?? 0))
    .set('last_latency', Math.trunc(session?.lastLatencyMs ?? 0))
    .set('min_latency', Math.trunc(session?.latency.minMs ?? 0))
    .set('avg_latency', Math.trunc(session?.latency.avgMs ?? 0))
    .set('max_latency', Math.trunc(session?.latency.maxMs ?? 0))
}
