/**
 * Every server applies a prefix of one history (invariant 1): the same txn at the same zxid, none left out, none in
 * between. A restarted server may begin anywhere in the history, because it does not apply again what its checkpoint
 * holds; the digest checker judges whether its state is right.
 */
import { hexOfZxid, type ServerId } from '../../../src/base/ids.ts'
import { describeTxn } from '../describe-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import type { CommittedHistory } from './committed-history.ts'

export function committedPrefix(history: CommittedHistory, report: Report): Checker {
  const nextIndexByServer = new Map<ServerId, number | null>() // null: just started
  const describedByIndex: string[] = []
  return {
    name: 'committed-prefix',
    observe({ event }) {
      if (event.kind === 'server-started') nextIndexByServer.set(event.serverId, null)
      if (event.kind !== 'server') return
      if (event.event.kind === 'installed') {
        const { zxid } = event.event
        const index = history.indexOf(zxid)
        if (zxid > 0 && index < 0) {
          report(`server ${event.serverId} installed the state at ${hexOfZxid(zxid)}, which no server applied`)
        }
        nextIndexByServer.set(event.serverId, zxid > 0 ? index + 1 : 0)
      }
      if (event.event.kind !== 'applied') return
      const { zxid, txn } = event.event
      const index = history.indexOf(zxid)
      if (index < 0) {
        report(
          `server ${event.serverId} applied ${hexOfZxid(zxid)}, which no server applied in its place before later ones`,
        )
        return
      }
      describedByIndex[index] ??= describeTxn(history.txns[index]!.txn)
      if (describeTxn(txn) !== describedByIndex[index]) {
        report(
          `server ${event.serverId} applied at ${hexOfZxid(zxid)} ${describeTxn(txn)}, others ${describedByIndex[index]}`,
        )
      }
      const expected = nextIndexByServer.get(event.serverId) ?? null
      if (expected !== null && expected !== index) {
        const missing = history.txns[expected]
        report(
          `server ${event.serverId} applied ${hexOfZxid(zxid)} where ${missing === undefined ? 'the end' : hexOfZxid(missing.zxid)} of the history was next`,
        )
      }
      nextIndexByServer.set(event.serverId, index + 1)
    },
    finish() {},
  }
}
