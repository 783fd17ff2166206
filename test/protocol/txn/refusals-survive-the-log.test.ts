import { expect, test } from 'vitest'
import { type ErrorName, errors } from '../../../src/base/errors.ts'
import type { ServerId, SessionId } from '../../../src/base/ids.ts'
import type { Txn } from '../../../src/protocol/txn/txn.ts'
import { decodeTxn, encodeTxn } from '../../../src/protocol/txn/txn-codec.ts'

function refusal(error: ErrorName | null, body: Uint8Array | null): Txn {
  return {
    timeMs: 1_700_000_000_000,
    sessionId: 0x0100_0000_0000_0001n as SessionId,
    origin: { serverId: 1 as ServerId, incarnation: 7, sequence: 9 },
    isMulti: false,
    changes: [{ kind: 'refusal', error, body }],
  }
}

test('a refusal of every error is read as it was written', () => {
  for (const error of Object.keys(errors) as ErrorName[]) {
    const txn = refusal(error, null)
    expect(decodeTxn(encodeTxn(txn))).toEqual(txn)
  }
})

test('the results of a failed multi are read as they were written', () => {
  const { changes } = decodeTxn(encodeTxn(refusal(null, Uint8Array.of(1, 2, 3))))
  const [change] = changes
  expect(change).toMatchObject({ kind: 'refusal', error: null })
  expect(change?.kind === 'refusal' && change.body !== null ? [...change.body] : null).toEqual([1, 2, 3])
})
