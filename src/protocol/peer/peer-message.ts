/**
 * What servers say to each other (docs/internals/zab.md has the table of message × sender × receiver × phase).
 * `syncId` names one attempt of a learner to follow a leader: it is the learner's role incarnation, sent
 * with follower-info and carried by everything that belongs to that attempt, both ways, so that nothing of
 * an earlier role is taken for the present one. All messages of one link arrive in order or the link closes.
 */
import type { ChainHash } from '../../base/chain-hash.ts'
import type { ErrorName } from '../../base/errors.ts'
import type { Epoch, ServerId, SessionId, Zxid } from '../../base/ids.ts'
import type { ClusterId } from '../disk/log-record.ts'

export type SyncId = number // uint32

export interface Vote {
  readonly leader: ServerId
  readonly epoch: Epoch // the candidate's current epoch
  readonly zxid: Zxid // the candidate's last logged zxid
}

export interface WireEntry {
  readonly zxid: Zxid
  readonly payload: Uint8Array
}

export interface WireAuthId {
  readonly scheme: string
  readonly id: string
}

export interface ForwardedRequest {
  readonly sequence: number // of the sending server's incarnation; comes back in the txn's origin or in the answer
  readonly sessionId: SessionId
  readonly isLocal: boolean // the session lives on the sending server only, which vouches for it
  readonly type: number // opcode
  readonly body: Uint8Array // the client's record, not decoded
  readonly authIds: readonly WireAuthId[] // as they were when the request was read from the socket
}

/** The outcome of a request that became no txn. It may be told to the client once `after` is applied. */
export interface ForwardedAnswer {
  readonly sequence: number
  readonly after: Zxid
  readonly error: ErrorName | null
  readonly body: Uint8Array | null
}

export type ZabMessage =
  | ({ readonly kind: 'vote'; readonly round: number; readonly state: 'looking' | 'following' | 'leading' } & Vote)
  | { readonly kind: 'follower-info'; readonly syncId: SyncId; readonly acceptedEpoch: Epoch }
  | { readonly kind: 'new-epoch'; readonly syncId: SyncId; readonly epoch: Epoch }
  | {
      readonly kind: 'ack-epoch'
      readonly syncId: SyncId
      readonly countable: boolean // false: it had accepted this epoch from another leader
      readonly currentEpoch: Epoch
      readonly lastZxid: Zxid
      readonly lastHash: ChainHash
      readonly clusterId: ClusterId
    }
  | { readonly kind: 'sync-start'; readonly syncId: SyncId; readonly zxid: Zxid; readonly hash: ChainHash }
  /** The learner has no such point: the last one it has before it. The leader starts again from there. */
  | { readonly kind: 'sync-from'; readonly syncId: SyncId; readonly zxid: Zxid; readonly hash: ChainHash }
  | {
      readonly kind: 'append'
      readonly syncId: SyncId
      readonly previousZxid: Zxid
      readonly previousHash: ChainHash
      readonly entries: readonly WireEntry[]
      readonly committed: Zxid
    }
  | {
      readonly kind: 'new-leader'
      readonly syncId: SyncId
      readonly epoch: Epoch
      readonly clusterId: ClusterId
      readonly lastZxid: Zxid
    }
  | { readonly kind: 'ack-new-leader'; readonly syncId: SyncId; readonly durable: Zxid }
  | { readonly kind: 'up-to-date'; readonly syncId: SyncId; readonly committed: Zxid }
  | { readonly kind: 'ack'; readonly syncId: SyncId; readonly durable: Zxid }
  | { readonly kind: 'heartbeat'; readonly syncId: SyncId; readonly sequence: number; readonly committed: Zxid }
  | {
      readonly kind: 'heartbeat-reply'
      readonly syncId: SyncId
      readonly sequence: number
      readonly touched: readonly SessionId[] // sessions heard from since the last reply
    }

export type RequestMessage =
  | {
      readonly kind: 'forward'
      readonly syncId: SyncId
      readonly incarnation: number // of the sender's process; with the sequence it names a request for ever
      readonly requests: readonly ForwardedRequest[]
    }
  | { readonly kind: 'answer'; readonly syncId: SyncId; readonly answers: readonly ForwardedAnswer[] }
  | {
      readonly kind: 'revalidate'
      readonly syncId: SyncId
      readonly sequence: number
      readonly sessionId: SessionId
      readonly timeoutMs: number
    }
  | { readonly kind: 'revalidated'; readonly syncId: SyncId; readonly sequence: number; readonly valid: boolean }

export type PeerMessage = ZabMessage | RequestMessage

export interface Hello {
  readonly protocolVersion: number
  readonly from: ServerId
  readonly to: ServerId
  readonly clusterId: ClusterId // 0 while the sender's history is empty
  readonly incarnation: number
}

export interface PeerFrame {
  readonly hello: Hello | null // the first frame of each direction, and only that
  readonly messages: readonly PeerMessage[]
}
