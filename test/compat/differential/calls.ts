/**
 * The requests to the two servers, as plain values: the same for both, printable, and independent of the ids, zxids and
 * folders of one run. Owns: the vocabulary of steps and calls, and their bytes.
 * A value that differs from server to server has a name that is replaced when the step is played: a session its number,
 * a zxid its distance from the latest, the folder of a run `top`.
 */
import { opcodes, Writer } from '../raw-client.ts'

/** Stands for the folder of the run; replaced by a name of the same length, so that byte counts stay. */
export const top = '/~top'

/** ZK: jute.maxbuffer, inclusive. */
export const frameSizeBytesMax = 0xfffff

/** A string of the wire: null, text, or bytes that need not be UTF-8. */
export type Text = string | null | { readonly hex: string }
/** Data of the wire: null, text, or one character many times. */
export type Data = string | null | { readonly repeat: string; readonly count: number }

export interface Acl {
  readonly perms: number
  readonly scheme: string | null
  readonly id: string | null
}

/** A zxid that a server gave out, counted back from the latest that both gave; or a number. */
export type ZxidRef = { readonly back: number } | { readonly number: string }

export interface CreateCall {
  readonly op: 'create' | 'create2' | 'createContainer' | 'createTTL'
  readonly path: Text
  readonly data: Data
  readonly acl: readonly Acl[] | null
  readonly flags: number
  readonly ttl?: string
}

export type Operation =
  | CreateCall
  | { readonly op: 'delete' | 'check'; readonly path: Text; readonly version: number }
  | {
      readonly op: 'exists' | 'getData' | 'getChildren' | 'getChildren2'
      readonly path: Text
      readonly watch: number
    }
  | { readonly op: 'setData'; readonly path: Text; readonly data: Data; readonly version: number }
  | { readonly op: 'setACL'; readonly path: Text; readonly acl: readonly Acl[] | null; readonly version: number }
  | { readonly op: 'getACL' | 'sync' | 'getAllChildrenNumber' | 'getEphemerals'; readonly path: Text }
  | { readonly op: 'deleteContainer'; readonly path: Text }
  | { readonly op: 'ping' | 'whoAmI' | 'closeSession' }
  | { readonly op: 'multi' | 'multiRead'; readonly parts: readonly Operation[]; readonly isEnded: boolean }
  | { readonly op: 'checkWatches' | 'removeWatches' | 'addWatch'; readonly path: Text; readonly type: number }
  | {
      readonly op: 'setWatches' | 'setWatches2'
      readonly since: ZxidRef
      readonly lists: readonly (readonly Text[] | null)[]
    }
  | { readonly op: 'auth'; readonly scheme: Text; readonly auth: Data }
  | { readonly op: 'reconfig'; readonly members: readonly Text[]; readonly version: string }
  | { readonly op: 'createSession'; readonly timeoutMs: number }
  | { readonly op: 'sasl'; readonly token: Data }
  | { readonly op: 'unknown'; readonly type: number; readonly body: string }

export type OperationName = Operation['op']

export interface Call {
  readonly xid: number
  readonly operation: Operation
  /** The number of bytes that are cut from the end of the body. */
  readonly cutBytes?: number
  /** Hexadecimal bytes that follow the body. */
  readonly trailing?: string
}

export interface ConnectStep {
  readonly kind: 'connect'
  readonly slot: number
  /** The index in the ensemble; the last server leads. */
  readonly server: number
  /** 'new', or the number of a session made earlier. */
  readonly session: number | 'new'
  /** The number that a new session gets. */
  readonly gives: number
  readonly password: 'right' | 'wrong' | 'empty' | 'null' | 'short'
  readonly timeoutMs: number
  readonly readOnly: 'no' | 'yes' | 'absent'
  readonly lastZxid: ZxidRef
  /** Sent directly after the connect request, without waiting for its reply. */
  readonly calls: readonly Call[]
}

export type Step =
  | { readonly kind: 'requests'; readonly slot: number; readonly calls: readonly Call[] }
  | ConnectStep
  /** The client closes its socket. */
  | { readonly kind: 'drop'; readonly slot: number }
  /** Not a request: hexadecimal bytes as they are. */
  | { readonly kind: 'bytes'; readonly slot: number; readonly hex: string }

export const opcodeOf: Readonly<Record<Exclude<OperationName, 'unknown'>, number>> = opcodes

/** How one server fills in what differs from run to run. */
export interface Filling {
  /** As long as `top`. */
  readonly top: string
  zxid(ref: ZxidRef): bigint
}

/** The whole frame. */
export function frameOf(call: Call, filling: Filling): Buffer {
  const { operation } = call
  const opcode = operation.op === 'unknown' ? operation.type : opcodeOf[operation.op]
  const writer = new Writer()
  writeBody(writer, operation, filling)
  const body = writer.bytes()
  const kept = body.subarray(0, Math.max(0, body.length - (call.cutBytes ?? 0)))
  return new Writer()
    .int(call.xid)
    .int(opcode)
    .raw(kept)
    .raw(Buffer.from(call.trailing ?? '', 'hex'))
    .frame()
}

function writeBody(writer: Writer, operation: Operation, filling: Filling): void {
  switch (operation.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      text(writer, operation.path, filling)
      data(writer, operation.data)
      acls(writer, operation.acl)
      writer.int(operation.flags)
      if (operation.op === 'createTTL') writer.long(BigInt(operation.ttl ?? '-1'))
      return
    case 'delete':
    case 'check':
      text(writer, operation.path, filling)
      writer.int(operation.version)
      return
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
      text(writer, operation.path, filling)
      writer.raw(Buffer.from([operation.watch]))
      return
    case 'setData':
      text(writer, operation.path, filling)
      data(writer, operation.data)
      writer.int(operation.version)
      return
    case 'setACL':
      text(writer, operation.path, filling)
      acls(writer, operation.acl)
      writer.int(operation.version)
      return
    case 'multi':
    case 'multiRead':
      for (const part of operation.parts) {
        const type = part.op === 'unknown' ? part.type : opcodeOf[part.op]
        writer.int(type).bool(false).int(-1)
        writeBody(writer, part, filling)
      }
      if (operation.isEnded) writer.int(-1).bool(true).int(-1)
      return
    case 'checkWatches':
    case 'removeWatches':
    case 'addWatch':
      text(writer, operation.path, filling)
      writer.int(operation.type)
      return
    case 'setWatches':
    case 'setWatches2':
      writer.long(filling.zxid(operation.since))
      for (const list of operation.lists) texts(writer, list, filling)
      return
    case 'getACL':
    case 'sync':
    case 'getAllChildrenNumber':
    case 'getEphemerals':
    case 'deleteContainer':
      text(writer, operation.path, filling)
      return
    default:
      writeRareBody(writer, operation)
  }
}

function writeRareBody(writer: Writer, operation: Operation): void {
  switch (operation.op) {
    case 'auth':
      writer.int(0)
      text(writer, operation.scheme, null)
      data(writer, operation.auth)
      return
    case 'sasl':
      data(writer, operation.token)
      return
    case 'reconfig':
      for (const each of operation.members) text(writer, each, null)
      writer.long(BigInt(operation.version))
      return
    case 'createSession':
      writer.int(operation.timeoutMs)
      return
    case 'unknown':
      writer.raw(Buffer.from(operation.body, 'hex'))
      return
    default: // ping, whoAmI and closeSession have no body
  }
}

function text(writer: Writer, value: Text, filling: Filling | null): void {
  if (value === null) writer.int(-1)
  else if (typeof value === 'string') writer.ustring(filling === null ? value : value.replaceAll(top, filling.top))
  else writer.buffer(Buffer.from(value.hex, 'hex'))
}

function texts(writer: Writer, values: readonly Text[] | null, filling: Filling): void {
  writer.int(values === null ? -1 : values.length)
  for (const value of values ?? []) text(writer, value, filling)
}

function data(writer: Writer, value: Data): void {
  if (value === null) writer.int(-1)
  else writer.ustring(typeof value === 'string' ? value : value.repeat.repeat(value.count))
}

function acls(writer: Writer, values: readonly Acl[] | null): void {
  writer.int(values === null ? -1 : values.length)
  for (const { perms, scheme, id } of values ?? []) {
    writer.int(perms)
    text(writer, scheme, null)
    text(writer, id, null)
  }
}

/** One line, for reports. */
export function describeCall({ xid, operation, cutBytes, trailing }: Call): string {
  const { op, ...rest } = operation
  const fields = JSON.stringify(rest)
  const shown = fields.length > 1200 ? `${fields.slice(0, 1200)}… (${fields.length})` : fields
  const cut = cutBytes === undefined ? '' : ` cut by ${cutBytes} bytes`
  return `#${xid} ${op} ${shown}${cut}${trailing === undefined ? '' : ` followed by 0x${trailing}`}`
}

export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'requests':
      return `connection ${step.slot} asks\n${step.calls.map((call) => `    ${describeCall(call)}`).join('\n')}`
    case 'connect': {
      const { kind, slot, calls, ...rest } = step
      const listed = calls.map((call) => `\n    ${describeCall(call)}`).join('')
      return `connection ${slot} ${kind}s ${JSON.stringify(rest)}${listed}`
    }
    case 'drop':
      return `connection ${step.slot} is dropped by its client`
    case 'bytes':
      return `connection ${step.slot} sends 0x${step.hex}`
    default:
      return step satisfies never
  }
}
