/**
 * The messages between servers (docs/internals/zab.md has the table of message × sender × receiver × phase).
 * One row for each message: its number, its fields, and how traces, assertions and logs show it. The type, the schema
 * and the codec come from the row. A new message is a new row; a new field is a new line in its row.
 *
 * `syncId` names one attempt of a learner to follow a leader: it is the learner's role incarnation. The learner sends it
 * with follower-info, and every message of that attempt carries it in both directions, so that no message of
 * an earlier role is taken for the present one. All messages of one link arrive in order or the link closes.
 *
 * Descriptions show how many payloads and bodies a message has, never their content. They leave out hashes, which no
 * reader can judge.
 */
import type { ChainHash } from '../../base/chain-hash.ts'
import { isErrorName } from '../../base/errors.ts'
import { type Epoch, hexOfSession, hexOfZxid, type ServerId, type Zxid } from '../../base/ids.ts'
import type { ClusterId } from '../disk/log-record.ts'
import {
  bool,
  bytes,
  bytesOrNull,
  double,
  type Field,
  fixed32,
  type InferFields,
  type InferRecord,
  int32,
  oneOf,
  type ProtoRecord,
  protoRecord,
  repeated,
  sessionList,
  sessionWords,
  sint32,
  text,
  textOrNull,
  uint32,
} from '../proto-record.ts'

export type SyncId = number // uint32

const syncId = fixed32<SyncId>(1)

const WireEntry = protoRecord('Entry', {
  zxid: double<Zxid>(1),
  payload: bytes(2),
})
export type WireEntry = InferRecord<typeof WireEntry>

const WireAuthId = protoRecord('AuthId', { scheme: text(1), id: text(2) })
export type WireAuthId = InferRecord<typeof WireAuthId>

const ForwardedRequest = protoRecord('ForwardedRequest', {
  sequence: double(1), // of the sending server's incarnation; comes back in the txn's origin or in the answer
  sessionId: sessionWords(2, 3),
  type: sint32(4), // opcode
  body: bytes(5), // the client's record, not decoded
  authIds: repeated(6, WireAuthId), // as they were when the request was read from the socket
  isLocal: bool(7), // the session exists on the sending server only, which has checked it
})
export type ForwardedRequest = InferRecord<typeof ForwardedRequest>

/** The outcome of a request that became no txn. The client's server sends it after it has applied `after`. */
const ForwardedAnswer = protoRecord('ForwardedAnswer', {
  sequence: double(1),
  after: double<Zxid>(2),
  error: textOrNull(3, isErrorName),
  body: bytesOrNull(4),
})
export type ForwardedAnswer = InferRecord<typeof ForwardedAnswer>

const zabRows = {
  vote: row(
    1,
    {
      round: double(1),
      leader: uint32<ServerId>(2), // the candidate
      epoch: double<Epoch>(3), // the sender's current epoch
      zxid: double<Zxid>(4), // the last zxid of the sender's history
      state: oneOf(5, ['looking', 'following', 'leading']),
      cannotWin: bool(6), // while it looks: the sender is no candidate
    },
    ({ round, state, leader, epoch, zxid, cannotWin }) => {
      const looks = cannotWin ? 'looking, no candidate, for' : 'looking for'
      const what = state === 'leading' ? state : `${state === 'looking' ? looks : state} ${leader}`
      return `round=${round} ${what} epoch=${epoch} zxid=${hexOfZxid(zxid)}`
    },
  ),
  'follower-info': row(
    2,
    {
      syncId,
      acceptedEpoch: double<Epoch>(2),
      clusterId: double<ClusterId>(3),
      lastZxid: double<Zxid>(4),
      mayCount: bool(5), // false: its data folder is empty and not trusted, so it counts in a quorum after it has synchronised
    },
    ({ syncId, acceptedEpoch, clusterId, lastZxid, mayCount }) => {
      const data = `last=${hexOfZxid(lastZxid)} of ${clusterText(clusterId)}`
      return `sync=${syncId} accepted=${acceptedEpoch} ${data}${mayCount ? '' : ' does-not-count'}`
    },
  ),
  /** The learner checks `clusterId` before it changes any data, and refuses a cluster that is not its own. */
  'new-epoch': row(
    3,
    { syncId, epoch: double<Epoch>(2), clusterId: double<ClusterId>(3) },
    ({ syncId, epoch, clusterId }) => `sync=${syncId} epoch=${epoch} of ${clusterText(clusterId)}`,
  ),
  'ack-epoch': row(
    4,
    {
      syncId,
      countable: bool(2), // false: it had accepted this epoch from another leader
      currentEpoch: double<Epoch>(3),
      lastZxid: double<Zxid>(4),
      lastHash: double<ChainHash>(5),
      clusterId: double<ClusterId>(6),
    },
    ({ syncId, countable, currentEpoch, lastZxid }) =>
      `sync=${syncId} ${countable ? 'counts' : 'does-not-count'} current=${currentEpoch} last=${hexOfZxid(lastZxid)}`,
  ),
  'sync-start': row(
    5,
    { syncId, zxid: double<Zxid>(2), hash: double<ChainHash>(3) },
    ({ syncId, zxid }) => `sync=${syncId} at=${hexOfZxid(zxid)}`,
  ),
  /**
   * The learner does not have the point of sync-start. It names its last point before that, and the leader starts from it.
   * Also sent when a copy of the state was installed: the learner names its point.
   */
  'sync-from': row(
    17,
    { syncId, zxid: double<Zxid>(2), hash: double<ChainHash>(3) },
    ({ syncId, zxid }) => `sync=${syncId} at=${hexOfZxid(zxid)}`,
  ),
  /** The leader's log begins after the learner's history: the learner may have a copy of the state at `zxid` instead. */
  'checkpoint-offer': row(
    18,
    {
      syncId,
      copyId: double(2), // one copy of one leader; a learner that comes back may go on where it was
      zxid: double<Zxid>(3),
      hash: double<ChainHash>(4), // of the history up to `zxid`
      sizeBytes: double(5), // about; for people
    },
    ({ syncId, copyId, zxid }) => `sync=${syncId} copy=${copyId} at=${hexOfZxid(zxid)}`,
  ),
  /** The learner asks for each chunk, so it sets the pace, and it resumes by asking for the one that it lacks. */
  'checkpoint-request': row(
    19,
    { syncId, copyId: double(2), number: double(3) },
    ({ syncId, copyId, number }) => `sync=${syncId} copy=${copyId} #${number}`,
  ),
  'checkpoint-chunk': row(
    20,
    { syncId, copyId: double(2), number: double(3), chunk: bytes(4) },
    ({ syncId, copyId, number, chunk }) => `sync=${syncId} copy=${copyId} #${number} bytes=${chunk.length}`,
  ),
  /** Answers a request for a chunk after the last one. */
  'checkpoint-end': row(
    21,
    { syncId, copyId: double(2), chunkCount: double(3) },
    ({ syncId, copyId, chunkCount }) => `sync=${syncId} copy=${copyId} chunks=${chunkCount}`,
  ),
  /** The learner is going to get an offer, or the chunk that it asked for; until then, others have their turn. */
  'checkpoint-wait': row(22, { syncId }, ({ syncId }) => `sync=${syncId}`),
  /** The leader has given up this attempt of the learner, whose link stays up: it need not wait until initLimit. */
  dropped: row(23, { syncId }, ({ syncId }) => `sync=${syncId}`),
  /** The leader stops leading in favour of `to`. Server `to` leads at once, and the other servers follow it. */
  'hand-over': row(
    24,
    { syncId, to: uint32<ServerId>(2), round: double(3) }, // the round counts as the one that has elected `to`
    ({ syncId, to, round }) => `sync=${syncId} to=${to} round=${round}`,
  ),
  /** A learner asks its leader to hand over. */
  'hand-over-request': row(
    25,
    { syncId, to: uint32(2) }, // a server id; 0: the best voter in step
    ({ syncId, to }) => `sync=${syncId} to=${to === 0 ? 'the-best' : to}`,
  ),
  append: row(
    6,
    {
      syncId,
      previousZxid: double<Zxid>(2),
      previousHash: double<ChainHash>(3),
      entries: repeated(4, WireEntry),
      committed: double<Zxid>(5),
    },
    ({ syncId, previousZxid, entries, committed }) =>
      `sync=${syncId} after=${hexOfZxid(previousZxid)} [${rangeOf(entries)}] committed=${hexOfZxid(committed)}`,
  ),
  'new-leader': row(
    7,
    { syncId, epoch: double<Epoch>(2), clusterId: double<ClusterId>(3), lastZxid: double<Zxid>(4) },
    ({ syncId, epoch, lastZxid }) => `sync=${syncId} epoch=${epoch} last=${hexOfZxid(lastZxid)}`,
  ),
  'ack-new-leader': row(
    8,
    { syncId, durable: double<Zxid>(2) },
    ({ syncId, durable }) => `sync=${syncId} durable=${hexOfZxid(durable)}`,
  ),
  'up-to-date': row(
    9,
    // The moves of sessions are txns, so the learner may keep its clients when it loses this leader.
    { syncId, committed: double<Zxid>(2), recordsMoves: bool(3) },
    ({ syncId, committed }) => `sync=${syncId} committed=${hexOfZxid(committed)}`,
  ),
  ack: row(
    10,
    { syncId, durable: double<Zxid>(2) },
    ({ syncId, durable }) => `sync=${syncId} durable=${hexOfZxid(durable)}`,
  ),
  heartbeat: row(
    11,
    {
      syncId,
      sequence: double(2),
      committed: double<Zxid>(3),
      digest: text(4), // of the leader's tree at `committed`; '' = not known
      digestVersion: uint32(5), // how it was made; see src/tree/tree-digest.ts
    },
    ({ syncId, sequence, committed }) => `sync=${syncId} sequence=${sequence} committed=${hexOfZxid(committed)}`,
  ),
  'heartbeat-reply': row(
    12,
    { syncId, sequence: double(2), touched: sessionList(3) }, // sessions whose client sent something since the last reply
    ({ syncId, sequence, touched }) => `sync=${syncId} sequence=${sequence} touched=${touched.length}`,
  ),
}

const requestRows = {
  forward: row(
    13,
    {
      syncId,
      requests: repeated(2, ForwardedRequest),
      incarnation: fixed32(3), // of the sender's process; together with the sequence it identifies a request permanently
    },
    ({ syncId, requests }) =>
      `sync=${syncId} [${requests.map(({ sequence, type }) => `#${sequence} opcode ${type}`).join(', ')}]`,
  ),
  answer: row(
    14,
    { syncId, answers: repeated(2, ForwardedAnswer) },
    ({ syncId, answers }) =>
      `sync=${syncId} [${answers.map(({ sequence, error }) => `#${sequence} ${error ?? 'ok'}`).join(', ')}]`,
  ),
  revalidate: row(
    15,
    // With the incarnation of the sender's process, as for `forward`: a session that moves becomes a txn.
    { syncId, sequence: double(2), sessionId: sessionWords(3, 4), timeoutMs: int32(5), incarnation: fixed32(6) },
    ({ syncId, sequence, sessionId }) => `sync=${syncId} #${sequence} ${hexOfSession(sessionId)}`,
  ),
  revalidated: row(
    16,
    { syncId, sequence: double(2), valid: bool(3) },
    ({ syncId, sequence, valid }) => `sync=${syncId} #${sequence} ${valid ? 'valid' : 'over'}`,
  ),
}

export type ZabMessage = MessageOf<typeof zabRows>
export type RequestMessage = MessageOf<typeof requestRows>
export type PeerMessage = ZabMessage | RequestMessage

/** Only the first frame of each direction carries it. */
export const Hello = protoRecord('Hello', {
  protocolVersion: uint32(1),
  from: uint32<ServerId>(2),
  to: uint32<ServerId>(3),
  clusterId: double<ClusterId>(4), // 0 while the sender's history is empty
  incarnation: fixed32(5),
  idInUse: bool(6), // refuses the receiver: another process with its id is connected to the sender
})
export type Hello = InferRecord<typeof Hello>

export interface PeerFrame {
  readonly hello: Hello | null
  readonly messages: readonly PeerMessage[]
}

export const peerMessageRows: Readonly<Record<PeerMessage['kind'], MessageRow<object>>> = {
  ...zabRows,
  ...requestRows,
}

/** As in `vote round=2 looking for 3 epoch=1 zxid=0x100000004`. */
export function describePeerMessage(message: PeerMessage): string {
  return `${message.kind} ${peerMessageRows[message.kind].describe(message)}`
}

export interface MessageRow<T> {
  readonly id: number // in the oneof of PeerMessage
  /** The record under the name that its kind gives it. */
  recordOf(kind: string): ProtoRecord<T>
  describe(message: T): string
}

type MessageOf<Rows> = {
  [K in keyof Rows]: Rows[K] extends MessageRow<infer T> ? Message<K, T> : never
}[keyof Rows]

type Message<K, T> = { readonly [P in keyof T | 'kind']: P extends keyof T ? T[P] : K }

function row<const F extends Readonly<Record<string, Field<unknown>>>>(
  id: number,
  fields: F,
  describe: (message: InferFields<F>) => string,
): MessageRow<InferFields<F>> {
  return { id, recordOf: (kind) => protoRecord(typeNameOf(kind), fields, kind), describe }
}

/** `ack-epoch` is the message `AckEpoch` of the schema. */
function typeNameOf(kind: string): string {
  return kind.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function clusterText(clusterId: ClusterId): string {
  return clusterId === 0 ? 'no-cluster' : `cluster-${clusterId.toString(16)}`
}

/** A batch is gap-free within an epoch, so its first and last zxid describe it. */
function rangeOf(entries: readonly WireEntry[]): string {
  const first = entries[0]
  const last = entries[entries.length - 1]
  if (first === undefined || last === undefined) return ''
  return entries.length === 1 ? hexOfZxid(first.zxid) : `${hexOfZxid(first.zxid)}..${hexOfZxid(last.zxid)}`
}
