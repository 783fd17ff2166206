/**
 * A server without a leader changes nothing. On a read-only connection no write and no sync ever succeeds, and only such a
 * connection refuses one for that reason. In a calm ensemble every server has a leader, so no client is served
 * read-only. client-history checks that the reads show committed state.
 */
import { type ClientRequest, isWrite } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'

/** A connect response may have been under way when the calm began. */
const graceUs = 2_000_000

export function readOnlyMode(report: Report): Checker {
  const readOnlyConnections = new Set<number>()
  const asked = new Map<number, ClientRequest>()
  let calmSinceUs = Number.POSITIVE_INFINITY
  return {
    name: 'read-only-mode',
    observe({ atUs, event }) {
      if (event.kind === 'phase') calmSinceUs = event.phase === 'calm' ? atUs : Number.POSITIVE_INFINITY
      if (event.kind === 'attached' && event.readOnly) {
        readOnlyConnections.add(event.connection)
        if (atUs > calmSinceUs + graceUs) report(`connection ${event.connection} is read-only in a calm ensemble`)
      }
      if (event.kind === 'request') asked.set(event.requestId, event.request)
      if (event.kind !== 'reply') return
      const request = asked.get(event.requestId)
      asked.delete(event.requestId)
      if (request === undefined) return // session-replies reports it
      const isReadOnly = readOnlyConnections.has(event.connection)
      const changes = (isWrite(request) || request.kind === 'sync') && request.kind !== 'close-session'
      if (isReadOnly && changes && event.error !== 'not-read-only') {
        report(
          `request ${event.requestId} (${request.kind}) is answered ${event.error ?? 'ok'} on a read-only connection`,
        )
      }
      if (event.error === 'not-read-only' && !(isReadOnly && changes)) {
        report(
          `request ${event.requestId} (${request.kind}) is refused as on a read-only connection, which it is not on`,
        )
      }
    },
    finish() {},
  }
}
