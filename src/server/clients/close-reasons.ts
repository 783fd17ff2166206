/**
 * Why the driver, rather than the protocol, ends a client's connection, each with one sentence for the log line.
 * docs/reference/log-events.md lists the same rows. And of the replica's reasons those that are told quietly.
 */
import type { ReplicaCloseReason } from '../../replica/contract.ts'

export const driverCloseReasons = {
  'too-many-from-address':
    'One address holds maxClientCnxns connections already; raise maxClientCnxns, or find out which program there opens so many.',
  'too-many-connections':
    'This server holds maxCnxns connections already; raise maxCnxns, or spread the clients over more servers.',
  'too-many-connect-requests':
    'More sessions were asked for than the connection_throttle keys allow; find out whether many clients started at once, or raise connection_throttle_tokens.',
  'no-connect-request':
    'A client connected and did not say what it wants in time; check what opens connections to the client port.',
  'connect-request-cut-short':
    'A client left in the middle of its connect request, or was no ZooKeeper client; check what connects to the client port.',
  'client-does-not-read':
    'A client takes none of what is sent to it and too much has piled up; check whether that program is stopped or overloaded.',
} as const satisfies Record<string, string>

export type DriverCloseReason = keyof typeof driverCloseReasons

/** Closings that happen many at a time, or by the client's wish: of interest only when one looks for them. */
export const quietCloseReasons: ReadonlySet<ReplicaCloseReason> = new Set([
  'session-closed',
  'session-replaced',
  'leader-lost',
  'not-serving',
  'read-only-mode',
  'session-needs-quorum',
  'read-only-ended',
  // The replica has said more of these.
  'auth-failed',
  'auth-required',
  'wrong-ensemble',
])
