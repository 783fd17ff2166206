/**
 * Decodes the txns that come most often, those with one create, delete or set of data, in a third of the time that the
 * general decoder of protobuf takes: a server that starts, one that follows, and the checkpoint decode every txn. It reads
 * the fields that schema.ts has today and text in ASCII. For everything else it returns null, and the general decoder
 * decides; so a field that is added to the schema is never overlooked.
 */
import type { ServerId } from '../../base/ids.ts'
import { decodeUtf8 } from '../../jute/utf8.ts'
import { sessionOfWords } from '../session-words.ts'
import type { AclEntry, Change, Origin, Txn } from './txn.ts'
import { aclTags, changeTags, createTags, deleteTags, originTags, setDataTags, txnTags } from './usual-txn-tags.ts'

/** `data` of the result is a view into `bytes`. */
export function decodeUsualTxn(bytes: Uint8Array): Txn | null {
  return reader.txn(bytes)
}

type CreateChange = Extract<Change, { kind: 'create' }>
type SetDataChange = Extract<Change, { kind: 'set-data' }>

const varintShiftMax = 21 // of four bytes
const failed = -1
const noBytes = new Uint8Array(0)
const doubleBytes = new Uint8Array(8)
const doubleView = new DataView(doubleBytes.buffer)

class UsualTxnReader {
  #bytes: Uint8Array = noBytes
  #at = 0
  /** The entry decoded last and its bytes: most znodes have the ACL of the znode before. */
  #entryBytes: Uint8Array = noBytes
  #entry: AclEntry | null = null

  txn(bytes: Uint8Array): Txn | null {
    this.#bytes = bytes
    this.#at = 0
    const end = bytes.length
    let [timeMs, high, low] = [0, 0, 0]
    let isMulti = false
    let origin: Origin | null = null
    let change: Change | null = null
    while (this.#at < end) {
      switch (bytes[this.#at++]) {
        case txnTags.timeMs:
          timeMs = this.#double()
          break
        case txnTags.sessionHigh:
          high = this.#fixed32()
          break
        case txnTags.sessionLow:
          low = this.#fixed32()
          break
        case txnTags.isMulti:
          isMulti = this.#varint() !== 0
          break
        case txnTags.origin:
          origin = this.#origin(end)
          if (origin === null) return null
          break
        case txnTags.change:
          if (change !== null) return null
          change = this.#change(end)
          if (change === null) return null
          break
        default:
          return null
      }
    }
    if (this.#at !== end || change === null) return null
    return { timeMs, sessionId: sessionOfWords(high, low), origin, isMulti, changes: [change] }
  }

  #origin(limit: number): Origin | null {
    const end = this.#endOfPart(limit)
    let [serverId, incarnation, sequence] = [0, 0, 0]
    while (this.#at < end) {
      switch (this.#bytes[this.#at++]) {
        case originTags.serverId:
          serverId = this.#varint()
          if (serverId === failed) return null
          break
        case originTags.incarnation:
          incarnation = this.#fixed32()
          break
        case originTags.sequence:
          sequence = this.#double()
          break
        default:
          return null
      }
    }
    return this.#at === end ? { serverId: serverId as ServerId, incarnation, sequence } : null
  }

  #change(limit: number): Change | null {
    const end = this.#endOfPart(limit)
    if (this.#at >= end) return null
    const tag = this.#bytes[this.#at++]
    const bodyEnd = this.#endOfPart(end)
    if (bodyEnd !== end) return null
    if (tag === changeTags.create) return this.#create(end)
    if (tag === changeTags.delete) return this.#delete(end)
    return tag === changeTags.setData ? this.#setData(end) : null
  }

  #delete(end: number): Change | null {
    let path: string | null = ''
    while (this.#at < end) {
      if (this.#bytes[this.#at++] !== deleteTags.path) return null
      path = this.#text(end)
      if (path === null) return null
    }
    return this.#at === end ? { kind: 'delete', path } : null
  }

  #create(end: number): CreateChange | null {
    let path: string | null = ''
    let data: Uint8Array | null = null
    const acl: AclEntry[] = []
    let [high, low, parentCreateCount] = [0, 0, 0]
    let withStat = false
    while (this.#at < end) {
      switch (this.#bytes[this.#at++]) {
        case createTags.path:
          path = this.#text(end)
          if (path === null) return null
          break
        case createTags.data:
          data = this.#part(end)
          break
        case createTags.acl: {
          const entry = this.#aclEntry(end)
          if (entry === null) return null
          acl.push(entry)
          break
        }
        case createTags.ownerHigh:
          high = this.#fixed32()
          break
        case createTags.ownerLow:
          low = this.#fixed32()
          break
        case createTags.parentCreateCount: {
          const count = this.#varint()
          if (count === failed) return null
          parentCreateCount = signed(count)
          break
        }
        case createTags.withStat:
          withStat = this.#varint() !== 0
          break
        default:
          return null
      }
    }
    if (this.#at !== end) return null
    return { kind: 'create', path, data, acl, ephemeralOwner: sessionOfWords(high, low), parentCreateCount, withStat }
  }

  #setData(end: number): SetDataChange | null {
    let path: string | null = ''
    let data: Uint8Array | null = null
    let version = 0
    while (this.#at < end) {
      switch (this.#bytes[this.#at++]) {
        case setDataTags.path:
          path = this.#text(end)
          if (path === null) return null
          break
        case setDataTags.data:
          data = this.#part(end)
          break
        case setDataTags.version: {
          const count = this.#varint()
          if (count === failed) return null
          version = signed(count)
          break
        }
        default:
          return null
      }
    }
    return this.#at === end ? { kind: 'set-data', path, data, version } : null
  }

  #aclEntry(limit: number): AclEntry | null {
    const end = this.#endOfPart(limit)
    if (this.#isLatestEntry(end)) {
      this.#at = end
      return this.#entry
    }
    const start = this.#at
    let perms = 0
    let scheme: string | null = ''
    let id: string | null = ''
    while (this.#at < end) {
      switch (this.#bytes[this.#at++]) {
        case aclTags.perms:
          perms = this.#varint()
          if (perms === failed) return null
          break
        case aclTags.scheme:
          scheme = this.#text(end)
          break
        case aclTags.id:
          id = this.#text(end)
          break
        default:
          return null
      }
    }
    if (this.#at !== end || scheme === null || id === null) return null
    this.#entryBytes = this.#bytes.slice(start, end)
    this.#entry = { perms, scheme, id }
    return this.#entry
  }

  #isLatestEntry(end: number): boolean {
    const known = this.#entryBytes
    const start = this.#at
    if (this.#entry === null || known.length !== end - start) return false
    for (let i = 0; i < known.length; i += 1) if (known[i] !== this.#bytes[start + i]) return false
    return true
  }

  #text(limit: number): string | null {
    const start = this.#startOfPart()
    const end = this.#at
    if (start < 0 || end > limit) return null
    let bits = 0
    for (let at = start; at < end; at += 1) bits |= this.#bytes[at]!
    return bits < 0x80 ? decodeUtf8(this.#bytes, start, end) : null
  }

  /** A view. If it does not fit, the place is after the end of the bytes, which the callers notice. */
  #part(limit: number): Uint8Array {
    const end = this.#endOfPart(limit)
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  /** Reads a length. Moves to the end of what follows, returns its start; negative: there is no length. */
  #startOfPart(): number {
    const lengthBytes = this.#varint()
    const start = this.#at
    if (lengthBytes === failed) return failed
    this.#at = start + lengthBytes
    return start
  }

  /** Reads a length. The end of what follows; a place after all bytes if that is not within `limit`. */
  #endOfPart(limit: number): number {
    const lengthBytes = this.#varint()
    const end = this.#at + lengthBytes
    if (lengthBytes !== failed && end <= limit) return end
    this.#at = this.#bytes.length + 1
    return this.#at + 1
  }

  /** Unsigned; `failed` if it has more than four bytes. */
  #varint(): number {
    let value = 0
    for (let shift = 0; shift <= varintShiftMax; shift += 7) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) return failed
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    this.#at = this.#bytes.length + 1 // the callers notice it
    return failed
  }

  #fixed32(): number {
    const bytes = this.#bytes
    const at = this.#at
    this.#at += 4
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }

  #double(): number {
    for (let i = 0; i < 8; i += 1) doubleBytes[i] = this.#bytes[this.#at + i]!
    this.#at += 8
    return doubleView.getFloat64(0, true)
  }
}

/** From the zigzag form of protobuf. */
function signed(count: number): number {
  return (count >>> 1) ^ -(count & 1)
}

const reader = new UsualTxnReader()
