/** Which chunks a learner asks for and stores, whatever order, damage and interruptions they come with. */
import { expect, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import { copyChunksInFlightMax, damagedChunkCountMax } from '../../src/base/limits.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { CopyReceipt } from '../../src/zab/copy-receipt.ts'
import { zxid } from '../support/zab-settings.ts'

const offer = { copyId: 5, zxid: zxid(1, 4), hash: 7 as ChainHash }
const receiving = (): CopyReceipt => new CopyReceipt(3, offer, 77 as ClusterId)
const chunk = (number: number): Uint8Array => Uint8Array.of(number)
const add = (number: number): object => ({ kind: 'add', ticket: 3, number, chunk: chunk(number) })

/** The numbers of all chunks that may be asked for when those before `start` are stored. */
const window = (start: number): readonly number[] => Array.from({ length: copyChunksInFlightMax }, (_, i) => start + i)

test('a few chunks are asked for at first, and one more for each that is stored', () => {
  const receipt = receiving()
  expect(receipt.takeRequests()).toEqual(window(0))
  expect(receipt.takeRequests()).toEqual([])
  receipt.receive(0, chunk(0))
  expect(receipt.takeRequests()).toEqual([])
  expect(receipt.takeStep()).toEqual(add(0))
  expect(receipt.takeRequests()).toEqual([])
  receipt.added(0, true)
  expect(receipt.takeRequests()).toEqual(window(1).slice(-1))
})

test('chunks are stored in order and one at a time, also if they arrive in another order', () => {
  const receipt = receiving()
  receipt.takeRequests()
  receipt.receive(1, chunk(1))
  expect(receipt.takeStep()).toBeNull()
  receipt.receive(0, chunk(0))
  expect(receipt.takeStep()).toEqual(add(0))
  expect(receipt.isWorking).toBe(true)
  expect(receipt.takeStep()).toBeNull()
  receipt.added(0, true)
  expect(receipt.takeStep()).toEqual(add(1))
})

test('a chunk that was not asked for is ignored', () => {
  const receipt = receiving()
  receipt.receive(0, chunk(0))
  receipt.takeRequests()
  receipt.receive(7, chunk(7))
  expect(receipt.takeStep()).toBeNull()
})

test('a damaged chunk is asked for again, and the later one is kept', () => {
  const receipt = receiving()
  receipt.takeRequests()
  receipt.receive(0, chunk(0))
  receipt.receive(1, chunk(1))
  receipt.takeStep()
  receipt.added(0, false)
  expect(receipt.takeRequests()).toEqual([0])
  receipt.receive(0, chunk(0))
  expect(receipt.takeStep()).toEqual(add(0))
  receipt.added(0, true)
  expect(receipt.takeStep()).toEqual(add(1))
  expect(receipt.isTooDamaged).toBe(false)
})

test('a copy of which many chunks are damaged is too damaged', () => {
  const receipt = receiving()
  for (let i = 0; i <= damagedChunkCountMax; i++) {
    expect(receipt.isTooDamaged).toBe(false)
    receipt.takeRequests()
    receipt.receive(0, chunk(0))
    receipt.takeStep()
    receipt.added(0, false)
  }
  expect(receipt.isTooDamaged).toBe(true)
})

test('the copy is finished when as many chunks are stored as the lowest answer after the end says', () => {
  const receipt = receiving()
  receipt.takeRequests()
  receipt.receive(0, chunk(0))
  receipt.takeStep()
  receipt.end(3) // the answer to a later request came first
  receipt.added(0, true)
  expect(receipt.takeStep()).toBeNull()
  receipt.end(1)
  receipt.end(2)
  expect(receipt.takeStep()).toEqual({ kind: 'finish', ticket: 3 })
  expect(receipt.isFinishing).toBe(true)
  expect(receipt.takeStep()).toBeNull()
  expect(receipt.takeRequests()).toEqual([])
})

test('after an interruption only what has not arrived is asked for', () => {
  const receipt = receiving()
  receipt.takeRequests()
  receipt.receive(0, chunk(0))
  receipt.takeStep()
  receipt.resume()
  expect(receipt.takeRequests()).toEqual(window(0).slice(1))
  receipt.added(0, true)
  expect(receipt.takeRequests()).toEqual(window(1).slice(-1))
  receipt.receive(2, chunk(2))
  receipt.resume()
  expect(receipt.takeRequests()).toEqual(window(1).filter((number) => number !== 2))
})

test('a copy goes on only if the same one is offered', () => {
  const receipt = receiving()
  expect(receipt.isOf({ ...offer })).toBe(true)
  expect(receipt.isOf({ ...offer, copyId: 6 })).toBe(false)
  expect(receipt.isOf({ ...offer, zxid: zxid(1, 5) })).toBe(false)
  expect(receipt.isOf({ ...offer, hash: 8 as ChainHash })).toBe(false)
})
