/**
 * The one table of ZooKeeper's error codes (ZK: KeeperException.Code). Wire numbers appear here and
 * nowhere else; docs/reference/errors.md lists the same rows. Numbers are never reused.
 */
export interface ErrorTraits {
  readonly code: number // int32 on the wire
  readonly name: string // as ZooKeeper spells it
  readonly meaning: string
  /** Whether a client may send the same request again: never, after changing something, or at once. */
  readonly retry: 'no' | 'after-change' | 'yes'
}

export const errors = {
  'system-error': { code: -1, name: 'SystemError', meaning: 'The server failed in a way it cannot name.', retry: 'no' },
  'runtime-inconsistency': {
    code: -2,
    name: 'RuntimeInconsistency',
    meaning: 'Inside a failed multi: this operation comes after the one that failed and was not tried.',
    retry: 'after-change',
  },
  'data-inconsistency': { code: -3, name: 'DataInconsistency', meaning: 'Never sent by a server.', retry: 'no' },
  'connection-loss': {
    code: -4,
    name: 'ConnectionLoss',
    meaning: 'Made by clients: the connection ended before the answer came, or no server was found in time.',
    retry: 'yes',
  },
  'marshalling-error': {
    code: -5,
    name: 'MarshallingError',
    meaning: 'The request could not be decoded, is longer than jute.maxbuffer, or would make a txn that is too long.',
    retry: 'no',
  },
  unimplemented: { code: -6, name: 'Unimplemented', meaning: 'This server does not know the operation.', retry: 'no' },
  'operation-timeout': { code: -7, name: 'OperationTimeout', meaning: 'Made by clients.', retry: 'yes' },
  'bad-arguments': {
    code: -8,
    name: 'BadArguments',
    meaning: 'A path, flag or number in the request is not legal.',
    retry: 'no',
  },
  'unknown-session': { code: -12, name: 'UnknownSession', meaning: 'The session is not known.', retry: 'no' },
  'new-config-no-quorum': {
    code: -13,
    name: 'NewConfigNoQuorum',
    meaning: 'No quorum of the new configuration follows the leader.',
    retry: 'yes',
  },
  'reconfig-in-progress': {
    code: -14,
    name: 'ReconfigInProgress',
    meaning: 'Another reconfig is pending.',
    retry: 'yes',
  },
  'api-error': { code: -100, name: 'APIError', meaning: 'Never sent by a server.', retry: 'no' },
  'no-node': {
    code: -101,
    name: 'NoNode',
    meaning: 'The znode, or the parent to create it under, does not exist.',
    retry: 'after-change',
  },
  'no-auth': {
    code: -102,
    name: 'NoAuth',
    meaning: 'The ACL does not grant the permission that the operation needs.',
    retry: 'after-change',
  },
  'bad-version': {
    code: -103,
    name: 'BadVersion',
    meaning: 'The expected version is not the current one.',
    retry: 'after-change',
  },
  'no-children-for-ephemerals': {
    code: -108,
    name: 'NoChildrenForEphemerals',
    meaning: 'An ephemeral znode cannot have children.',
    retry: 'no',
  },
  'node-exists': {
    code: -110,
    name: 'NodeExists',
    meaning: 'A znode with this path exists already.',
    retry: 'after-change',
  },
  'not-empty': {
    code: -111,
    name: 'NotEmpty',
    meaning: 'The znode has children and cannot be deleted.',
    retry: 'after-change',
  },
  'session-expired': {
    code: -112,
    name: 'SessionExpired',
    meaning: 'The session has expired or is closing.',
    retry: 'no',
  },
  'invalid-callback': { code: -113, name: 'InvalidCallback', meaning: 'Never sent by a server.', retry: 'no' },
  'invalid-acl': {
    code: -114,
    name: 'InvalidACL',
    meaning: 'The ACL list is empty or names an unknown or malformed id.',
    retry: 'no',
  },
  'auth-failed': {
    code: -115,
    name: 'AuthFailed',
    meaning: 'The scheme is unknown or the credentials were refused.',
    retry: 'after-change',
  },
  'session-moved': {
    code: -118,
    name: 'SessionMoved',
    meaning: 'The session is attached to another server; never sent, the connection is closed instead.',
    retry: 'no',
  },
  'not-read-only': {
    code: -119,
    name: 'NotReadOnly',
    meaning: 'A write was sent to a server in read-only mode.',
    retry: 'yes',
  },
  'ephemeral-on-local-session': {
    code: -120,
    name: 'EphemeralOnLocalSession',
    meaning: 'A local session cannot own ephemeral znodes.',
    retry: 'no',
  },
  'no-watcher': { code: -121, name: 'NoWatcher', meaning: 'This connection has no such watch.', retry: 'no' },
  'request-timeout': { code: -122, name: 'RequestTimeout', meaning: 'Made by clients.', retry: 'yes' },
  'reconfig-disabled': { code: -123, name: 'ReconfigDisabled', meaning: 'reconfigEnabled is not true.', retry: 'no' },
  'session-closed-require-sasl-auth': {
    code: -124,
    name: 'SessionClosedRequireSaslAuth',
    meaning: 'The server demands an authentication that this connection has not given.',
    retry: 'after-change',
  },
  'quota-exceeded': {
    code: -125,
    name: 'QuotaExceeded',
    meaning: 'A hard quota would be exceeded.',
    retry: 'after-change',
  },
  'throttled-op': {
    code: -127,
    name: 'ThrottledOp',
    meaning: 'The request waited too long in a throttled server.',
    retry: 'yes',
  },
} as const satisfies Record<string, ErrorTraits>

export type ErrorName = keyof typeof errors

export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(errors, name)
}

/** The int32 that stands for `name` on the wire. */
export function codeOf(name: ErrorName): number {
  return errors[name].code
}

const nameByCode: ReadonlyMap<number, ErrorName> = new Map(
  Object.entries(errors).map(([name, traits]) => [traits.code, name as ErrorName]),
)

/** Null for 0, and for numbers that no server sends. */
export function errorNameOf(code: number): ErrorName | null {
  return nameByCode.get(code) ?? null
}
