import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import type { Txn } from '../../../src/protocol/txn/txn.ts'
import { DecidedTxns } from '../../../src/replica/leading/decided-txns.ts'

const txn = (timeMs: number): Txn => ({ timeMs, sessionId: 1n as SessionId, origin: null, isMulti: false, changes: [] })

test('a txn that was kept is taken once at its zxid, and others are unknown', () => {
  const decided = new DecidedTxns()
  let added = 100
  let wrongCount = 0
  for (let delivered = 90; delivered < 2000; delivered++) {
    // Up to 150 are in flight; every fifth was not kept.
    for (; added < delivered + 150; added++) if (added % 5 !== 0) decided.add(added as Zxid, txn(added))
    const isKept = delivered >= 100 && delivered % 5 !== 0
    if (decided.take(delivered as Zxid)?.timeMs !== (isKept ? delivered : undefined)) wrongCount++
    if (decided.take(delivered as Zxid) !== null) wrongCount++
  }
  expect(wrongCount).toBe(0)
  expect(() => decided.add(100 as Zxid, txn(100))).toThrow('zxid order')
})
