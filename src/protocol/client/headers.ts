/** The headers around requests, replies and the parts of a multi, and the xids that have a special meaning. */
import type { Xid } from '../../base/ids.ts'
import { boolean, int, zxid } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'

export const RequestHeader = record('RequestHeader', { xid: int, type: int })
export type RequestHeader = Infer<typeof RequestHeader>
export const requestHeaderSizeBytes = 8

export const ReplyHeader = record('ReplyHeader', { xid: int, zxid, error: int })
export type ReplyHeader = Infer<typeof ReplyHeader>
export const replyHeaderSizeBytes = 16

export const MultiHeader = record('MultiHeader', { type: int, done: boolean, error: int })
export type MultiHeader = Infer<typeof MultiHeader>
export const multiHeaderSizeBytes = 9

/** On frames that the server sends without being asked. */
export const notificationXid = -1 as Xid
/** On every ping reply, whatever the request carried (ZK: ClientCnxn.PING_XID). */
export const pingXid = -2 as Xid
/** Clients put it on auth packets; the server echoes the xid that came. */
export const authXid = -4 as Xid
/** Clients put it on setWatches and setWatches2; the server echoes the xid that came. */
export const setWatchesXid = -8 as Xid

/** In the reply header of an operation that the server does not know, and of watch events that have no txn. */
export const noZxid = -1
