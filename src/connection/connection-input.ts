/**
 * The inputs that a connection parses from the bytes of its client, for the driver to act on. A body is a copy and may
 * be kept; no field points into the chunk that was read.
 */
import type { AdminWord } from '../base/admin-words.ts'
import { assertNever } from '../base/assert.ts'
import { hexOfSession } from '../base/ids.ts'
import type { ClientRequest } from '../protocol/client/client-request.ts'
import type { ConnectRequest } from '../protocol/client/connect.ts'
import { describeRequest } from '../protocol/client/describe.ts'
import type { CloseReason } from './close-reason.ts'
import type { SkipReason } from './skipped-frame.ts'

export type ConnectionInput =
  | {
      readonly kind: 'four-letter-word'
      readonly word: AdminWord
      readonly traceMask: bigint | null // only `stmk` brings one
    }
  | { readonly kind: 'connect'; readonly request: ConnectRequest } // at most once
  | ClientRequest
  /** Its frame was skipped. The driver logs one line; the request is answered with an error, in request order. */
  | {
      readonly kind: 'skipped-request'
      readonly request: ClientRequest // without a body
      readonly reason: SkipReason
      readonly path: string | null
      readonly frameSizeBytes: number
    }
  | { readonly kind: 'refused'; readonly reason: CloseReason } // the driver logs one line and closes

/** One line for traces. */
export function describeConnectionInput(input: ConnectionInput): string {
  switch (input.kind) {
    case 'four-letter-word':
      return `word ${input.word}`
    case 'connect':
      return `connect session=${hexOfSession(input.request.sessionId)} timeoutMs=${input.request.timeoutMs}`
    case 'request':
      return describeRequest(input.xid, input.opcode, input.body)
    case 'skipped-request': {
      const { request, reason, frameSizeBytes, path } = input
      return `${request.xid} ${request.op?.name} skipped ${reason} sizeBytes=${frameSizeBytes} path=${path ?? '-'}`
    }
    case 'refused':
      return `refused ${input.reason}`
    default:
      return assertNever(input)
  }
}
