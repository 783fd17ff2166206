import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import { proposalBatchSizeBytesMax } from '../../src/base/limits.ts'
import type { ForwardedAnswer, ForwardedRequest } from '../../src/protocol/peer/peer-message.ts'
import { partsOf } from '../../src/replica/message-parts.ts'

const syncId = 1 as never

function request(sequence: number, sizeBytes: number): ForwardedRequest {
  return { sequence, sessionId: 1n as SessionId, isLocal: false, type: 1, body: new Uint8Array(sizeBytes), authIds: [] }
}

function sequencesOf(sizesBytes: readonly number[]): readonly (readonly number[])[] {
  const requests = sizesBytes.map((sizeBytes, i) => request(i, sizeBytes))
  return partsOf({ kind: 'forward', syncId, incarnation: 1, requests }).map((part) =>
    part.kind === 'forward' ? part.requests.map(({ sequence }) => sequence) : [],
  )
}

test('the requests of a turn are one message unless they are long', () => {
  expect(sequencesOf([])).toEqual([[]])
  expect(sequencesOf([1, 2, 3])).toEqual([[0, 1, 2]])
})

test('long requests of one turn are split into messages in order, and one that is longer than a batch is alone in its message', () => {
  const third = proposalBatchSizeBytesMax / 3
  expect(sequencesOf([third, third, third, third, 1])).toEqual([
    [0, 1, 2],
    [3, 4],
  ])
  expect(sequencesOf([1, proposalBatchSizeBytesMax * 3, 1, 1])).toEqual([[0], [1], [2, 3]])
})

test('answers are split like requests', () => {
  const body = new Uint8Array(proposalBatchSizeBytesMax)
  const answers: ForwardedAnswer[] = [1, 2].map((sequence) => ({ sequence, after: 1 as Zxid, error: null, body }))
  expect(partsOf({ kind: 'answer', syncId, answers })).toHaveLength(2)
})
