/**
 * The one renderer of client requests and replies, for traces, assertions and logs.
 * Assumes nothing about the bytes: a body that does not decode is described as malformed. Contents of data and
 * credentials never appear, only their sizes.
 */
import type { ErrorName } from '../../base/errors.ts'
import { decode } from '../../jute/record.ts'
import { decodeMulti, describeMulti } from './multi.ts'
import { opOf, ops } from './operations.ts'

/** As in `7 getData path=/a watch=true`. */
export function describeRequest(xid: number, type: number, body: Uint8Array): string {
  const op = opOf(type)
  if (op === null) return `${xid} opcode ${type} <${body.length} bytes>`
  if (op === 'multi') {
    const decoded = decodeMulti(body, true)
    return `${xid} multi ${decoded.ok ? describeMulti(decoded.value) : malformed(body)}`
  }
  const codec = ops[op].request
  if (codec === null) return `${xid} ${op}`
  const decoded = decode(codec, body)
  return `${xid} ${op} ${decoded.ok ? codec.describe(decoded.value) : malformed(body)}`
}

/** As in `7 zxid=0x100000002 no-node`. The body is not decoded, since a reply does not name its operation. */
export function describeReply(xid: number, zxid: number, error: ErrorName | null, body: Uint8Array | null): string {
  const outcome = error ?? `ok${body === null ? '' : ` <${body.length} bytes>`}`
  return `${xid} zxid=${zxid < 0 ? String(zxid) : `0x${zxid.toString(16)}`} ${outcome}`
}

function malformed(body: Uint8Array): string {
  return `<malformed, ${body.length} bytes>`
}
