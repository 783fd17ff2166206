/**
 * The text of dump: sessions and connections by the time at which they expire (ZK: DumpCommand, ExpiryQueue.dump,
 * LearnerSessionTracker.dumpSessions).
 */
import { hexOfSession, type SessionId } from '../base/ids.ts'
import type { AdminDetails, ConnectionName, ExpiryBucket, GlobalSessions, SessionEphemerals } from './admin-details.ts'
import { asLines } from './connection-text.ts'
import { javaDate } from './java-date.ts'

export function renderDump(details: AdminDetails): string {
  const { local, global } = details.sessions()
  return asLines([
    'SessionTracker dump:',
    ...(local === null ? [] : describeBuckets('Local Session', local, describeSession)),
    ...describeGlobal(global, local !== null),
    'ephemeral nodes dump:',
    ...describeEphemerals(details.ephemerals()),
    'Connections dump:',
    ...describeBuckets('Connections', details.connectionExpiry(), describeConnection),
  ])
}

/** On a server that does not expire the sessions itself, ZooKeeper prints "Global" even without local sessions. */
function describeGlobal(global: GlobalSessions, hasLocal: boolean): readonly string[] {
  if (global.kind === 'expiring') {
    return describeBuckets(hasLocal ? 'Global Session' : 'Session', global.buckets, describeSession)
  }
  const sessions = global.sessions.toSorted((a, b) => compareSigned(a.sessionId, b.sessionId))
  return [
    `Global Sessions(${sessions.length}):`,
    ...sessions.map(({ sessionId, timeoutMs }) => `${hexOfSession(sessionId)}\t${timeoutMs}ms`),
  ]
}

function describeBuckets<Member>(
  title: string,
  buckets: readonly ExpiryBucket<Member>[],
  describe: (member: Member) => string,
): readonly string[] {
  const memberCount = buckets.reduce((sum, { members }) => sum + members.length, 0)
  return [
    `${title} Sets (${buckets.length})/(${memberCount}):`,
    ...buckets.flatMap(({ expiresAtWallMs, members }) => [
      `${members.length} expire at ${javaDate(expiresAtWallMs)}:`,
      ...members.map((member) => `\t${describe(member)}`),
    ]),
  ]
}

function describeEphemerals(sessions: readonly SessionEphemerals[]): readonly string[] {
  return [
    `Sessions with Ephemerals (${sessions.length}):`,
    ...sessions.flatMap(({ sessionId, paths }) => [`${hexOfSession(sessionId)}:`, ...paths.map((path) => `\t${path}`)]),
  ]
}

function describeSession(sessionId: SessionId): string {
  return hexOfSession(sessionId)
}

function describeConnection({ remoteAddress, remotePort, sessionId }: ConnectionName): string {
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress
  return `ip: /${host}:${remotePort} sessionId: ${hexOfSession(sessionId ?? (0n as SessionId))}`
}

/** A long of Java is signed, so session ids made by servers with an id above 127 sort first. */
function compareSigned(a: bigint, b: bigint): number {
  const difference = BigInt.asIntN(64, a) - BigInt.asIntN(64, b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
