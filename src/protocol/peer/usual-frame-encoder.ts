/**
 * Encodes the frames that servers exchange for each turn with writes, those of the messages `append`, `ack` and `forward`, into
 * the bytes that protobufjs would write, without an object for each message and entry. Frames with another message, and text
 * that is not ASCII, are left to protobufjs.
 */
import {
  doubleFieldSizeBytesOf,
  fixed32FieldSizeBytesOf,
  isAscii,
  lengthTextSizeBytes,
  ProtoWriter,
  partSizeBytes,
  varintSizeBytes,
  zigzag,
} from '../proto-writer.ts'
import { highWordOf, lowWordOf } from '../session-words.ts'
import type { ForwardedRequest, PeerFrame, PeerMessage, WireAuthId, WireEntry } from './peer-message.ts'
import {
  ackTags,
  appendTags,
  authIdTags,
  entryTags,
  forwardTags,
  frameTags,
  messageTags,
  requestTags,
} from './usual-frame-tags.ts'

type Append = Extract<PeerMessage, { kind: 'append' }>
type Forward = Extract<PeerMessage, { kind: 'forward' }>

const notUsual = -1
const to = new ProtoWriter()

/**
 * What is computed of each forwarded request before it is written: its size and the words of its session, since to get
 * these from a BigInt takes as long as to write the request.
 */
class RequestNotes {
  readonly #numbers: number[] = [] // three for each request; it does not shrink
  #count = 0
  #readCount = 0

  clear(): void {
    this.#count = 0
    this.#readCount = 0
  }

  add(sizeBytes: number, high: number, low: number): void {
    this.#numbers[this.#count++] = sizeBytes
    this.#numbers[this.#count++] = high
    this.#numbers[this.#count++] = low
  }

  next(): number {
    return this.#numbers[this.#readCount++]!
  }
}

const notes = new RequestNotes()

/** The bytes come after `roomSizeBytes` zero bytes; null: it is not one of the usual frames. */
export function encodeUsualFrame({ hello, messages }: PeerFrame, roomSizeBytes: number): Uint8Array | null {
  if (hello !== null || messages.length === 0) return null
  notes.clear()
  const bodySizes: number[] = []
  let sizeBytes = roomSizeBytes
  for (const message of messages) {
    const bodySizeBytes = bodySizeBytesOf(message)
    if (bodySizeBytes === notUsual) return null
    bodySizes.push(bodySizeBytes)
    sizeBytes += partSizeBytes(partSizeBytes(bodySizeBytes))
  }
  const bytes = new Uint8Array(sizeBytes)
  to.begin(bytes, roomSizeBytes)
  for (const [i, message] of messages.entries()) writeMessage(message, bodySizes[i]!)
  return bytes
}

function bodySizeBytesOf(message: PeerMessage): number {
  switch (message.kind) {
    case 'append':
      return appendSizeBytes(message)
    case 'ack':
      return fixed32FieldSizeBytesOf(message.syncId) + doubleFieldSizeBytesOf(message.durable)
    case 'forward':
      return forwardSizeBytes(message)
    default:
      return notUsual
  }
}

function writeMessage(message: PeerMessage, bodySizeBytes: number): void {
  to.head(frameTags.message, partSizeBytes(bodySizeBytes))
  switch (message.kind) {
    case 'append':
      to.head(messageTags.append, bodySizeBytes)
      return writeAppend(message)
    case 'ack':
      to.head(messageTags.ack, bodySizeBytes)
      to.fixed32Field(ackTags.syncId, message.syncId)
      return to.doubleField(ackTags.durable, message.durable)
    case 'forward':
      to.head(messageTags.forward, bodySizeBytes)
      return writeForward(message)
  }
}

function appendSizeBytes({ syncId, previousZxid, previousHash, entries, committed }: Append): number {
  let sizeBytes =
    fixed32FieldSizeBytesOf(syncId) +
    doubleFieldSizeBytesOf(previousZxid) +
    doubleFieldSizeBytesOf(previousHash) +
    doubleFieldSizeBytesOf(committed)
  for (const entry of entries) sizeBytes += partSizeBytes(entrySizeBytes(entry))
  return sizeBytes
}

function entrySizeBytes({ zxid, payload }: WireEntry): number {
  return doubleFieldSizeBytesOf(zxid) + lengthTextSizeBytes(payload.length)
}

function writeAppend({ syncId, previousZxid, previousHash, entries, committed }: Append): void {
  to.fixed32Field(appendTags.syncId, syncId)
  to.doubleField(appendTags.previousZxid, previousZxid)
  to.doubleField(appendTags.previousHash, previousHash)
  for (const entry of entries) {
    const { zxid, payload } = entry
    to.head(appendTags.entry, entrySizeBytes(entry))
    to.doubleField(entryTags.zxid, zxid)
    if (payload.length > 0) to.data(entryTags.payload, payload)
  }
  to.doubleField(appendTags.committed, committed)
}

function forwardSizeBytes({ syncId, incarnation, requests }: Forward): number {
  let sizeBytes = fixed32FieldSizeBytesOf(syncId) + fixed32FieldSizeBytesOf(incarnation)
  for (const request of requests) {
    const requestSizeBytes = noteRequest(request)
    if (requestSizeBytes === notUsual) return notUsual
    sizeBytes += partSizeBytes(requestSizeBytes)
  }
  return sizeBytes
}

/** Returns the size. */
function noteRequest({ sequence, sessionId, type, body, authIds, isLocal }: ForwardedRequest): number {
  const high = highWordOf(sessionId)
  const low = lowWordOf(sessionId)
  let sizeBytes =
    doubleFieldSizeBytesOf(sequence) +
    fixed32FieldSizeBytesOf(high) +
    fixed32FieldSizeBytesOf(low) +
    (type === 0 ? 0 : 1 + varintSizeBytes(zigzag(type))) +
    lengthTextSizeBytes(body.length) +
    (isLocal ? 2 : 0)
  for (const authId of authIds) {
    if (!isAscii(authId.scheme) || !isAscii(authId.id)) return notUsual
    sizeBytes += partSizeBytes(authIdSizeBytes(authId))
  }
  notes.add(sizeBytes, high, low)
  return sizeBytes
}

function authIdSizeBytes({ scheme, id }: WireAuthId): number {
  return lengthTextSizeBytes(scheme.length) + lengthTextSizeBytes(id.length)
}

function writeForward({ syncId, incarnation, requests }: Forward): void {
  to.fixed32Field(forwardTags.syncId, syncId)
  for (const request of requests) {
    to.head(forwardTags.request, notes.next())
    writeRequest(request)
  }
  to.fixed32Field(forwardTags.incarnation, incarnation)
}

function writeRequest({ sequence, type, body, authIds, isLocal }: ForwardedRequest): void {
  to.doubleField(requestTags.sequence, sequence)
  to.fixed32Field(requestTags.sessionHigh, notes.next())
  to.fixed32Field(requestTags.sessionLow, notes.next())
  if (type !== 0) to.head(requestTags.type, zigzag(type))
  if (body.length > 0) to.data(requestTags.body, body)
  for (const authId of authIds) {
    to.head(requestTags.authId, authIdSizeBytes(authId))
    to.text(authIdTags.scheme, authId.scheme)
    to.text(authIdTags.id, authId.id)
  }
  if (isLocal) to.flag(requestTags.isLocal)
}
