import { expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { encodeSession, readSession } from '../../src/checkpoint/store-values.ts'
import { bytesOf } from '../support/hex.ts'

test('a session keeps its timeout, its server and its place', () => {
  for (const attachedTo of [null, 0, 254] as readonly (ServerId | null)[]) {
    const session = { timeoutMs: 30_000, attachedTo, zxid: 0x7_0000_0001, order: 2 ** 24 - 1 }
    expect(readSession(new DataView(encodeSession(session).buffer), 0)).toEqual(session)
  }
})

test('a session of a store that knows no servers is attached to none', () => {
  // Before servers were stored, the number of the session within its txn had all of the last four bytes.
  const bytes = bytesOf('00007530 0000000700000001 00000003')
  expect(readSession(new DataView(bytes.buffer), 0)).toEqual({
    timeoutMs: 30_000,
    attachedTo: null,
    zxid: 0x7_0000_0001,
    order: 3,
  })
})
