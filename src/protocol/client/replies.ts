/**
 * One record per reply body. The server mostly writes these straight from the tree, which keeps a Stat as
 * bytes. Clients decode with these records, and tests compare the server's bytes with them.
 */
import { buffer, int, text, ustring, vector } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'
import { AclVector } from './acl.ts'
import { Stat } from './stat.ts'

export const CreateReply = record('CreateResponse', { path: text })
export type CreateReply = Infer<typeof CreateReply>

/** create2, createContainer and createTTL. */
export const CreateWithStatReply = record('Create2Response', { path: text, stat: Stat })
export type CreateWithStatReply = Infer<typeof CreateWithStatReply>

/** exists, setData and setACL. */
export const StatReply = record('StatReply', { stat: Stat })
export type StatReply = Infer<typeof StatReply>

export const GetDataReply = record('GetDataResponse', { data: buffer, stat: Stat })
export type GetDataReply = Infer<typeof GetDataReply>

export const GetAclReply = record('GetACLResponse', { acl: AclVector, stat: Stat })
export type GetAclReply = Infer<typeof GetAclReply>

export const GetChildrenReply = record('GetChildrenResponse', { children: vector(text) })
export type GetChildrenReply = Infer<typeof GetChildrenReply>

export const GetChildren2Reply = record('GetChildren2Response', { children: vector(text), stat: Stat })
export type GetChildren2Reply = Infer<typeof GetChildren2Reply>

export const SyncReply = record('SyncResponse', { path: ustring })
export type SyncReply = Infer<typeof SyncReply>

export const SaslReply = record('SetSASLResponse', { token: buffer })
export type SaslReply = Infer<typeof SaslReply>

export const EphemeralsReply = record('GetEphemeralsResponse', { ephemerals: vector(text) })
export type EphemeralsReply = Infer<typeof EphemeralsReply>

export const AllChildrenNumberReply = record('GetAllChildrenNumberResponse', { totalNumber: int })
export type AllChildrenNumberReply = Infer<typeof AllChildrenNumberReply>

export const AddWatchReply = record('ErrorResponse', { error: int })
export type AddWatchReply = Infer<typeof AddWatchReply>

export const WhoAmIReply = record('WhoAmIResponse', {
  clientInfo: vector(record('ClientInfo', { authScheme: text, user: text })),
})
export type WhoAmIReply = Infer<typeof WhoAmIReply>
