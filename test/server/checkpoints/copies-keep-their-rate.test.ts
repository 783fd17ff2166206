import { expect, test } from 'vitest'
import type { Timers } from '../../../src/ports/timers.ts'
import { TransferPace } from '../../../src/server/checkpoints/transfer-pace.ts'

const kibPerSecond = 64 * 1024
const chunkSizeBytes = 256 * 1024 // one each 3.9 ms

/** Timers that fire late by the same time, as those of a busy event loop do. */
class LateTime {
  nowMs = 1000
  readonly #due: { readonly atMs: number; readonly callback: () => void }[] = []
  readonly #latenessMs: number

  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs
  }

  readonly timers: Timers = {
    after: (delayMs, callback) => {
      this.#due.push({ atMs: this.nowMs + delayMs + this.#latenessMs, callback })
      return () => {}
    },
    atTurnEnd: (callback) => callback(),
  }

  run(): void {
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) {
      this.nowMs = next.atMs
      next.callback()
    }
  }
}

function pacedCopy(latenessMs: number): {
  readonly time: LateTime
  readonly givenAtMs: number[]
  readonly add: () => void
} {
  const time = new LateTime(latenessMs)
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => time.nowMs }
  const pace = new TransferPace(kibPerSecond, clock, time.timers)
  const givenAtMs: number[] = []
  const add = (): void =>
    pace.add({ sizeBytes: chunkSizeBytes, reader: 'learner 1', attempt: 1, give: () => givenAtMs.push(time.nowMs) })
  return { time, givenAtMs, add }
}

test.each([0.9, 3, 12])('a copy keeps its rate although timers fire %s ms late', (latenessMs) => {
  const { time, givenAtMs, add } = pacedCopy(latenessMs)
  for (let i = 0; i < 257; i++) add()
  time.run()
  const tookMs = givenAtMs.at(-1)! - givenAtMs[0]!
  expect(givenAtMs).toHaveLength(257)
  expect(tookMs).toBeGreaterThanOrEqual(1000 - 20) // what a reader may get at once
  expect(tookMs).toBeLessThanOrEqual(1000 + latenessMs)
})

test('a reader that asks for nothing for a second gets the chunks of 20 ms at once, and not those of a second', () => {
  const { time, givenAtMs, add } = pacedCopy(0)
  add()
  time.run()
  time.nowMs += 1000
  for (let i = 0; i < 100; i++) add()
  const atOnce = givenAtMs.length - 1
  expect(atOnce).toBe(6)
  time.run()
  expect(givenAtMs).toHaveLength(101)
})
