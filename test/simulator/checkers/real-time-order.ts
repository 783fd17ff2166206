/**
 * Zxid order extends real time: a write that was asked for after another was acknowledged
 * comes after it, and a sync, or any read with `linearizableReads`, shows what was acknowledged before it began.
 */
import { hexOfZxid, type Zxid } from '../../../src/base/ids.ts'
import { type ClientRequest, isDoneWrite, isWrite } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'

export interface RealTimeOrderOptions {
  readonly linearizableReads: boolean
  readonly hasLocalSessions: boolean // their servers answer a close without a txn
}

export function realTimeOrder(options: RealTimeOrderOptions, report: Report): Checker {
  const readOnlyConnections = new Set<number>() // their clients have accepted old state
  const asked = new Map<number, { readonly request: ClientRequest; readonly acknowledgedBefore: Zxid }>()
  let acknowledgedMax = 0 as Zxid
  const isFresh = (request: ClientRequest): boolean =>
    request.kind === 'sync' || (options.linearizableReads && isRead(request))
  return {
    name: 'real-time-order',
    observe({ event }) {
      if (event.kind === 'attached' && event.readOnly) readOnlyConnections.add(event.connection)
      if (event.kind === 'request') {
        asked.set(event.requestId, { request: event.request, acknowledgedBefore: acknowledgedMax })
      }
      if (event.kind !== 'reply') return
      const question = asked.get(event.requestId)
      if (question === undefined) return // session-replies reports it
      asked.delete(event.requestId)
      const { request, acknowledgedBefore } = question
      if (request.kind === 'close-session' && options.hasLocalSessions) return
      const isDone = isDoneWrite(request, event.error, event.body)
      if (isDone && event.zxid <= acknowledgedBefore) {
        report(
          `request ${event.requestId} got ${hexOfZxid(event.zxid)}, but ${hexOfZxid(acknowledgedBefore)} was acknowledged before it was sent`,
        )
      }
      const isExcused = event.error === 'session-expired' || readOnlyConnections.has(event.connection)
      if ((isFresh(request) || (isWrite(request) && !isDone)) && !isExcused) {
        if (event.zxid < acknowledgedBefore) {
          report(
            `request ${event.requestId} (${request.kind}) shows ${hexOfZxid(event.zxid)}, but ${hexOfZxid(acknowledgedBefore)} was acknowledged before it was sent`,
          )
        }
      }
      if (isDone && event.zxid > acknowledgedMax) acknowledgedMax = event.zxid
    },
    finish() {},
  }
}

function isRead(request: ClientRequest): boolean {
  return ['exists', 'get-data', 'get-children', 'get-children2'].includes(request.kind)
}
