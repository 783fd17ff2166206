/**
 * Decodes the txns that come most often, those with one create, delete or set of data, in a third of the time that the
 * general decoder of protobuf takes: a server that starts, one that follows, and the checkpoint decode every txn. It reads
 * the fields that schema.ts has today and text in ASCII. For everything else it returns null, and the general decoder
 * decides; so a field that is added to the schema is never overlooked.
 */
import type { ServerId } from '../../base/ids.ts'
import { failed, ProtoReader, signed } from '../proto-reader.ts'
import { sessionOfWords } from '../session-words.ts'
import type { AclEntry, Change, Origin, Txn } from './txn.ts'
import { aclTags, changeTags, createTags, deleteTags, originTags, setDataTags, txnTags } from './usual-txn-tags.ts'

/** `data` of the result is a view into `bytes`. */
export function decodeUsualTxn(bytes: Uint8Array): Txn | null {
  return reader.txn(bytes)
}

type CreateChange = Extract<Change, { kind: 'create' }>
type SetDataChange = Extract<Change, { kind: 'set-data' }>

const noBytes = new Uint8Array(0)
const from = new ProtoReader()

class UsualTxnReader {
  /** The entry decoded last and its bytes: most znodes have the ACL of the znode before. */
  #entryBytes: Uint8Array = noBytes
  #entry: AclEntry | null = null

  txn(bytes: Uint8Array): Txn | null {
    from.begin(bytes)
    const end = bytes.length
    let [timeMs, high, low] = [0, 0, 0]
    let isMulti = false
    let origin: Origin | null = null
    let change: Change | null = null
    while (from.at < end) {
      switch (bytes[from.at++]) {
        case txnTags.timeMs:
          timeMs = from.double()
          break
        case txnTags.sessionHigh:
          high = from.fixed32()
          break
        case txnTags.sessionLow:
          low = from.fixed32()
          break
        case txnTags.isMulti:
          isMulti = from.varint() !== 0
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
    if (from.at !== end || change === null) return null
    return { timeMs, sessionId: sessionOfWords(high, low), origin, isMulti, changes: [change] }
  }

  #origin(limit: number): Origin | null {
    const end = from.endOfPart(limit)
    let [serverId, incarnation, sequence] = [0, 0, 0]
    while (from.at < end) {
      switch (from.bytes[from.at++]) {
        case originTags.serverId:
          serverId = from.varint()
          if (serverId === failed) return null
          break
        case originTags.incarnation:
          incarnation = from.fixed32()
          break
        case originTags.sequence:
          sequence = from.double()
          break
        default:
          return null
      }
    }
    return from.at === end ? { serverId: serverId as ServerId, incarnation, sequence } : null
  }

  #change(limit: number): Change | null {
    const end = from.endOfPart(limit)
    if (from.at >= end) return null
    const tag = from.bytes[from.at++]
    const bodyEnd = from.endOfPart(end)
    if (bodyEnd !== end) return null
    if (tag === changeTags.create) return this.#create(end)
    if (tag === changeTags.delete) return this.#delete(end)
    return tag === changeTags.setData ? this.#setData(end) : null
  }

  #delete(end: number): Change | null {
    let path: string | null = ''
    while (from.at < end) {
      if (from.bytes[from.at++] !== deleteTags.path) return null
      path = from.text(end)
      if (path === null) return null
    }
    return from.at === end ? { kind: 'delete', path } : null
  }

  #create(end: number): CreateChange | null {
    let path: string | null = ''
    let data: Uint8Array | null = null
    const acl: AclEntry[] = []
    let [high, low, parentCreateCount] = [0, 0, 0]
    let withStat = false
    while (from.at < end) {
      switch (from.bytes[from.at++]) {
        case createTags.path:
          path = from.text(end)
          if (path === null) return null
          break
        case createTags.data:
          data = from.part(end)
          break
        case createTags.acl: {
          const entry = this.#aclEntry(end)
          if (entry === null) return null
          acl.push(entry)
          break
        }
        case createTags.ownerHigh:
          high = from.fixed32()
          break
        case createTags.ownerLow:
          low = from.fixed32()
          break
        case createTags.parentCreateCount: {
          const count = from.varint()
          if (count === failed) return null
          parentCreateCount = signed(count)
          break
        }
        case createTags.withStat:
          withStat = from.varint() !== 0
          break
        default:
          return null
      }
    }
    if (from.at !== end) return null
    return { kind: 'create', path, data, acl, ephemeralOwner: sessionOfWords(high, low), parentCreateCount, withStat }
  }

  #setData(end: number): SetDataChange | null {
    let path: string | null = ''
    let data: Uint8Array | null = null
    let version = 0
    while (from.at < end) {
      switch (from.bytes[from.at++]) {
        case setDataTags.path:
          path = from.text(end)
          if (path === null) return null
          break
        case setDataTags.data:
          data = from.part(end)
          break
        case setDataTags.version: {
          const count = from.varint()
          if (count === failed) return null
          version = signed(count)
          break
        }
        default:
          return null
      }
    }
    return from.at === end ? { kind: 'set-data', path, data, version } : null
  }

  #aclEntry(limit: number): AclEntry | null {
    const end = from.endOfPart(limit)
    if (this.#isLatestEntry(end)) {
      from.at = end
      return this.#entry
    }
    const start = from.at
    let perms = 0
    let scheme: string | null = ''
    let id: string | null = ''
    while (from.at < end) {
      switch (from.bytes[from.at++]) {
        case aclTags.perms:
          perms = from.varint()
          if (perms === failed) return null
          break
        case aclTags.scheme:
          scheme = from.text(end)
          break
        case aclTags.id:
          id = from.text(end)
          break
        default:
          return null
      }
    }
    if (from.at !== end || scheme === null || id === null) return null
    this.#entryBytes = from.bytes.slice(start, end)
    this.#entry = { perms, scheme, id }
    return this.#entry
  }

  #isLatestEntry(end: number): boolean {
    const known = this.#entryBytes
    const start = from.at
    if (this.#entry === null || known.length !== end - start) return false
    for (let i = 0; i < known.length; i += 1) if (known[i] !== from.bytes[start + i]) return false
    return true
  }
}

const reader = new UsualTxnReader()
