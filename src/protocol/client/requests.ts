/**
 * One record per request body. operations.ts says which opcode carries which record.
 * A null path fails to decode, as in ZooKeeper. setData and setACL treat it as a bad path,
 * and sync accepts it like any other path. The requests about watches decode a null path and are refused when they are
 * executed.
 * Decoding does not validate paths: reads never validate, and each write does it at its own point.
 */
import { boolean, buffer, int, long, text, ustring, vector, zxid } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'
import { AclVector } from './acl.ts'

/** create, create2 and createContainer. */
export const CreateRequest = record('CreateRequest', { path: text, data: buffer, acl: AclVector, flags: int })
export type CreateRequest = Infer<typeof CreateRequest>

export const CreateTtlRequest = record('CreateTTLRequest', {
  path: text,
  data: buffer,
  acl: AclVector,
  flags: int,
  ttlMs: long,
})
export type CreateTtlRequest = Infer<typeof CreateTtlRequest>

export const DeleteRequest = record('DeleteRequest', { path: text, version: int })
export type DeleteRequest = Infer<typeof DeleteRequest>

export const SetDataRequest = record('SetDataRequest', { path: ustring, data: buffer, version: int })
export type SetDataRequest = Infer<typeof SetDataRequest>

export const SetAclRequest = record('SetACLRequest', { path: ustring, acl: AclVector, version: int }) // the aversion
export type SetAclRequest = Infer<typeof SetAclRequest>

export const CheckRequest = record('CheckVersionRequest', { path: text, version: int })
export type CheckRequest = Infer<typeof CheckRequest>

/** exists, getData, getChildren and getChildren2: a read that may leave a watch. */
export const WatchableRequest = record('WatchableRequest', { path: text, watch: boolean })
export type WatchableRequest = Infer<typeof WatchableRequest>

/** getACL and getAllChildrenNumber. */
export const PathRequest = record('PathRequest', { path: text })
export type PathRequest = Infer<typeof PathRequest>

export const SyncRequest = record('SyncRequest', { path: ustring }) // null is echoed as null
export type SyncRequest = Infer<typeof SyncRequest>

export const AuthRequest = record('AuthPacket', { type: int, scheme: ustring, auth: buffer }) // type is ignored
export type AuthRequest = Infer<typeof AuthRequest>

export const SetWatchesRequest = record('SetWatches', {
  relativeZxid: zxid,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
})
export type SetWatchesRequest = Infer<typeof SetWatchesRequest>

export const SetWatches2Request = record('SetWatches2', {
  relativeZxid: zxid,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
  persistentWatches: vector(ustring),
  persistentRecursiveWatches: vector(ustring),
})
export type SetWatches2Request = Infer<typeof SetWatches2Request>

export const AddWatchRequest = record('AddWatchRequest', { path: ustring, mode: int })
export type AddWatchRequest = Infer<typeof AddWatchRequest>

/** checkWatches and removeWatches. */
export const WatcherTypeRequest = record('WatcherTypeRequest', { path: ustring, type: int })
export type WatcherTypeRequest = Infer<typeof WatcherTypeRequest>

export const ReconfigRequest = record('ReconfigRequest', {
  joiningServers: ustring,
  leavingServers: ustring,
  newMembers: ustring,
  curConfigId: long,
})
export type ReconfigRequest = Infer<typeof ReconfigRequest>

export const SaslRequest = record('GetSASLRequest', { token: buffer })
export type SaslRequest = Infer<typeof SaslRequest>

export const EphemeralsRequest = record('GetEphemeralsRequest', { prefixPath: ustring })
export type EphemeralsRequest = Infer<typeof EphemeralsRequest>

/** The createSession that clients may send and learners forward. */
export const CreateSessionRequest = record('CreateSessionTxn', { timeoutMs: int })
export type CreateSessionRequest = Infer<typeof CreateSessionRequest>
