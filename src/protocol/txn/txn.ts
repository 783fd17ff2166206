/**
 * A decided change of the replicated state: what a proposal carries and the log keeps.
 * Changes are after-images: they hold the new state of znodes and never a computation, so applying one twice
 * changes nothing. The zxid travels beside the txn (in the proposal, in the log record), not in it.
 */
import type { ErrorName } from '../../base/errors.ts'
import type { ServerId, SessionId } from '../../base/ids.ts'
import type { KeeperWriteOp } from '../client/keeper-requests.ts'

/** An ACL entry after fix-up: nothing is null, `auth` is expanded. */
export interface AclEntry {
  readonly perms: number // bits of ZooDefs.Perms, int32, stored as given
  readonly scheme: string
  readonly id: string
}

/** The server that accepted a request recognises its own txn by this when the txn commits. */
export interface Origin {
  readonly serverId: ServerId
  readonly incarnation: number // uint32, drawn at random at each start of the process
  readonly sequence: number // counts the requests that this incarnation forwarded
}

export interface Txn {
  readonly timeMs: number // the leader's wall clock when it decided
  readonly sessionId: SessionId // the session of the request; for an expiry, the expired session
  readonly origin: Origin | null // null: decided by the leader itself
  readonly isMulti: boolean // the reply is a list of results, even for one change
  readonly changes: readonly Change[] // a multi has any number, everything else exactly one
}

export type Change =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data: Uint8Array | null // null and empty are different values
      readonly acl: readonly AclEntry[]
      readonly ephemeralOwner: SessionId // 0 = not ephemeral (ZK: StatPersisted.ephemeralOwner, raw encoding)
      readonly parentCreateCount: number // the parent's count of children ever created, this one included; int32
      readonly withStat: boolean // create2, createContainer and createTTL: the result carries a Stat
    }
  | { readonly kind: 'delete'; readonly path: string }
  | { readonly kind: 'set-data'; readonly path: string; readonly data: Uint8Array | null; readonly version: number }
  | { readonly kind: 'set-acl'; readonly path: string; readonly acl: readonly AclEntry[]; readonly aversion: number }
  | { readonly kind: 'check'; readonly path: string } // true when decided; applies nothing
  | BundleChange
  | RefusalChange
  | { readonly kind: 'create-session'; readonly sessionId: SessionId; readonly timeoutMs: number }
  | { readonly kind: 'close-session'; readonly sessionId: SessionId; readonly deletedPaths: readonly string[] }

/**
 * With compatibility=strict: a write that was refused, which takes a zxid and a record of the log all the same (ZK: ErrorTxn).
 * Changes nothing. The server that accepted the request answers it with these when it applies the txn.
 */
export interface RefusalChange {
  readonly kind: 'refusal'
  readonly error: ErrorName | null // null: a multi failed, and `body` has the results of its parts
  readonly body: Uint8Array | null
}

export type BundledChange = Extract<Change, { readonly kind: 'create' | 'delete' }>

/**
 * The outcome of one operation of ClickHouse Keeper: any number of ordinary changes, none if it had nothing to do,
 * and one result. `path` is the path of the request.
 */
export interface BundleChange {
  readonly kind: 'bundle'
  readonly op: KeeperWriteOp
  readonly path: string
  readonly changes: readonly BundledChange[] // children before parents
}
