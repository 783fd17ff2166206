/**
 * The bodies of multi, both ways.
 * Decoding decides which kind of create each part is, as in ZooKeeper (ZK: MultiOperationRecord,
 * Op.Create, Op.CreateTTL). A part that it refuses while decoding fails the whole request, and nothing is executed.
 * Results are written part by part, since the Stat of a part is the state right after it, not after the txn.
 */
import { assert } from '../../base/assert.ts'
import { codeOf, type ErrorName } from '../../base/errors.ts'
import { intAt } from '../../base/int-at.ts'
import { err, ok, type Result } from '../../base/result.ts'
import { JuteReader } from '../../jute/jute-reader.ts'
import type { JuteWriter } from '../../jute/jute-writer.ts'
import type { AclWire } from './acl.ts'
import { createModeOf } from './create-mode.ts'
import { MultiHeader } from './headers.ts'
import {
  isKeeperWrite,
  isKeeperWriteOp,
  type KeeperWrite,
  type KeeperWriteOp,
  keeperWriteOpOf,
  readKeeperWrite,
  writeKeeperWrite,
} from './keeper-requests.ts'
import { opOf, ops } from './operations.ts'
import { CheckRequest, CreateRequest, CreateTtlRequest, DeleteRequest, SetDataRequest } from './requests.ts'
import { statSizeBytes } from './stat.ts'

export type CreateOpName = 'create' | 'create2' | 'createContainer' | 'createTTL'

export type MultiOp =
  | {
      readonly kind: 'create'
      readonly op: CreateOpName // after normalisation; decides the kind of znode and the form of the result
      readonly path: string
      readonly data: Uint8Array | null
      readonly acl: readonly AclWire[] | null
      readonly flags: number // 0..6, or a number that validation refuses
      readonly ttlMs: bigint // -1 unless `op` is createTTL
    }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }
  | { readonly kind: 'set-data'; readonly path: string; readonly data: Uint8Array | null; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number }
  | KeeperWrite

const endType = -1
const errorType = -1

/** Without `withKeepers` the operations of ClickHouse Keeper do not decode, as in ZooKeeper. */
export function decodeMulti(body: Uint8Array, withKeepers = false): Result<readonly MultiOp[], 'marshalling-error'> {
  const reader = new JuteReader(body)
  const multiOps: MultiOp[] = []
  for (;;) {
    const header = MultiHeader.read(reader)
    if (reader.failed) return err('marshalling-error')
    if (header.done) return ok(multiOps)
    const op = readMultiOp(reader, header.type, withKeepers)
    if (op === null || reader.failed) return err('marshalling-error')
    multiOps.push(op)
  }
}

/**
 * The body with an empty path in the place of a null one, which every write has first; null if it has a path. What stands
 * after it can then be decoded, as in ZooKeeper, where a null path decodes.
 */
export function withEmptyPath(body: Uint8Array): Uint8Array | null {
  const copy = Uint8Array.from(body)
  return emptyNullPath(copy, 0) ? copy : null
}

/** ZooKeeper decodes it up to its end, where no path matters. */
export function decodesButForNullPaths(body: Uint8Array): boolean {
  return decodeWithEmptyPaths(body).kind === 'whole'
}

/** A create without an ACL list is what ZooKeeper fails on first, with an exception that is no IOException. */
export function isMultiWithoutAcl(body: Uint8Array): boolean {
  return decodeWithEmptyPaths(body).kind === 'no-acl'
}

function decodeWithEmptyPaths(body: Uint8Array): { readonly kind: 'whole' | 'no-acl' | 'malformed' } {
  const bytes = Uint8Array.from(body)
  const reader = new JuteReader(bytes)
  for (;;) {
    const header = MultiHeader.read(reader)
    if (reader.failed) return { kind: 'malformed' }
    if (header.done) return { kind: 'whole' }
    const start = bytes.length - reader.remainingBytes
    emptyNullPath(bytes, start)
    const op = readMultiOp(reader, header.type, false)
    if (reader.failed) return { kind: 'malformed' }
    if (op === null) return { kind: isCreateWithoutAcl(bytes, start, header.type) ? 'no-acl' : 'malformed' }
  }
}

function isCreateWithoutAcl(bytes: Uint8Array, start: number, type: number): boolean {
  const name = opOf(type)
  if (name !== 'create' && name !== 'create2' && name !== 'createContainer') return false
  const { acl, flags } = CreateRequest.read(new JuteReader(bytes, start))
  return acl === null && createModeOf(flags) !== null
}

function emptyNullPath(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < 4 || intAt(bytes, at) !== -1) return false
  bytes.fill(0, at, at + 4)
  return true
}

/** The request side, for clients. */
export function writeMultiRequest(writer: JuteWriter, multiOps: readonly MultiOp[]): void {
  for (const op of multiOps) {
    MultiHeader.write(writer, { type: ops[opNameOf(op)].opcode, done: false, error: -1 })
    writeMultiOp(writer, op)
  }
  writeMultiEnd(writer)
}

/** The path follows, and for `withStat` the Stat. */
export function writeMultiCreateResult(writer: JuteWriter, path: string, stat: Uint8Array | null): void {
  // A result with a Stat has the number of create2, whichever operation made the znode (ZK: DataTree.processTxn).
  writeResultHeader(writer, ops[stat === null ? 'create' : 'create2'].opcode)
  writer.writeUstring(path)
  if (stat !== null) writeStatBytes(writer, stat)
}

export function writeMultiDeleteResult(writer: JuteWriter): void {
  writeResultHeader(writer, ops.delete.opcode)
}

export function writeMultiSetDataResult(writer: JuteWriter, stat: Uint8Array): void {
  writeResultHeader(writer, ops.setData.opcode)
  writeStatBytes(writer, stat)
}

export function writeMultiCheckResult(writer: JuteWriter): void {
  writeResultHeader(writer, ops.check.opcode)
}

/** `path` is the body of createIfNotExists alone, whether it created the znode or found it. */
export function writeMultiKeeperResult(writer: JuteWriter, op: KeeperWriteOp, path: string): void {
  writeResultHeader(writer, ops[op].opcode)
  if (op === 'createIfNotExists') writer.writeUstring(path)
}

export function writeMultiEnd(writer: JuteWriter): void {
  MultiHeader.write(writer, { type: endType, done: true, error: -1 })
}

/**
 * The whole body when part `failedIndex` was refused. The reply header before it carries no error: clients read the
 * results. Parts before the failed one have error 0 although nothing was done, and parts after it RuntimeInconsistency.
 */
export function writeMultiFailure(writer: JuteWriter, opCount: number, failedIndex: number, error: ErrorName): void {
  assert(failedIndex >= 0 && failedIndex < opCount, 'the failed part is one of them', { failedIndex, opCount })
  for (let i = 0; i < opCount; i++) {
    const code = i < failedIndex ? 0 : codeOf(i === failedIndex ? error : 'runtime-inconsistency')
    MultiHeader.write(writer, { type: errorType, done: false, error: code })
    writer.writeInt(code)
  }
  writeMultiEnd(writer)
}

export function describeMulti(multiOps: readonly MultiOp[]): string {
  return `[${multiOps.map((op) => `${op.kind === 'create' ? `${op.op} flags=${op.flags}` : op.kind} ${op.path}`).join(', ')}]`
}

function readMultiOp(reader: JuteReader, type: number, withKeepers: boolean): MultiOp | null {
  const name = opOf(type)
  switch (name) {
    case 'create':
    case 'create2':
    case 'createContainer':
      return normaliseCreate(name, CreateRequest.read(reader))
    case 'createTTL':
      return normaliseCreateTtl(CreateTtlRequest.read(reader))
    case 'delete':
      return { kind: 'delete', ...DeleteRequest.read(reader) }
    case 'setData':
      return setDataWithPath(SetDataRequest.read(reader))
    case 'check':
      return { kind: 'check', ...CheckRequest.read(reader) }
    default:
      return withKeepers && isKeeperWriteOp(name) ? readKeeperWrite(reader, name) : null
  }
}

/** As a single request a null path is a bad path; in a multi it fails the whole request (ZK: PrepRequestProcessor.getPendingChanges). */
function setDataWithPath({ path, data, version }: SetDataRequest): MultiOp | null {
  return path === null ? null : { kind: 'set-data', path, data, version }
}

function normaliseCreate(name: Exclude<CreateOpName, 'createTTL'>, request: CreateRequest): MultiOp | null {
  const mode = createModeOf(request.flags)
  // Without an ACL list ZooKeeper's builder of options throws, except for createTTL (ZK: CreateOptions.newBuilder).
  if (mode === null || mode.ttl || request.acl === null) return null
  return { kind: 'create', ...request, op: mode.container ? 'createContainer' : name, ttlMs: -1n }
}

function normaliseCreateTtl(request: CreateTtlRequest): MultiOp {
  const mode = createModeOf(request.flags)
  if (mode?.ttl === true) return { kind: 'create', ...request, op: 'createTTL' }
  // Unknown flags decode as a plain create, which validation refuses later because of them.
  return { kind: 'create', ...request, op: mode?.container === true ? 'createContainer' : 'create', ttlMs: -1n }
}

function opNameOf(op: MultiOp): CreateOpName | 'delete' | 'setData' | 'check' | KeeperWriteOp {
  if (isKeeperWrite(op)) return keeperWriteOpOf(op)
  return op.kind === 'create' ? op.op : op.kind === 'set-data' ? 'setData' : op.kind
}

function writeMultiOp(writer: JuteWriter, op: MultiOp): void {
  if (op.kind === 'create') {
    if (op.op === 'createTTL') CreateTtlRequest.write(writer, op)
    else CreateRequest.write(writer, op)
  } else if (op.kind === 'set-data') SetDataRequest.write(writer, op)
  else if (op.kind === 'delete') DeleteRequest.write(writer, op)
  else if (op.kind === 'check') CheckRequest.write(writer, op)
  else writeKeeperWrite(writer, op)
}

function writeResultHeader(writer: JuteWriter, type: number): void {
  MultiHeader.write(writer, { type, done: false, error: 0 })
}

function writeStatBytes(writer: JuteWriter, stat: Uint8Array): void {
  assert(stat.length === statSizeBytes, 'a Stat has its size', { sizeBytes: stat.length })
  writer.writeBytes(stat)
}
