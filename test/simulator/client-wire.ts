/**
 * The client's side of ZooKeeper's wire, as the simulator needs it: every frame becomes a value that checkers
 * can compare. Built from the same records as the server's side. The recorded frames of the codec
 * tests and the stock clients prove that these records are right.
 */
import { assertNever } from '../../src/base/assert.ts'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import { JuteReader } from '../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { ConnectRequest } from '../../src/protocol/client/connect.ts'
import { authXid, MultiHeader, pingXid, setWatchesXid } from '../../src/protocol/client/headers.ts'
import { RemoveRecursiveRequest } from '../../src/protocol/client/keeper-requests.ts'
import { type MultiOp, writeMultiRequest } from '../../src/protocol/client/multi.ts'
import { opOf, ops } from '../../src/protocol/client/operations.ts'
import * as replies from '../../src/protocol/client/replies.ts'
import * as requests from '../../src/protocol/client/requests.ts'
import { Stat } from '../../src/protocol/client/stat.ts'
import { textOfData } from './describe-event.ts'
import { type ClientRequest, type PartResult, type ReplyBody, userOfSession, type WriteRequest } from './sim-event.ts'

const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const ephemeralFlag = 1
const sequentialFlag = 2
const guardedAcl = [
  { perms: 1, scheme: 'world', id: 'anyone' },
  { perms: 31, scheme: 'auth', id: '' },
]

export function encodeConnect(request: {
  readonly lastZxidSeen: Zxid
  readonly timeoutMs: number
  readonly sessionId: SessionId
  readonly password: Uint8Array
  readonly canBeReadOnly: boolean
}): Uint8Array {
  const writer = startFrame()
  ConnectRequest.write(writer, {
    protocolVersion: 0,
    lastZxidSeen: BigInt(request.lastZxidSeen),
    timeoutMs: request.timeoutMs,
    sessionId: request.sessionId,
    password: request.password,
    readOnly: request.canBeReadOnly,
  })
  return endFrame(writer)
}

/** The first frame of a session on a connection. */
export function encodeAuth(sessionId: SessionId): Uint8Array {
  return encodeCredentials('digest', Uint8Array.from(Buffer.from(`${userOfSession(sessionId)}:password`)))
}

export function encodeCredentials(scheme: string, auth: Uint8Array): Uint8Array {
  const writer = startFrame()
  writer.writeInt(authXid)
  writer.writeInt(ops.auth.opcode)
  requests.AuthRequest.write(writer, { type: 0, scheme, auth })
  return endFrame(writer)
}

export function encodeRequest(xid: number, request: ClientRequest): Uint8Array {
  const writer = startFrame()
  writer.writeInt(xid)
  writer.writeInt(opcodeOf(request))
  writeBody(writer, request)
  return endFrame(writer)
}

/** Requests with a meaning of their own carry it in the xid; null: the next number. */
export function fixedXidOf(request: ClientRequest): number | null {
  if (request.kind === 'ping') return pingXid
  return request.kind === 'set-watches' ? setWatchesXid : null
}

/** The body of a reply without error; null if it does not fit the request. */
export function decodeReplyBody(request: ClientRequest, bytes: Uint8Array): ReplyBody | null {
  if (request.kind === 'backup') return { kind: 'bytes', bytes }
  const reader = new JuteReader(bytes)
  const body = readReplyBody(request, reader)
  return reader.failed || reader.remainingBytes > 0 ? null : body
}

function startFrame(): JuteWriter {
  const writer = new JuteWriter()
  writer.writeInt(0) // the length, known at the end
  return writer
}

function endFrame(writer: JuteWriter): Uint8Array {
  writer.patchInt(0, writer.lengthBytes - 4)
  return writer.take()
}

function opcodeOf(request: ClientRequest): number {
  switch (request.kind) {
    case 'create':
      return ops[request.withStat ? 'create2' : 'create'].opcode
    case 'delete':
      return ops.delete.opcode
    case 'set-data':
      return ops.setData.opcode
    case 'check':
      return ops.check.opcode
    case 'create-if-not-exists':
      return ops.createIfNotExists.opcode
    case 'try-remove':
      return ops.tryRemove.opcode
    case 'remove-recursive':
      return ops.removeRecursive.opcode
    case 'multi':
      return ops.multi.opcode
    case 'exists':
      return ops.exists.opcode
    case 'get-data':
      return ops.getData.opcode
    case 'get-children':
      return ops.getChildren.opcode
    case 'get-children2':
      return ops.getChildren2.opcode
    case 'set-watches':
      return ops.setWatches.opcode
    case 'sync':
      return ops.sync.opcode
    case 'ping':
      return ops.ping.opcode
    case 'close-session':
      return ops.closeSession.opcode
    case 'backup':
      return ops[request.op].opcode
    default:
      return assertNever(request)
  }
}

function writeBody(writer: JuteWriter, request: ClientRequest): void {
  switch (request.kind) {
    case 'create':
      return requests.CreateRequest.write(writer, {
        path: request.path,
        data: bytesOf(request.data),
        acl: request.guarded ? guardedAcl : openAcl,
        flags: flagsOf(request),
      })
    case 'create-if-not-exists':
      return requests.CreateRequest.write(writer, {
        path: request.path,
        data: bytesOf(request.data),
        acl: openAcl,
        flags: request.ephemeral ? ephemeralFlag : 0,
      })
    case 'remove-recursive':
      return RemoveRecursiveRequest.write(writer, request)
    case 'delete':
    case 'try-remove':
      return requests.DeleteRequest.write(writer, request)
    case 'check':
      return requests.CheckRequest.write(writer, request)
    case 'set-data':
      return requests.SetDataRequest.write(writer, {
        path: request.path,
        data: bytesOf(request.data),
        version: request.version,
      })
    case 'multi':
      return writeMultiRequest(writer, request.parts.map(multiOpOf))
    case 'set-watches':
      return requests.SetWatchesRequest.write(writer, {
        relativeZxid: request.relativeZxid,
        dataWatches: request.data,
        existWatches: request.exist,
        childWatches: request.child,
      })
    case 'sync':
      return requests.SyncRequest.write(writer, request)
    case 'ping':
    case 'close-session':
      return
    case 'backup':
      return writer.writeBytes(request.bytes)
    default:
      return requests.WatchableRequest.write(writer, request)
  }
}

function multiOpOf(part: WriteRequest): MultiOp {
  if (part.kind === 'set-data') return { ...part, data: bytesOf(part.data) }
  if (part.kind === 'create-if-not-exists') {
    return { ...part, data: bytesOf(part.data), acl: openAcl, flags: part.ephemeral ? ephemeralFlag : 0 }
  }
  if (part.kind !== 'create') return part
  return {
    kind: 'create',
    op: part.withStat ? 'create2' : 'create',
    path: part.path,
    data: bytesOf(part.data),
    acl: part.guarded ? guardedAcl : openAcl,
    flags: flagsOf(part),
    ttlMs: -1n,
  }
}

function flagsOf(request: { readonly ephemeral: boolean; readonly sequential: boolean }): number {
  return (request.ephemeral ? ephemeralFlag : 0) + (request.sequential ? sequentialFlag : 0)
}

function bytesOf(data: string | null): Uint8Array | null {
  return data === null ? null : Uint8Array.from(Buffer.from(data, 'latin1'))
}

function readReplyBody(request: ClientRequest, reader: JuteReader): ReplyBody {
  switch (request.kind) {
    case 'create': {
      const path = replies.CreateReply.read(reader).path
      return { kind: 'created', path, stat: request.withStat ? Stat.read(reader) : null }
    }
    case 'create-if-not-exists':
      return { kind: 'created', path: replies.CreateReply.read(reader).path, stat: null }
    case 'exists':
    case 'set-data':
      return { kind: 'stat', stat: Stat.read(reader) }
    case 'get-data': {
      const { data, stat } = replies.GetDataReply.read(reader)
      return { kind: 'data', data: textOfData(data), stat }
    }
    case 'get-children':
      return { kind: 'children', names: replies.GetChildrenReply.read(reader).children ?? [], stat: null }
    case 'get-children2': {
      const { children, stat } = replies.GetChildren2Reply.read(reader)
      return { kind: 'children', names: children ?? [], stat }
    }
    case 'multi':
      return { kind: 'multi', results: readResults(reader) }
    case 'sync':
      replies.SyncReply.read(reader)
      return { kind: 'none' }
    default:
      return { kind: 'none' }
  }
}

function readResults(reader: JuteReader): readonly PartResult[] {
  const results: PartResult[] = []
  for (;;) {
    const header = MultiHeader.read(reader)
    if (reader.failed || header.done) return results
    const name = opOf(header.type)
    if (name === 'create') results.push({ kind: 'create', path: replies.CreateReply.read(reader).path, stat: null })
    else if (name === 'create2') results.push({ kind: 'create', ...replies.CreateWithStatReply.read(reader) })
    else if (name === 'delete') results.push({ kind: 'delete' })
    else if (name === 'setData') results.push({ kind: 'set-data', stat: Stat.read(reader) })
    else if (name === 'check') results.push({ kind: 'check' })
    else if (name === 'tryRemove') results.push({ kind: 'try-remove', path: null })
    else if (name === 'removeRecursive') results.push({ kind: 'remove-recursive', path: null })
    else if (name === 'createIfNotExists') {
      results.push({ kind: 'create-if-not-exists', path: replies.CreateReply.read(reader).path })
    } else results.push({ kind: 'error', code: reader.readInt() })
  }
}
