/**
 * Why the driver refuses a single request and keeps its connection: the error that the client gets, and one sentence
 * for the log line. docs/reference/log-events.md lists the same rows.
 */
import { assertNever } from '../../base/assert.ts'
import type { ErrorName } from '../../base/errors.ts'
import type { ClientLimits } from '../../config/client-limits.ts'

export const requestRefusals = {
  'request-too-large': {
    error: 'marshalling-error',
    why: 'A request is longer than jute.maxbuffer; write less in one request, split the multi, or raise jute.maxbuffer here and in the clients.',
  },
  'too-many-large-requests': {
    error: 'throttled-op',
    why: 'The large requests in flight fill largeRequestMaxBytes; send fewer at once, or raise largeRequestMaxBytes.',
  },
  'waited-too-long': {
    error: 'throttled-op',
    why: 'A request waited for longer than throttled_op_wait_time before its turn came; find out what loads this server, or raise the time.',
  },
  stale: {
    error: 'throttled-op',
    why: "A request waited for longer than its session's timeout, so its client has given up on it; find out what loads this server.",
  },
} as const satisfies Record<string, { readonly error: ErrorName; readonly why: string }>

export type RequestRefusal = keyof typeof requestRefusals

/** The limit that was exceeded, as a field with its unit; empty where the limit is the session's timeout. */
export function requestLimitOf(
  reason: RequestRefusal,
  limits: ClientLimits,
): { readonly limitBytes?: number; readonly limitMs?: number } {
  switch (reason) {
    case 'request-too-large':
      return { limitBytes: limits.frameSizeBytesMax }
    case 'too-many-large-requests':
      return { limitBytes: limits.largeRequests?.inFlightSizeBytesMax ?? 0 }
    case 'waited-too-long':
      return { limitMs: limits.requestThrottle.waitMsMax }
    case 'stale':
      return {}
    default:
      return assertNever(reason)
  }
}
