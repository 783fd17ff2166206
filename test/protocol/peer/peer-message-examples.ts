/** Every kind of message between servers, with ordinary and with extreme values. */
import type { ChainHash } from '../../../src/base/chain-hash.ts'
import type { Epoch, ServerId, SessionId, Zxid } from '../../../src/base/ids.ts'
import type { ClusterId } from '../../../src/protocol/disk/log-record.ts'
import type { ForwardedRequest, PeerFrame, PeerMessage } from '../../../src/protocol/peer/peer-message.ts'

const zxid = 0x3_0000_0004 as Zxid
const zxidMax = (2 ** 53 - 1) as Zxid
const epoch = 3 as Epoch
const hash = (2 ** 53 - 3) as ChainHash
const clusterId = (2 ** 52 + 1) as ClusterId
const leader = 254 as ServerId
const sessionId = 0xfe00_1234_89ab_cdefn as SessionId
const syncId = 0xffff_fffe

const request: ForwardedRequest = {
  sequence: 2 ** 40 + 1,
  sessionId,
  isLocal: true,
  type: -11,
  body: Uint8Array.of(1, 2, 3),
  authIds: [
    { scheme: 'digest', id: 'ben:x' },
    { scheme: 'ip', id: 'é' },
  ],
}
const emptyRequest: ForwardedRequest = {
  sequence: 0,
  sessionId: 0n as SessionId,
  isLocal: false,
  type: 0,
  body: new Uint8Array(0),
  authIds: [],
}

const messages: Readonly<Record<string, PeerMessage>> = {
  'vote, looking': { kind: 'vote', round: 2 ** 33, state: 'looking', leader, epoch, zxid, cannotWin: false },
  'vote, following': {
    kind: 'vote',
    round: 0,
    state: 'following',
    leader: 1 as ServerId,
    epoch,
    zxid: zxidMax,
    cannotWin: false,
  },
  'vote, leading': {
    kind: 'vote',
    round: 1,
    state: 'leading',
    leader,
    epoch: 0 as Epoch,
    zxid: 0 as Zxid,
    cannotWin: false,
  },
  'follower-info': { kind: 'follower-info', syncId, acceptedEpoch: epoch, clusterId, lastZxid: zxid, mayCount: true },
  'new-epoch': { kind: 'new-epoch', syncId, epoch, clusterId },
  'ack-epoch': {
    kind: 'ack-epoch',
    syncId,
    countable: true,
    currentEpoch: epoch,
    lastZxid: zxid,
    lastHash: hash,
    clusterId,
  },
  'ack-epoch of zeros': {
    kind: 'ack-epoch',
    syncId: 0,
    countable: false,
    currentEpoch: 0 as Epoch,
    lastZxid: 0 as Zxid,
    lastHash: 0 as ChainHash,
    clusterId: 0 as ClusterId,
  },
  'sync-start': { kind: 'sync-start', syncId, zxid, hash },
  'sync-from': { kind: 'sync-from', syncId, zxid, hash },
  'checkpoint-offer': { kind: 'checkpoint-offer', syncId, copyId: 2 ** 52 + 1, zxid, hash, sizeBytes: 2 ** 33 },
  'checkpoint-request': { kind: 'checkpoint-request', syncId, copyId: 2 ** 52 + 1, number: 300 },
  'checkpoint-request for the first chunk': { kind: 'checkpoint-request', syncId, copyId: 1, number: 0 },
  'checkpoint-chunk': { kind: 'checkpoint-chunk', syncId, copyId: 1, number: 1, chunk: Uint8Array.of(1, 2, 3) },
  'checkpoint-end': { kind: 'checkpoint-end', syncId, copyId: 1, chunkCount: 301 },
  'checkpoint-wait': { kind: 'checkpoint-wait', syncId },
  dropped: { kind: 'dropped', syncId },
  'hand-over': { kind: 'hand-over', syncId, to: 3 as ServerId, round: 9 },
  'hand-over-request': { kind: 'hand-over-request', syncId, to: 3 },
  'hand-over-request for the best': { kind: 'hand-over-request', syncId, to: 0 },
  append: {
    kind: 'append',
    syncId,
    previousZxid: zxid,
    previousHash: hash,
    entries: [
      { zxid: (zxid + 1) as Zxid, payload: Uint8Array.of(9, 8, 7) },
      { zxid: (zxid + 2) as Zxid, payload: new Uint8Array(0) },
    ],
    committed: zxid,
  },
  'append without entries': {
    kind: 'append',
    syncId,
    previousZxid: zxid,
    previousHash: hash,
    entries: [],
    committed: zxid,
  },
  'new-leader': { kind: 'new-leader', syncId, epoch, clusterId, lastZxid: zxid },
  'ack-new-leader': { kind: 'ack-new-leader', syncId, durable: zxid },
  'up-to-date': { kind: 'up-to-date', syncId, committed: zxid, recordsMoves: true },
  ack: { kind: 'ack', syncId, durable: zxid },
  heartbeat: {
    kind: 'heartbeat',
    syncId,
    sequence: 2 ** 32,
    committed: zxid,
    digest: '0123456789abcdef',
    digestVersion: 1,
  },
  'heartbeat without a digest': {
    kind: 'heartbeat',
    syncId,
    sequence: 2 ** 32,
    committed: zxid,
    digest: '',
    digestVersion: 0,
  },
  'heartbeat-reply': { kind: 'heartbeat-reply', syncId, sequence: 7, touched: [sessionId, 1n as SessionId] },
  'heartbeat-reply without sessions': { kind: 'heartbeat-reply', syncId, sequence: 7, touched: [] },
  forward: { kind: 'forward', syncId, incarnation: 0xffff_ffff, requests: [request, emptyRequest] },
  'forward without requests': { kind: 'forward', syncId, incarnation: 0, requests: [] },
  answer: {
    kind: 'answer',
    syncId,
    answers: [
      { sequence: 9, after: zxid, error: 'no-node', body: null },
      { sequence: 10, after: 0 as Zxid, error: null, body: Uint8Array.of(4, 5) },
      { sequence: 11, after: zxid, error: null, body: new Uint8Array(0) },
    ],
  },
  revalidate: { kind: 'revalidate', syncId, sequence: 2, sessionId, timeoutMs: -1, incarnation: 0xffff_ffff },
  revalidated: { kind: 'revalidated', syncId, sequence: 2, valid: true },
  'revalidated, over': { kind: 'revalidated', syncId, sequence: 2, valid: false },
}

const hello = {
  protocolVersion: 1,
  from: 3 as ServerId,
  to: leader,
  clusterId,
  incarnation: 0xffff_ffff,
  idInUse: false,
}

export const frames: Readonly<Record<string, PeerFrame>> = {
  ...Object.fromEntries(
    Object.entries(messages).map(([name, message]) => [name, { hello: null, messages: [message] }]),
  ),
  hello: { hello, messages: [] },
  'hello that refuses': { hello: { ...hello, idInUse: true }, messages: [] },
  'nothing at all': { hello: null, messages: [] },
  'hello and two messages': { hello, messages: [messages['ack']!, messages['vote, leading']!] },
}
