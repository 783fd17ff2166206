/** The time that the parts of a server see: one for all that happens in a turn, and never that of an earlier moment. */
import { expect, test } from 'vitest'
import type { Stamp } from '../../src/replica/contract.ts'
import { Turn } from '../../src/server/turn.ts'

class TurnRig {
  nowMs = 0
  readonly handledAtMs: number[] = []
  readonly turn: Turn
  #endTurn: () => void = () => {}

  constructor() {
    const clock = { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs }
    const timers = {
      after: () => () => {},
      atTurnEnd: (callback: () => void) => {
        this.#endTurn = callback
      },
    }
    const handle = (_event: unknown, { monotonicMs }: Stamp): [] => {
      this.handledAtMs.push(monotonicMs)
      return []
    }
    const parts = { handle, perform() {}, tick() {}, readOn() {}, flush() {} }
    this.turn = new Turn(clock, timers, 1000, parts)
    this.turn.start(() => [])
    this.endTurn()
  }

  /** The time of each event since the last call. */
  endTurn(): readonly number[] {
    this.#endTurn()
    return this.handledAtMs.splice(0)
  }
}

test('all events of a turn have the time of the first', () => {
  const rig = new TurnRig()
  rig.nowMs = 10
  rig.turn.feed({ kind: 'tick' })
  rig.nowMs = 30
  rig.turn.feed({ kind: 'tick' })
  expect(rig.endTurn()).toEqual([10, 10, 10])
})

test('a time that was read between two turns, as by a write that completed, is not the time of the next turn', () => {
  const rig = new TurnRig()
  rig.nowMs = 10
  expect(rig.turn.now().monotonicMs).toBe(10)
  rig.nowMs = 30
  rig.turn.feed({ kind: 'tick' })
  expect(rig.endTurn()).toEqual([30, 30])
})
