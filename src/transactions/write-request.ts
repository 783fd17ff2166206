/**
 * The writes that a leader decides on, decoded. A write has the same shape alone and as a part of a multi, so that one
 * function validates both. setACL cannot be part of a multi, and check is always part of one.
 */
import type { SessionId } from '../base/ids.ts'
import type { AclWire } from '../protocol/client/acl.ts'
import type { KeeperWrite } from '../protocol/client/keeper-requests.ts'
import type { MultiOp } from '../protocol/client/multi.ts'

export type CreateWrite = Extract<MultiOp, { kind: 'create' }>
export type DeleteWrite = Extract<MultiOp, { kind: 'delete' }>
export type SetDataWrite = Extract<MultiOp, { kind: 'set-data' }>
export type CheckWrite = Extract<MultiOp, { kind: 'check' }>

export interface SetAclWrite {
  readonly kind: 'set-acl'
  readonly path: string
  readonly acl: readonly AclWire[] | null
  readonly version: number // the aversion
}

/** One znode, one change. */
export type NodeWrite = Exclude<MultiOp, KeeperWrite> | SetAclWrite

export type WriteRequest =
  | Exclude<NodeWrite, CheckWrite>
  | KeeperWrite
  | { readonly kind: 'multi'; readonly ops: readonly MultiOp[] }
  | { readonly kind: 'create-session'; readonly sessionId: SessionId; readonly timeoutMs: number }
  | { readonly kind: 'close-session'; readonly sessionId: SessionId } // asked for by its client, or expired
