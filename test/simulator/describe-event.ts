/**
 * One line of text for every event of a trace. The trace hash is computed over these lines, so what a line leaves out is
 * not compared between two runs of a seed.
 */
import { assertNever } from '../../src/base/assert.ts'
import { crc32c } from '../../src/base/crc32c.ts'
import { hexOfSession, hexOfZxid, type Zxid } from '../../src/base/ids.ts'
import type { Stat } from '../../src/protocol/client/stat.ts'
import type { Change, Txn } from '../../src/protocol/txn/txn.ts'
import type { TraceEvent } from '../../src/replica/trace-event.ts'
import type { ClientRequest, PartResult, ReplyBody, SimEvent, TraceEntry } from './sim-event.ts'

const shownDataLengthMax = 24

export function describeEntry(entry: TraceEntry): string {
  return `${(entry.atUs / 1000).toFixed(3).padStart(10)} ${describeEvent(entry.event)}`
}

export function describeEvent(event: SimEvent): string {
  switch (event.kind) {
    case 'server':
      return `server ${event.serverId} ${describeServerEvent(event.event)}`
    case 'server-started':
      return `server ${event.serverId} started`
    case 'disk-wiped':
      return `server ${event.serverId} has lost its disk`
    case 'disk-adopted':
      return `server ${event.serverId} has adopted a disk with the history up to ${hexOfZxid(event.zxid)}`
    case 'server-paused':
      return `server ${event.serverId} ${event.isPaused ? 'stands still' : 'goes on'}`
    case 'server-asked-to-stop':
      return `server ${event.serverId} is asked to stop`
    case 'server-crashed':
      return `server ${event.serverId} crashed: ${event.how}`
    case 'server-log':
      return `server ${event.serverId} log ${event.text}`
    case 'phase':
      return `phase ${event.phase}`
    case 'fault':
      return `fault ${event.text}`
    case 'backup':
      return `backup ${event.text}`
    case 'attached':
      return `client ${event.client} connection ${event.connection} attached to server ${event.serverId} session ${hexOfSession(event.sessionId)}${event.isNew ? ' (new)' : ''}${event.readOnly ? ' read-only' : ''} timeout ${event.timeoutMs} ms seen ${hexOfZxid(event.lastZxidSeen)}`
    case 'session-refused':
      return `client ${event.client} connection ${event.connection} session ${hexOfSession(event.sessionId)} refused`
    case 'request':
      return `connection ${event.connection} request ${event.requestId} xid ${event.xid} ${describeRequest(event.request)}`
    case 'reply':
      return `connection ${event.connection} reply ${event.requestId} xid ${event.xid} zxid ${zxidText(event.zxid)} ${event.error ?? describeBody(event.body)}`
    case 'watch-event':
      return `connection ${event.connection} event ${event.type} ${event.path} zxid ${zxidText(event.zxid)}`
    case 'closed':
      return `connection ${event.connection} closed by ${event.by}: ${event.reason}`
    case 'abandoned':
      return `session ${hexOfSession(event.sessionId)} abandoned`
    default:
      return assertNever(event)
  }
}

export function describeRequest(request: ClientRequest): string {
  switch (request.kind) {
    case 'create':
      return `create ${request.path} ${dataText(request.data)}${request.ephemeral ? ' ephemeral' : ''}${request.sequential ? ' sequential' : ''}${request.guarded ? ' guarded' : ''}`
    case 'delete':
    case 'check':
      return `${request.kind} ${request.path} version ${request.version}`
    case 'create-if-not-exists':
      return `create-if-not-exists ${request.path} ${dataText(request.data)}${request.ephemeral ? ' ephemeral' : ''}`
    case 'try-remove':
      return `try-remove ${request.path} version ${request.version}`
    case 'remove-recursive':
      return `remove-recursive ${request.path} at most ${request.countMax}`
    case 'set-data':
      return `set-data ${request.path} ${dataText(request.data)} version ${request.version}`
    case 'multi':
      return `multi [${request.parts.map(describeRequest).join('; ')}]`
    case 'exists':
    case 'get-data':
    case 'get-children':
    case 'get-children2':
      return `${request.kind} ${request.path}${request.watch ? ' watch' : ''}`
    case 'set-watches':
      return `set-watches since ${zxidText(request.relativeZxid)} data [${request.data}] exist [${request.exist}] child [${request.child}]`
    case 'sync':
      return `sync ${request.path}`
    case 'ping':
    case 'close-session':
      return request.kind
    case 'backup':
      return request.op
    default:
      return assertNever(request)
  }
}

export function describeBody(body: ReplyBody): string {
  switch (body.kind) {
    case 'none':
      return 'ok'
    case 'created':
      return `created ${body.path}${body.stat === null ? '' : ` ${statText(body.stat)}`}`
    case 'stat':
      return statText(body.stat)
    case 'data':
      return `${dataText(body.data)} ${statText(body.stat)}`
    case 'children':
      return `[${body.names}]${body.stat === null ? '' : ` ${statText(body.stat)}`}`
    case 'multi':
      return `results [${body.results.map(describeResult).join('; ')}]`
    case 'bytes':
      return `${body.bytes.length} bytes, CRC ${crc32c(body.bytes).toString(16)}`
    default:
      return assertNever(body)
  }
}

export function describeTxn(txn: Txn): string {
  return `${hexOfSession(txn.sessionId)}${txn.isMulti ? ' multi' : ''} time ${txn.timeMs} [${txn.changes.map(describeChange).join('; ')}]`
}

function describeServerEvent(event: TraceEvent): string {
  switch (event.kind) {
    case 'role-changed':
      return `${event.role} epoch ${event.epoch}`
    case 'established':
      return `established epoch ${event.epoch}`
    case 'durable':
    case 'committed':
      return `${event.kind} ${hexOfZxid(event.zxid)}`
    case 'installed':
      return `installed ${hexOfZxid(event.zxid)} digest ${event.digest}`
    case 'applied':
      return `applied ${hexOfZxid(event.zxid)} digest ${event.digest} ${describeTxn(event.txn)}`
    case 'local-session-ended':
      return `local session ${hexOfSession(event.sessionId)} ${event.how}`
    case 'clients-kept':
      return `kept ${event.count} clients`
    case 'client-cut':
      return `cuts the client of session ${hexOfSession(event.sessionId)}: ${event.why}`
    case 'link':
      return `link to server ${event.peer} ${event.isUp ? 'up' : 'closed'}`
    case 'session-expiring':
      return `expiring session ${hexOfSession(event.sessionId)}`
    default:
      return assertNever(event)
  }
}

function describeChange(change: Change): string {
  switch (change.kind) {
    case 'create':
      return `create ${change.path} ${dataText(textOfData(change.data))} owner ${hexOfSession(change.ephemeralOwner)} count ${change.parentCreateCount}`
    case 'set-data':
      return `set-data ${change.path} ${dataText(textOfData(change.data))} version ${change.version}`
    case 'set-acl':
      return `set-acl ${change.path} aversion ${change.aversion}`
    case 'delete':
    case 'check':
      return `${change.kind} ${change.path}`
    case 'bundle':
      return `${change.op} ${change.path} [${change.changes.map(describeChange).join('; ')}]`
    case 'refusal':
      return `refusal ${change.error ?? 'of a multi'}`
    case 'create-session':
      return `create-session ${hexOfSession(change.sessionId)} timeout ${change.timeoutMs} ms`
    case 'close-session':
      return `close-session ${hexOfSession(change.sessionId)} deletes [${change.deletedPaths}]`
    default:
      return assertNever(change)
  }
}

/** Requests write ASCII only, so bytes and characters are one to one. */
export function textOfData(data: Uint8Array | null): string | null {
  return data === null ? null : Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1')
}

function describeResult(result: PartResult): string {
  switch (result.kind) {
    case 'create':
      return `created ${result.path}`
    case 'set-data':
      return statText(result.stat)
    case 'error':
      return `error ${result.code}`
    default:
      return result.kind
  }
}

function dataText(data: string | null): string {
  if (data === null) return 'null'
  return data.length <= shownDataLengthMax ? `"${data}"` : `"${data.slice(0, shownDataLengthMax)}…" (${data.length})`
}

function zxidText(zxid: number): string {
  return zxid < 0 ? String(zxid) : hexOfZxid(zxid as Zxid)
}

function statText(stat: Stat): string {
  return `stat(c=${zxidText(stat.czxid)} m=${zxidText(stat.mzxid)} p=${zxidText(stat.pzxid)} v=${stat.version} cv=${stat.cversion} av=${stat.aversion} ct=${stat.ctime} mt=${stat.mtime} owner=${hexOfSession(stat.ephemeralOwner)} len=${stat.dataLength} children=${stat.numChildren})`
}
