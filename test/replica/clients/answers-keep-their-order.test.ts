import { expect, test } from 'vitest'
import type { ConnectionId, Zxid } from '../../../src/base/ids.ts'
import { LineLimiter } from '../../../src/base/line-limiter.ts'
import type { ClientRequest } from '../../../src/protocol/client/client-request.ts'
import { ops } from '../../../src/protocol/client/operations.ts'
import { Answers } from '../../../src/replica/clients/answers.ts'
import { Client } from '../../../src/replica/clients/client.ts'
import { EffectList } from '../../../src/replica/effect-list.ts'
import { requestRead } from '../../support/conversation.ts'
import { silentLog } from '../../support/zab-settings.ts'

function answersUpTo(zxid: number): { readonly answers: Answers; readonly effects: EffectList } {
  const effects = new EffectList()
  const options = { effects, log: silentLog, lines: new LineLimiter(() => 0) }
  return { answers: new Answers(options, zxid as Zxid), effects }
}

function read(number: number): ClientRequest {
  return requestRead(number, number, ops.exists.opcode, new Uint8Array(0))
}

test('a reply that would overtake another of its connection is an invariant violation', () => {
  const { answers, effects } = answersUpTo(7)
  const client = new Client(1 as ConnectionId, '127.0.0.1')
  answers.give(client, read(2), 7, null, null)
  answers.giveAtOnce(client, requestRead(5, -4, ops.auth.opcode, new Uint8Array(0)), 0, null, null)
  answers.give(client, read(3), 7, null, null)
  expect(() => answers.give(client, read(3), 7, null, null)).toThrow('invariant 5')
  expect(() => answers.give(client, read(1), 7, null, null)).toThrow('invariant 5')
  const numbers = effects.take().map((effect) => (effect.kind === 'reply' ? effect.request.number : null))
  expect(numbers).toEqual([2, 5, 3])
})

test('a reply that shows a txn before its watch events have left is an invariant violation', () => {
  const { answers } = answersUpTo(7)
  const client = new Client(1 as ConnectionId, '127.0.0.1')
  expect(() => answers.give(client, read(1), 8, null, null)).toThrow('invariant 5')
  answers.announced(8 as Zxid)
  answers.give(client, read(1), 8, null, null)
})
