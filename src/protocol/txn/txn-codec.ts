/**
 * Txn ↔ bytes, as proposals and the log carry them. Assumes that a zkts server wrote the bytes
 * and that their checksum was correct. Bytes that do not decode are corruption that the checksum missed, so they are
 * an invariant violation, not a refusal.
 */
import protobuf from 'protobufjs'
import { assert, assertNever } from '../../base/assert.ts'
import { codeOf, errorNameOf } from '../../base/errors.ts'
import type { ServerId, SessionId } from '../../base/ids.ts'
import { isKeeperWriteOp } from '../client/keeper-requests.ts'
import { opOf, ops } from '../client/operations.ts'
import { schema } from '../schema.ts'
import { highWordOf, lowWordOf, sessionOfWords } from '../session-words.ts'
import type { AclEntry, BundledChange, Change, Txn } from './txn.ts'
import { decodeUsualTxn } from './usual-txn-decoder.ts'
import { encodeUsualTxn } from './usual-txn-encoder.ts'

const txnType = schema.lookupType('Txn')

/**
 * protobufjs writes the code of a type when the type is first used. A follower encodes no txn, and decodes the usual ones
 * without protobufjs, so it would do this when it becomes the leader: 4 to 7 ms during which its clients wait.
 */
export function compileTxnCodec(): void {
  for (const type of schema.nestedArray) if (type instanceof protobuf.Type && !isCompiled(type)) type.setup()
}

function isCompiled(type: protobuf.Type): boolean {
  return Object.hasOwn(type, 'encode')
}

export function encodeTxn(txn: Txn): Uint8Array {
  return encodeUsualTxn(txn) ?? encodeAnyTxn(txn)
}

/** As `encodeTxn`, without the shorter way for the usual ones: each gives the same. */
export function encodeAnyTxn(txn: Txn): Uint8Array {
  return txnType
    .encode({
      timeMs: txn.timeMs,
      sessionHigh: highWordOf(txn.sessionId),
      sessionLow: lowWordOf(txn.sessionId),
      origin: txn.origin,
      isMulti: txn.isMulti,
      changes: txn.changes.map(changeToWire),
    })
    .finish()
}

/** Of the double `time_ms`, which encodeTxn writes first unless it is 0. */
const timeTag = 0x09
const timeBytes = new Uint8Array(8)
const timeView = new DataView(timeBytes.buffer)

/** The time of an encoded txn, without decoding the rest: a follower notes it for every proposal that it receives. */
export function timeOfTxn(bytes: Uint8Array): number {
  if (bytes[0] !== timeTag) return 0
  assert(bytes.length > 8, 'a txn holds its whole time', { sizeBytes: bytes.length })
  for (let i = 0; i < 8; i++) timeBytes[i] = bytes[i + 1]!
  return timeView.getFloat64(0, true)
}

/** `data` fields of the result are views into `bytes`. */
export function decodeTxn(bytes: Uint8Array): Txn {
  return decodeUsualTxn(bytes) ?? decodeAnyTxn(bytes)
}

/** As `decodeTxn`, without the shorter way for the usual ones: each gives the same. */
export function decodeAnyTxn(bytes: Uint8Array): Txn {
  const decoded: object = txnType.decode(bytes)
  const wire = decoded as WireTxn
  return {
    timeMs: wire.timeMs,
    sessionId: sessionOfWords(wire.sessionHigh, wire.sessionLow),
    origin: wire.origin
      ? {
          serverId: wire.origin.serverId as ServerId,
          incarnation: wire.origin.incarnation,
          sequence: wire.origin.sequence,
        }
      : null,
    isMulti: wire.isMulti,
    changes: wire.changes.map(changeOfWire),
  }
}

function changeToWire(change: Change): object {
  switch (change.kind) {
    case 'create':
      return {
        create: {
          path: change.path,
          data: change.data,
          acl: change.acl,
          ownerHigh: highWordOf(change.ephemeralOwner),
          ownerLow: lowWordOf(change.ephemeralOwner),
          parentCreateCount: change.parentCreateCount,
          withStat: change.withStat,
        },
      }
    case 'delete':
      return { delete: change }
    case 'set-data':
      return { setData: change }
    case 'set-acl':
      return { setAcl: change }
    case 'check':
      return { check: change }
    case 'bundle':
      return { bundle: { type: ops[change.op].opcode, path: change.path, changes: change.changes.map(changeToWire) } }
    case 'refusal':
      return { refusal: { code: change.error === null ? 0 : codeOf(change.error), body: change.body } }
    case 'create-session':
      return { createSession: { ...sessionWords(change.sessionId), timeoutMs: change.timeoutMs } }
    case 'close-session':
      return { closeSession: { ...sessionWords(change.sessionId), deletedPaths: change.deletedPaths } }
    default:
      return assertNever(change)
  }
}

function changeOfWire(wire: WireChange): Change {
  if (wire.setData) {
    return { kind: 'set-data', path: wire.setData.path, data: wire.setData.data ?? null, version: wire.setData.version }
  }
  if (wire.create) {
    const { path, data, acl, ownerHigh, ownerLow, parentCreateCount, withStat } = wire.create
    const ephemeralOwner = sessionOfWords(ownerHigh, ownerLow)
    return {
      kind: 'create',
      path,
      data: data ?? null,
      acl: aclOfWire(acl),
      ephemeralOwner,
      parentCreateCount,
      withStat,
    }
  }
  if (wire.delete) return { kind: 'delete', path: wire.delete.path }
  if (wire.setAcl) {
    return { kind: 'set-acl', path: wire.setAcl.path, acl: aclOfWire(wire.setAcl.acl), aversion: wire.setAcl.aversion }
  }
  if (wire.check) return { kind: 'check', path: wire.check.path }
  if (wire.bundle) return bundleOfWire(wire.bundle)
  if (wire.refusal) return refusalOfWire(wire.refusal)
  if (wire.createSession) {
    const { sessionHigh, sessionLow, timeoutMs } = wire.createSession
    return { kind: 'create-session', sessionId: sessionOfWords(sessionHigh, sessionLow), timeoutMs }
  }
  assert(wire.closeSession !== undefined && wire.closeSession !== null, 'a stored change has a known kind')
  const { sessionHigh, sessionLow, deletedPaths } = wire.closeSession
  return { kind: 'close-session', sessionId: sessionOfWords(sessionHigh, sessionLow), deletedPaths }
}

function bundleOfWire({ type, path, changes }: WireBundle): Change {
  const op = opOf(type)
  assert(isKeeperWriteOp(op), 'a stored bundle names its operation', { type })
  return { kind: 'bundle', op, path, changes: changes.map(bundledOfWire) }
}

function refusalOfWire({ code, body }: WireRefusal): Change {
  const error = code === 0 ? null : errorNameOf(code)
  assert(error !== null || code === 0, 'a stored refusal names its error', { code })
  return { kind: 'refusal', error, body: body ?? null }
}

function bundledOfWire(wire: WireChange): BundledChange {
  const change = changeOfWire(wire)
  assert(change.kind === 'create' || change.kind === 'delete', 'a bundle creates and deletes', { kind: change.kind })
  return change
}

function aclOfWire(acl: readonly AclEntry[]): readonly AclEntry[] {
  return acl.map(({ perms, scheme, id }) => ({ perms, scheme, id }))
}

function sessionWords(sessionId: SessionId): WireSession {
  return { sessionHigh: highWordOf(sessionId), sessionLow: lowWordOf(sessionId) }
}

interface WireSession {
  readonly sessionHigh: number
  readonly sessionLow: number
}

interface WireTxn extends WireSession {
  readonly timeMs: number
  readonly origin?: { readonly serverId: number; readonly incarnation: number; readonly sequence: number } | null
  readonly isMulti: boolean
  readonly changes: readonly WireChange[]
}

interface WireBundle {
  readonly type: number
  readonly path: string
  readonly changes: readonly WireChange[]
}

interface WireRefusal {
  readonly code: number
  readonly body?: Uint8Array | null
}

interface WireChange {
  readonly bundle?: WireBundle | null
  readonly refusal?: WireRefusal | null
  readonly create?: {
    readonly path: string
    readonly data?: Uint8Array | null
    readonly acl: readonly AclEntry[]
    readonly ownerHigh: number
    readonly ownerLow: number
    readonly parentCreateCount: number
    readonly withStat: boolean
  } | null
  readonly delete?: { readonly path: string } | null
  readonly setData?: { readonly path: string; readonly data?: Uint8Array | null; readonly version: number } | null
  readonly setAcl?: { readonly path: string; readonly acl: readonly AclEntry[]; readonly aversion: number } | null
  readonly check?: { readonly path: string } | null
  readonly createSession?: (WireSession & { readonly timeoutMs: number }) | null
  readonly closeSession?: (WireSession & { readonly deletedPaths: readonly string[] }) | null
}
