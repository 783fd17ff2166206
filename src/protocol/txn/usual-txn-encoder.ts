/**
 * Encodes the txns that come most often, those with one create, delete or set of data, into the bytes that protobufjs would
 * write, in a fifth of the time, and without an object for each message. Text that is not ASCII and everything else is left
 * to protobufjs.
 * The payloads of the txns in flight, and of those kept for learners, lie one after another in slabs: a separate array for
 * each would cost 0.7 µs, and work for the collector. They are dropped oldest first, as slabs are filled.
 */
import type { SessionId } from '../../base/ids.ts'
import { highWordOf, lowWordOf } from '../session-words.ts'
import type { AclEntry, Change, Origin, Txn } from './txn.ts'
import { aclTags, changeTags, createTags, deleteTags, originTags, setDataTags, txnTags } from './usual-txn-tags.ts'

/** Bytes that never change; null: it is not one of the usual txns. */
export function encodeUsualTxn(txn: Txn): Uint8Array | null {
  return writer.txn(txn)
}

type CreateChange = Extract<Change, { kind: 'create' }>
type SetDataChange = Extract<Change, { kind: 'set-data' }>

const slabSizeBytes = 64 * 1024
/** A longer txn gets an array of its own. */
const shareSizeBytesMax = 8 * 1024
const fixed32FieldSizeBytes = 5
const doubleFieldSizeBytes = 9
const notUsual = -1
const noBytes = new Uint8Array(0)
const doubleBytes = new Uint8Array(8)
const doubleView = new DataView(doubleBytes.buffer)

class UsualTxnWriter {
  #slab = noBytes
  #slabUsedBytes = 0
  #bytes = noBytes
  #at = 0

  txn({ timeMs, sessionId, origin, isMulti, changes }: Txn): Uint8Array | null {
    const change = changes[0]
    if (changes.length !== 1 || change === undefined) return null
    const bodySizeBytes = bodySizeBytesOf(change)
    if (bodySizeBytes === notUsual) return null
    const high = highWordOf(sessionId)
    const low = lowWordOf(sessionId)
    const originSizeBytes = origin === null ? 0 : originSizeBytesOf(origin)
    const changeSizeBytes = partSizeBytes(bodySizeBytes)
    const sizeBytes =
      doubleFieldSizeBytesOf(timeMs) +
      fixed32FieldSizeBytesOf(high) +
      fixed32FieldSizeBytesOf(low) +
      (origin === null ? 0 : partSizeBytes(originSizeBytes)) +
      (isMulti ? 2 : 0) +
      partSizeBytes(changeSizeBytes)
    const payload = this.#begin(sizeBytes)
    this.#doubleField(txnTags.timeMs, timeMs)
    this.#fixed32Field(txnTags.sessionHigh, high)
    this.#fixed32Field(txnTags.sessionLow, low)
    if (origin !== null) this.#origin(origin, originSizeBytes)
    if (isMulti) this.#flag(txnTags.isMulti)
    this.#head(txnTags.change, changeSizeBytes)
    this.#change(change, bodySizeBytes)
    return payload
  }

  /** The place of the next payload, which the calls that follow fill. */
  #begin(sizeBytes: number): Uint8Array {
    if (sizeBytes > shareSizeBytesMax) {
      this.#bytes = new Uint8Array(sizeBytes)
      this.#at = 0
      return this.#bytes
    }
    if (this.#slabUsedBytes + sizeBytes > this.#slab.length) {
      this.#slab = new Uint8Array(slabSizeBytes)
      this.#slabUsedBytes = 0
    }
    this.#bytes = this.#slab
    this.#at = this.#slabUsedBytes
    this.#slabUsedBytes += sizeBytes
    return this.#slab.subarray(this.#at, this.#slabUsedBytes)
  }

  #origin({ serverId, incarnation, sequence }: Origin, sizeBytes: number): void {
    this.#head(txnTags.origin, sizeBytes)
    if (serverId !== 0) this.#head(originTags.serverId, serverId)
    this.#fixed32Field(originTags.incarnation, incarnation)
    this.#doubleField(originTags.sequence, sequence)
  }

  #change(change: Change, sizeBytes: number): void {
    switch (change.kind) {
      case 'create':
        this.#head(changeTags.create, sizeBytes)
        return this.#create(change)
      case 'set-data':
        this.#head(changeTags.setData, sizeBytes)
        return this.#setData(change)
      case 'delete':
        this.#head(changeTags.delete, sizeBytes)
        return this.#text(deleteTags.path, change.path)
    }
  }

  #create({ path, data, acl, ephemeralOwner, parentCreateCount, withStat }: CreateChange): void {
    this.#text(createTags.path, path)
    this.#data(createTags.data, data)
    for (const { perms, scheme, id } of acl) {
      this.#head(createTags.acl, aclEntrySizeBytesOf(perms, scheme.length, id.length))
      if (perms !== 0) this.#head(aclTags.perms, perms)
      this.#text(aclTags.scheme, scheme)
      this.#text(aclTags.id, id)
    }
    this.#fixed32Field(createTags.ownerHigh, highWordOf(ephemeralOwner))
    this.#fixed32Field(createTags.ownerLow, lowWordOf(ephemeralOwner))
    if (parentCreateCount !== 0) this.#head(createTags.parentCreateCount, zigzag(parentCreateCount))
    if (withStat) this.#flag(createTags.withStat)
  }

  #setData({ path, data, version }: SetDataChange): void {
    this.#text(setDataTags.path, path)
    this.#data(setDataTags.data, data)
    if (version !== 0) this.#head(setDataTags.version, zigzag(version))
  }

  /** A tag and a varint: a whole number, or the length of what follows. */
  #head(tag: number, value: number): void {
    const bytes = this.#bytes
    bytes[this.#at++] = tag
    let rest = value >>> 0
    while (rest > 0x7f) {
      bytes[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[this.#at++] = rest
  }

  #flag(tag: number): void {
    this.#bytes[this.#at++] = tag
    this.#bytes[this.#at++] = 1
  }

  #text(tag: number, text: string): void {
    const { length } = text
    if (length === 0) return
    this.#head(tag, length)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i)
    this.#at = at
  }

  #data(tag: number, data: Uint8Array | null): void {
    if (data === null) return
    this.#head(tag, data.length)
    this.#bytes.set(data, this.#at)
    this.#at += data.length
  }

  #fixed32Field(tag: number, value: number): void {
    if (value === 0) return
    const bytes = this.#bytes
    const at = this.#at
    bytes[at] = tag
    bytes[at + 1] = value
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value >>> 16
    bytes[at + 4] = value >>> 24
    this.#at = at + fixed32FieldSizeBytes
  }

  #doubleField(tag: number, value: number): void {
    if (Object.is(value, 0)) return
    doubleView.setFloat64(0, value, true)
    this.#bytes[this.#at] = tag
    for (let i = 0; i < 8; i++) this.#bytes[this.#at + 1 + i] = doubleBytes[i]!
    this.#at += doubleFieldSizeBytes
  }
}

function bodySizeBytesOf(change: Change): number {
  switch (change.kind) {
    case 'create':
      return createSizeBytesOf(change)
    case 'set-data': {
      if (!isAscii(change.path)) return notUsual
      const { path, data, version } = change
      return textSizeBytes(path) + dataSizeBytes(data) + signedFieldSizeBytes(version)
    }
    case 'delete':
      return isAscii(change.path) ? textSizeBytes(change.path) : notUsual
    default:
      return notUsual
  }
}

function createSizeBytesOf(change: CreateChange): number {
  const { path, data, acl, ephemeralOwner, parentCreateCount, withStat } = change
  if (!isAscii(path) || !acl.every(isUsualEntry)) return notUsual
  let sizeBytes = textSizeBytes(path) + dataSizeBytes(data) + ownerSizeBytes(ephemeralOwner)
  for (const { perms, scheme, id } of acl) {
    sizeBytes += partSizeBytes(aclEntrySizeBytesOf(perms, scheme.length, id.length))
  }
  return sizeBytes + signedFieldSizeBytes(parentCreateCount) + (withStat ? 2 : 0)
}

function isUsualEntry({ perms, scheme, id }: AclEntry): boolean {
  return perms >= 0 && isAscii(scheme) && isAscii(id)
}

function aclEntrySizeBytesOf(perms: number, schemeLength: number, idLength: number): number {
  const permsSizeBytes = perms === 0 ? 0 : 1 + varintSizeBytes(perms)
  return permsSizeBytes + lengthTextSizeBytes(schemeLength) + lengthTextSizeBytes(idLength)
}

function originSizeBytesOf({ serverId, incarnation, sequence }: Origin): number {
  const idSizeBytes = serverId === 0 ? 0 : 1 + varintSizeBytes(serverId)
  return idSizeBytes + fixed32FieldSizeBytesOf(incarnation) + doubleFieldSizeBytesOf(sequence)
}

function ownerSizeBytes(owner: SessionId): number {
  return fixed32FieldSizeBytesOf(highWordOf(owner)) + fixed32FieldSizeBytesOf(lowWordOf(owner))
}

function fixed32FieldSizeBytesOf(value: number): number {
  return value === 0 ? 0 : fixed32FieldSizeBytes
}

function doubleFieldSizeBytesOf(value: number): number {
  return Object.is(value, 0) ? 0 : doubleFieldSizeBytes
}

function signedFieldSizeBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintSizeBytes(zigzag(value))
}

function textSizeBytes(text: string): number {
  return lengthTextSizeBytes(text.length)
}

/** Of a text of this length in ASCII; an empty one is left out. */
function lengthTextSizeBytes(length: number): number {
  return length === 0 ? 0 : partSizeBytes(length)
}

/** Null is left out; empty data are not. */
function dataSizeBytes(data: Uint8Array | null): number {
  return data === null ? 0 : partSizeBytes(data.length)
}

/** A tag, a length, and as many bytes. */
function partSizeBytes(sizeBytes: number): number {
  return 1 + varintSizeBytes(sizeBytes) + sizeBytes
}

function varintSizeBytes(value: number): number {
  const unsigned = value >>> 0
  if (unsigned < 2 ** 7) return 1
  if (unsigned < 2 ** 14) return 2
  if (unsigned < 2 ** 21) return 3
  return unsigned < 2 ** 28 ? 4 : 5
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

function isAscii(text: string): boolean {
  let units = 0
  for (let i = 0; i < text.length; i++) units |= text.charCodeAt(i)
  return units < 0x80
}

const writer = new UsualTxnWriter()
