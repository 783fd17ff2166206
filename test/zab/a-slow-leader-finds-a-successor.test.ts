import { describe, expect, test } from 'vitest'
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import { formerLeaderAvoidedFactor, slowLeaderWindowFactor, slowMomentsMin } from '../../src/base/limits.ts'
import { type LeaderProgress, SlowLeader, type SlowLeaderFinding } from '../../src/zab/slow-leader.ts'

const slowMs = 500
const slowLeaderWindowMs = slowMs * slowLeaderWindowFactor
const slowLeaderRestMs = slowLeaderWindowMs
const formerLeaderAvoidedMs = slowMs * formerLeaderAvoidedFactor
const tickMs = 125
const restedMs = slowLeaderRestMs

/** A leader with two voters in step. One zxid is proposed for each tick, and what is not said to hang reaches it at the next. */
class Course {
  readonly findings: SlowLeaderFinding[] = []
  nowMs = 0
  hangs: { ownLog?: boolean; logOf?: readonly number[]; answersOf?: readonly number[]; commits?: boolean } = {}
  voterIds = [1, 2]
  readonly #slow: SlowLeader
  readonly #durable = new Map<number, number>()
  readonly #answered = new Map<number, number>()
  #own = 0
  #committed = 0
  #last = 0

  constructor(predecessor: number | null = null, slow = slowMs) {
    this.#slow = new SlowLeader(slow, predecessor as ServerId | null, 0)
  }

  run(durationMs: number): void {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs; ) this.#tick()
  }

  /** The loop stands still, and the clock of the deadlines with it. */
  pause(durationMs: number): void {
    this.#slow.paused(durationMs, this.nowMs)
  }

  #tick(): void {
    this.nowMs += tickMs
    const before = this.#last++
    if (this.hangs.ownLog !== true) this.#own = before
    if (this.hangs.commits !== true) this.#committed = before
    for (const id of this.voterIds) {
      if (this.hangs.logOf?.includes(id) !== true) this.#durable.set(id, before)
      if (this.hangs.answersOf?.includes(id) !== true) this.#answered.set(id, before)
    }
    const voters = this.voterIds.map((id) => ({
      id: id as ServerId,
      acked: (this.#durable.get(id) ?? 0) as Zxid,
      heartbeatAnswered: this.#answered.get(id) ?? 0,
    }))
    const finding = this.#slow.tick(this.#progress(), voters, this.nowMs)
    if (finding !== null) this.findings.push(finding)
  }

  #progress(): LeaderProgress {
    const [last, durable, committed] = [this.#last, this.#own, this.#committed] as Zxid[] as [Zxid, Zxid, Zxid]
    return { last, durable, committed, heartbeatsSent: this.#last }
  }

  pauses(count: number): void {
    for (let i = 0; i < count; i++) {
      this.pause(slowMs)
      this.run(1000)
    }
  }
}

describe('a leader whose loop stands still', () => {
  test('hands over after several long pauses, to the voter with the highest id of those that are level', () => {
    const course = new Course()
    course.run(restedMs)
    course.pauses(slowMomentsMin - 1)
    expect(course.findings).toEqual([])
    course.pauses(1)
    const longest = { kind: 'event-loop', durationMs: slowMs }
    expect(course.findings).toEqual([{ momentCount: slowMomentsMin, longest, to: 2 }])
  })

  test('says what the longest moment was, and how long that lasted', () => {
    const course = new Course()
    course.run(restedMs)
    course.pauses(1)
    course.pause(3 * slowMs)
    course.pause(2 * slowMs) // of the same moment
    course.run(1000)
    course.hangs = { ownLog: true }
    course.run(2 * slowMs)
    expect(course.findings).toMatchObject([{ longest: { kind: 'event-loop', durationMs: 3 * slowMs } }])
  })

  test('stays the leader when its pauses are short, or further apart than the window', () => {
    const course = new Course()
    course.run(restedMs)
    for (let i = 0; i < 20; i++) {
      course.pause(slowMs - 1)
      course.run(1000)
    }
    for (let i = 0; i < 5; i++) {
      course.pause(10 * slowMs)
      course.run(slowLeaderWindowMs / 2)
    }
    expect(course.findings).toEqual([])
  })

  test('counts pauses that follow each other at once as one', () => {
    const course = new Course()
    course.run(restedMs)
    for (let i = 0; i < 10; i++) course.pause(slowMs)
    course.run(1000)
    expect(course.findings).toEqual([])
  })

  test('stays the leader with the key set to 0', () => {
    const course = new Course(null, 0)
    course.run(restedMs)
    for (let i = 0; i < 10; i++) {
      course.pause(10 * slowMs)
      course.run(1000)
    }
    expect(course.findings).toEqual([])
  })
})

describe('a leader whose log hangs', () => {
  test('hands over when the others have committed without it for several times the limit', () => {
    const course = new Course()
    course.run(restedMs)
    course.hangs = { ownLog: true }
    course.run(slowMomentsMin * slowMs - tickMs)
    expect(course.findings).toEqual([])
    course.run(2 * tickMs)
    const longest = { kind: 'log', durationMs: slowMomentsMin * slowMs }
    expect(course.findings).toEqual([{ momentCount: slowMomentsMin, longest, to: 2 }])
  })

  test('stays the leader when no quorum commits without it', () => {
    const course = new Course()
    course.run(restedMs)
    course.hangs = { ownLog: true, commits: true }
    course.run(20_000)
    expect(course.findings).toEqual([])
  })
})

describe('a successor', () => {
  test('is no voter whose log lags, or that answers late, and none is found if both are slow', () => {
    const course = new Course()
    course.run(restedMs)
    course.hangs = { logOf: [2] }
    course.run(1000)
    course.pauses(slowMomentsMin)
    expect(course.findings.map(({ to }) => to)).toEqual([1])
    course.hangs = { answersOf: [1], logOf: [2] }
    course.run(slowLeaderRestMs)
    course.pauses(slowMomentsMin)
    expect(course.findings.map(({ to }) => to)).toEqual([1, null])
  })

  test('is a voter again once it has been quick for as long as the window', () => {
    const course = new Course()
    course.hangs = { answersOf: [2] }
    course.run(1000)
    course.hangs = {}
    course.run(slowLeaderWindowMs + restedMs)
    course.pauses(slowMomentsMin)
    expect(course.findings.map(({ to }) => to)).toEqual([2])
  })

  test('is not the server that has handed over to this leader, until a long time has passed', () => {
    const course = new Course(2)
    course.run(restedMs)
    course.pauses(slowMomentsMin)
    course.voterIds = [2]
    course.run(slowLeaderRestMs)
    course.pauses(slowMomentsMin)
    expect(course.findings.map(({ to }) => to)).toEqual([1, null])
    course.run(formerLeaderAvoidedMs)
    course.pauses(slowMomentsMin)
    expect(course.findings.map(({ to }) => to)).toEqual([1, null, 2])
  })
})

describe('between two searches for a successor', () => {
  test('there is a rest, which also follows the beginning of a leadership', () => {
    const course = new Course()
    course.pauses(slowLeaderRestMs / 1000 - 1)
    expect(course.findings).toEqual([])
    course.pauses(1 + slowLeaderRestMs / 1000)
    expect(course.findings.length).toBe(2)
  })
})
