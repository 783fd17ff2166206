/**
 * Why the driver, rather than the protocol, ends a client's connection, each with one sentence for the log line.
 * docs/reference/log-events.md lists the same rows. Also: which of the replica's reasons are logged at debug level.
 */
import type { ReplicaCloseReason } from '../../replica/contract.ts'

export const driverCloseReasons = {
  'too-many-from-address':
    'One address holds maxClientCnxns connections already; raise maxClientCnxns, or find out which program at that address opens them.',
  'too-many-connections':
    'This server holds maxCnxns connections already; raise maxCnxns, or spread the clients over more servers.',
  'too-many-connect-requests':
    'More sessions were asked for than the connection_throttle keys allow; find out whether many clients started at once, or raise connection_throttle_tokens.',
  'no-connect-request':
    'A client connected and sent no connect request within the time limit; check what opens connections to the client port.',
  'connect-request-cut-short':
    'A client left in the middle of its connect request, or was no ZooKeeper client; check what connects to the client port.',
  'stale-request':
    "A request waited for longer than its session's timeout, and compatibility=strict, so the connection was closed; find out what loads this server.",
  'client-does-not-read':
    'A client does not read its replies, and more bytes than the limit are queued for it; check whether that program is stopped or overloaded.',
} as const satisfies Record<string, string>

export type DriverCloseReason = keyof typeof driverCloseReasons

/** Reasons that close many connections at a time, or that the client asked for. They are logged at debug level. */
export const quietCloseReasons: ReadonlySet<ReplicaCloseReason> = new Set([
  'session-closed',
  'session-replaced',
  'leader-lost',
  'not-serving',
  'read-only-mode',
  'session-needs-quorum',
  'read-only-ended',
  // The replica has logged these with more detail.
  'auth-failed',
  'auth-required',
  'wrong-ensemble',
  'auth-malformed',
])
