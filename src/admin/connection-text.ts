/** The texts of srvr, stat and cons (ZK: StatCommand, ConsCommand, ServerCnxn.dumpConnectionInfo, ServerStats). */
import { assert } from '../base/assert.ts'
import { hexOfSession, hexOfZxid } from '../base/ids.ts'
import { javaDouble } from './java-double.ts'
import type { ConnectionSessionStatus, ConnectionStatus, ServerStatus } from './server-status.ts'

/** `clients` are listed unless null. */
export function renderStat(status: ServerStatus, clients: readonly ConnectionStatus[] | null): string {
  const { serving, latency } = status
  assert(serving !== null, 'only a serving server has statistics')
  const lines = [`Zookeeper version: ${status.version}`]
  if (serving.mode === 'read-only') lines.push('READ-ONLY mode; serving only read-only clients')
  if (clients !== null) {
    lines.push('Clients:', ...clients.map((connection) => describeConnection(connection, null)), '')
  }
  lines.push(
    `Latency min/avg/max: ${Math.trunc(latency.minMs)}/${javaDouble(latency.avgMs)}/${Math.trunc(latency.maxMs)}`,
    `Received: ${status.packetsReceived}`,
    `Sent: ${status.packetsSent}`,
    `Connections: ${status.connectionCount}`,
    `Outstanding: ${status.outstandingRequests}`,
    `Zxid: ${hexOfZxid(serving.zxid)}`,
    `Mode: ${serving.mode}`,
    `Node count: ${serving.nodeCount}`,
  )
  if (serving.leader !== null) {
    const { lastBytes, minBytes, maxBytes } = serving.leader.proposals
    lines.push(`Proposal sizes last/min/max: ${lastBytes}/${minBytes}/${maxBytes}`)
  }
  return asLines(lines)
}

export function renderCons(connections: readonly ConnectionStatus[]): string {
  return asLines([...connections.map((connection) => describeConnection(connection, connection.session)), ''])
}

function describeConnection(connection: ConnectionStatus, session: ConnectionSessionStatus | null): string {
  const { remoteAddress, remotePort, interestOps } = connection
  const counters = [
    `queued=${connection.outstandingRequests}`,
    `recved=${connection.packetsReceived}`,
    `sent=${connection.packetsSent}`,
    ...(session === null ? [] : describeSession(session)),
  ]
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress
  return ` /${host}:${remotePort}[${interestOps.toString(16)}](${counters.join(',')})`
}

function describeSession(session: ConnectionSessionStatus): readonly string[] {
  const { latency } = session
  return [
    `sid=${hexOfSession(session.sessionId)}`,
    `lop=${session.lastOp}`,
    `est=${Math.trunc(session.establishedAtWallMs)}`,
    `to=${session.timeoutMs}`,
    ...(session.lastXid === null || session.lastXid < 0 ? [] : [`lcxid=0x${session.lastXid.toString(16)}`]),
    // Before the first reply ZooKeeper prints -1 as an unsigned number.
    `lzxid=${session.lastZxid === null ? '0xffffffffffffffff' : hexOfZxid(session.lastZxid)}`,
    `lresp=${Math.trunc(session.lastResponseAtMs)}`,
    `llat=${Math.trunc(session.lastLatencyMs)}`,
    `minlat=${Math.trunc(latency.minMs)}`,
    `avglat=${Math.trunc(latency.avgMs)}`,
    `maxlat=${Math.trunc(latency.maxMs)}`,
  ]
}

export function asLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
