/** The numbers of requests that went to the leader, as their outcomes come back. */
import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { type Awaited, AwaitedOutcomes } from '../../../src/replica/clients/awaited-outcomes.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

function upgrade(number: number): Awaited {
  return { kind: 'upgrade', id: BigInt(number) as SessionId, timeoutMs: number }
}

test('each outcome finds its request once, in any order, also if one request waits for very many others', () => {
  const random = new SeededRandom(5)
  const awaited = new AwaitedOutcomes()
  const model = new Map<number, Awaited>()
  const first = awaited.add(upgrade(0))
  model.set(first, upgrade(0))
  let wrongCount = 0
  for (let i = 1; i < 40_000; i++) {
    const request = upgrade(i)
    const sequence = awaited.add(request)
    if (sequence !== first + i) wrongCount++
    model.set(sequence, request)
    // At times 20,000 wait, which is more than the list of the newest ones has room for.
    const takenCount = Math.floor(i / 20_000) === 0 ? random.below(2) : random.below(4)
    for (let k = 0; k < takenCount; k++) {
      const asked = first + 1 + random.below(i)
      if (awaited.take(asked)?.kind !== model.get(asked)?.kind) wrongCount++
      model.delete(asked)
    }
  }
  expect(wrongCount).toBe(0)
  expect(awaited.entries()).toEqual([...model])
  expect(awaited.take(first)).toEqual(upgrade(0))
  expect(awaited.take(first)).toBeUndefined()
  expect(awaited.take(first + 1_000_000)).toBeUndefined()
})
