/**
 * Turns a frame into a list of named fields, each with the way in which it may differ between two servers: most not at
 * all, zxids and session ids by their value but not by their meaning, lists without an order by their order.
 * A body that is no reply of the operation is kept as bytes, so that it can only be equal or different.
 */
import { createHash } from 'node:crypto'
import { Reader, readStat, type Stat } from '../raw-client.ts'
import type { Operation } from './calls.ts'

export type Field = { readonly name: string } & (
  | { readonly kind: 'exact'; readonly value: string }
  /** Of a txn: the two servers' are paired one to one. 0 and -1 stand for themselves. */
  | { readonly kind: 'zxid'; readonly value: bigint }
  /** The last zxid of the server: it never falls from one answer to the next, and includes the txns that the answer shows. */
  | { readonly kind: 'moment'; readonly value: bigint }
  /** The time of the txn `zxid`. */
  | { readonly kind: 'time'; readonly value: bigint; readonly zxid: bigint }
  | { readonly kind: 'session'; readonly value: bigint }
  | { readonly kind: 'bag'; readonly values: readonly string[] }
  | { readonly kind: 'acl'; readonly values: readonly string[] }
)

export interface Decoded {
  readonly kind: 'reply' | 'event' | 'connect-response'
  readonly fields: readonly Field[]
}

const writes: ReadonlySet<string> = new Set([
  'create',
  'create2',
  'createContainer',
  'createTTL',
  'delete',
  'setData',
  'setACL',
  'closeSession',
  'deleteContainer',
  'reconfig',
])

export function decodeEvent(frame: Buffer): Decoded {
  const reader = new Reader(frame)
  reader.int()
  const zxid = reader.long()
  const fields: Field[] = [exact('xid', -1), { kind: 'zxid', name: 'zxid', value: zxid }, exact('err', reader.int())]
  readRest(frame, 16, fields, (body) => [
    exact('type', body.int()),
    exact('state', body.int()),
    exact('path', body.ustring()),
  ])
  return { kind: 'event', fields }
}

export function decodeConnectResponse(frame: Buffer): Decoded {
  const fields: Field[] = []
  readRest(frame, 0, fields, (body) => {
    const version = exact('protocolVersion', body.int())
    const timeoutMs = exact('timeoutMs', body.int())
    const id = body.long()
    const password = body.buffer() ?? Buffer.alloc(0)
    const rest = Array.from({ length: body.remaining }, () => body.bool())
    return [
      version,
      timeoutMs,
      { kind: 'session', name: 'sessionId', value: id },
      exact('password', describePassword(id, password)),
      exact('readOnly', rest.join()),
    ]
  })
  return { kind: 'connect-response', fields }
}

export function decodeReply(frame: Buffer, operation: Operation): Decoded {
  if (frame.length < 16) return { kind: 'reply', fields: [exact('bytes', frame.toString('hex'))] }
  const reader = new Reader(frame)
  const xid = reader.int()
  const zxid = reader.long()
  const err = reader.int()
  const body: Field[] = []
  if (err !== 0 && operation.op !== 'multiRead') exactRest(frame, 16, body)
  else if (frame.length > 16) readRest(frame, 16, body, (from) => readBody(from, operation))
  const isTxn = err === 0 && (writes.has(operation.op) || (operation.op === 'multi' && !hasFailedPart(body)))
  return {
    kind: 'reply',
    fields: [
      exact('xid', xid),
      { kind: isTxn ? 'zxid' : 'moment', name: 'zxid', value: zxid },
      exact('err', err),
      ...body,
    ],
  }
}

/** ZK: SessionTrackerImpl and ZooKeeperServer.generatePasswd: java.util.Random seeded with the id, masked. */
function describePassword(id: bigint, password: Buffer): string {
  if (password.equals(passwordOf(id))) return 'that of the session'
  return password.every((byte) => byte === 0) ? `${password.length} zeros` : password.toString('hex')
}

function passwordOf(sessionId: bigint): Buffer {
  const mask = (1n << 48n) - 1n
  let state = (sessionId ^ 0xb3415c00n ^ 0x5deece66dn) & mask
  const password = Buffer.alloc(16)
  for (let word = 0; word < 4; word += 1) {
    state = (state * 0x5deece66dn + 0xbn) & mask
    password.writeUInt32LE(Number((state >> 16n) & 0xffffffffn), word * 4)
  }
  return password
}

function hasFailedPart(fields: readonly Field[]): boolean {
  return fields.some((field) => field.name.endsWith('.type') && field.kind === 'exact' && field.value === '-1')
}

/** Adds the fields that `read` finds in the rest of the frame, or the rest as bytes if it does not fit exactly. */
function readRest(frame: Buffer, offset: number, fields: Field[], read: (from: Reader) => readonly Field[]): void {
  const reader = new Reader(frame.subarray(offset))
  try {
    const found = read(reader)
    if (reader.remaining === 0) {
      fields.push(...found)
      return
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
  }
  exactRest(frame, offset, fields)
}

function exactRest(frame: Buffer, offset: number, fields: Field[]): void {
  if (frame.length > offset) fields.push(exact('bytes', frame.subarray(offset).toString('hex')))
}

function readBody(from: Reader, operation: Operation): readonly Field[] {
  switch (operation.op) {
    case 'create':
    case 'sync':
      return [exact('path', from.ustring())]
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      return [exact('path', from.ustring()), ...statFields(readStat(from), 'stat')]
    case 'exists':
    case 'setData':
    case 'setACL':
      return statFields(readStat(from), 'stat')
    case 'getData':
    case 'reconfig':
      return [dataField(from, 'data'), ...statFields(readStat(from), 'stat')]
    case 'getACL':
      return [{ kind: 'acl', name: 'acl', values: readAcl(from) }, ...statFields(readStat(from), 'stat')]
    case 'getChildren':
      return [bag('children', from.ustrings())]
    case 'getChildren2':
      return [bag('children', from.ustrings()), ...statFields(readStat(from), 'stat')]
    case 'getEphemerals':
      return [bag('ephemerals', from.ustrings())]
    case 'getAllChildrenNumber':
      return [exact('count', from.int())]
    case 'addWatch':
      return [exact('error', from.int())]
    case 'sasl':
      return [dataField(from, 'token')]
    case 'whoAmI':
      return [
        bag(
          'ids',
          Array.from({ length: from.int() }, () => `${from.ustring()}:${from.ustring()}`),
        ),
      ]
    case 'multi':
    case 'multiRead':
      return readResults(from)
    default:
      return []
  }
}

function readResults(from: Reader): readonly Field[] {
  const fields: Field[] = []
  for (let index = 0; ; index += 1) {
    const [type, isDone, err] = [from.int(), from.bool(), from.int()]
    fields.push(exact(`${index}.type`, type), exact(`${index}.done`, isDone), exact(`${index}.err`, err))
    if (isDone) return fields
    if (type === -1) fields.push(exact(`${index}.code`, from.int()))
    if (type === 1 || type === 15) fields.push(exact(`${index}.path`, from.ustring()))
    if (type === 4) fields.push(dataField(from, `${index}.data`))
    if (type === 8) fields.push(bag(`${index}.children`, from.ustrings()))
    if (type === 4 || type === 5 || type === 15) fields.push(...statFields(readStat(from), `${index}.stat`))
  }
}

function readAcl(from: Reader): readonly string[] {
  const count = from.int()
  if (count < 0) return ['null']
  return Array.from({ length: count }, () => `${from.int()} ${from.ustring()}:${from.ustring()}`)
}

function statFields(stat: Stat, name: string): readonly Field[] {
  return [
    { kind: 'zxid', name: `${name}.czxid`, value: stat.czxid },
    { kind: 'zxid', name: `${name}.mzxid`, value: stat.mzxid },
    { kind: 'time', name: `${name}.ctime`, value: stat.ctimeMs, zxid: stat.czxid },
    { kind: 'time', name: `${name}.mtime`, value: stat.mtimeMs, zxid: stat.mzxid },
    exact(`${name}.version`, stat.version),
    exact(`${name}.cversion`, stat.cversion),
    exact(`${name}.aversion`, stat.aversion),
    { kind: 'session', name: `${name}.ephemeralOwner`, value: stat.ephemeralOwner },
    exact(`${name}.dataLength`, stat.dataLength),
    exact(`${name}.numChildren`, stat.numChildren),
    { kind: 'zxid', name: `${name}.pzxid`, value: stat.pzxid },
  ]
}

function dataField(from: Reader, name: string): Field {
  const data = from.buffer()
  return exact(name, data === null ? null : `'${shortened(data)}'`)
}

function bag(name: string, values: readonly string[]): Field {
  return { kind: 'bag', name, values: [...values].sort() }
}

function exact(name: string, value: number | boolean | string | null): Field {
  return { kind: 'exact', name, value: String(value) }
}

export function fieldText(field: Field): string {
  switch (field.kind) {
    case 'exact':
      return `${field.name}=${field.value}`
    case 'bag':
    case 'acl':
      return `${field.name}=[${field.values.join(', ')}]`
    case 'time':
      return `${field.name}=${field.value}`
    default:
      return `${field.name}=${field.value < 0n ? field.value : `0x${field.value.toString(16)}`}`
  }
}

/** The value of an exact field; undefined if there is none of that name. */
export function exactValue(decoded: Decoded, name: string): string | undefined {
  const field = decoded.fields.find((each) => each.name === name)
  return field?.kind === 'exact' ? field.value : undefined
}

/** Long values by their length and hash. */
function shortened(bytes: Buffer): string {
  if (bytes.length <= 64) return bytes.toString('latin1')
  return `${bytes.length} bytes ${createHash('sha1').update(bytes).digest('hex').slice(0, 12)}`
}
