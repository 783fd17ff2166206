/**
 * Decodes the frames of the messages `append`, `ack` and `forward`, which servers exchange for each turn with writes, without
 * the objects that protobufjs makes beside the messages. It reads the fields that peer-message.ts has today and text in ASCII.
 * For everything else it returns null, and the general decoder decides what is decoded and what is refused.
 */
import type { ChainHash } from '../../base/chain-hash.ts'
import type { Zxid } from '../../base/ids.ts'
import { failed, ProtoReader, signed } from '../proto-reader.ts'
import { sessionOfWords } from '../session-words.ts'
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

const noBytes: Uint8Array = new Uint8Array(0)
const noAuthIds: readonly WireAuthId[] = []
const from = new ProtoReader()

/** Byte fields of the result are views into `bytes`. */
export function decodeUsualFrame(bytes: Uint8Array): PeerFrame | null {
  from.begin(bytes)
  const end = bytes.length
  const messages: PeerMessage[] = []
  while (from.at < end) {
    if (bytes[from.at++] !== frameTags.message) return null
    const message = readMessage(end)
    if (message === null) return null
    messages.push(message)
  }
  return from.at === end ? { hello: null, messages } : null
}

function readMessage(limit: number): PeerMessage | null {
  const end = from.endOfPart(limit)
  if (from.at >= end) return null
  const tag = from.bytes[from.at++]
  const bodyEnd = from.endOfPart(end)
  if (bodyEnd !== end) return null
  switch (tag) {
    case messageTags.append:
      return readAppend(end)
    case messageTags.ack:
      return readAck(end)
    case messageTags.forward:
      return readForward(end)
    default:
      return null
  }
}

function readAppend(end: number): PeerMessage | null {
  let [syncId, previousZxid, previousHash, committed] = [0, 0, 0, 0]
  const entries: WireEntry[] = []
  while (from.at < end) {
    switch (from.bytes[from.at++]) {
      case appendTags.syncId:
        syncId = from.fixed32()
        break
      case appendTags.previousZxid:
        previousZxid = from.double()
        break
      case appendTags.previousHash:
        previousHash = from.double()
        break
      case appendTags.entry: {
        const entry = readEntry(end)
        if (entry === null) return null
        entries.push(entry)
        break
      }
      case appendTags.committed:
        committed = from.double()
        break
      default:
        return null
    }
  }
  if (from.at !== end) return null
  return {
    kind: 'append',
    syncId,
    previousZxid: previousZxid as Zxid,
    previousHash: previousHash as ChainHash,
    entries,
    committed: committed as Zxid,
  }
}

function readEntry(limit: number): WireEntry | null {
  const end = from.endOfPart(limit)
  let zxid = 0
  let payload = noBytes
  while (from.at < end) {
    switch (from.bytes[from.at++]) {
      case entryTags.zxid:
        zxid = from.double()
        break
      case entryTags.payload:
        payload = from.part(end)
        break
      default:
        return null
    }
  }
  return from.at === end ? { zxid: zxid as Zxid, payload } : null
}

function readAck(end: number): PeerMessage | null {
  let [syncId, durable] = [0, 0]
  while (from.at < end) {
    switch (from.bytes[from.at++]) {
      case ackTags.syncId:
        syncId = from.fixed32()
        break
      case ackTags.durable:
        durable = from.double()
        break
      default:
        return null
    }
  }
  return from.at === end ? { kind: 'ack', syncId, durable: durable as Zxid } : null
}

function readForward(end: number): PeerMessage | null {
  let [syncId, incarnation] = [0, 0]
  const requests: ForwardedRequest[] = []
  while (from.at < end) {
    switch (from.bytes[from.at++]) {
      case forwardTags.syncId:
        syncId = from.fixed32()
        break
      case forwardTags.request: {
        const request = readRequest(end)
        if (request === null) return null
        requests.push(request)
        break
      }
      case forwardTags.incarnation:
        incarnation = from.fixed32()
        break
      default:
        return null
    }
  }
  return from.at === end ? { kind: 'forward', syncId, requests, incarnation } : null
}

function readRequest(limit: number): ForwardedRequest | null {
  const end = from.endOfPart(limit)
  let [sequence, high, low, type] = [0, 0, 0, 0]
  let isLocal = false
  let body = noBytes
  let authIds: WireAuthId[] | null = null
  while (from.at < end) {
    switch (from.bytes[from.at++]) {
      case requestTags.sequence:
        sequence = from.double()
        break
      case requestTags.sessionHigh:
        high = from.fixed32()
        break
      case requestTags.sessionLow:
        low = from.fixed32()
        break
      case requestTags.type: {
        const count = from.varint()
        if (count === failed) return null
        type = signed(count)
        break
      }
      case requestTags.body:
        body = from.part(end)
        break
      case requestTags.authId: {
        const authId = readAuthId(end)
        if (authId === null) return null
        if (authIds === null) authIds = [authId]
        else authIds.push(authId)
        break
      }
      case requestTags.isLocal:
        isLocal = from.varint() !== 0
        break
      default:
        return null
    }
  }
  if (from.at !== end) return null
  return { sequence, sessionId: sessionOfWords(high, low), type, body, authIds: authIds ?? noAuthIds, isLocal }
}

function readAuthId(limit: number): WireAuthId | null {
  const end = from.endOfPart(limit)
  let scheme: string | null = ''
  let id: string | null = ''
  while (from.at < end) {
    const tag = from.bytes[from.at++]
    if (tag === authIdTags.scheme) scheme = from.text(end)
    else if (tag === authIdTags.id) id = from.text(end)
    else return null
    if (scheme === null || id === null) return null
  }
  return from.at === end ? { scheme, id } : null
}
