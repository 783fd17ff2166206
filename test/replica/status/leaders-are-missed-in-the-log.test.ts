import { expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { noLeaderGraceMs, noLeaderReminderMsMax, noLeaderReminderMsMin } from '../../../src/base/limits.ts'
import { Membership } from '../../../src/membership/membership.ts'
import type { LogFields } from '../../../src/ports/log.ts'
import { LeaderAbsence, type Search } from '../../../src/replica/status/leader-absence.ts'
import { silentLog } from '../../support/zab-settings.ts'

const [self, other, third] = [1, 2, 3] as ServerId[] as [ServerId, ServerId, ServerId]
const peerTimeoutMs = 1_500
const tickMs = 100

class Course {
  readonly warnings: (LogFields & { readonly atMs: number })[] = []
  nowMs = 0
  search: Search = { role: 'looking', connected: new Set(), mayCount: true }
  readonly absence = new LeaderAbsence({
    self,
    membership: Membership.ofMajority([self, other, third]),
    peerTimeoutMs,
    log: { ...silentLog, warn: (_event, fields) => void this.warnings.push({ ...fields, atMs: this.nowMs }) },
  })

  run(durationMs: number): this {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs; ) {
      this.nowMs += tickMs
      this.absence.tick(() => this.search, this.nowMs)
    }
    return this
  }

  advice(): string {
    return String(this.warnings.at(-1)!['advice'])
  }
}

test('the intervals between the warnings double, up to their limit', () => {
  const course = new Course()
  course.absence.lost('a test', 0)
  course.run(6 * noLeaderReminderMsMax)
  const times = course.warnings.map(({ atMs }) => atMs)
  expect(times[0]).toBe(peerTimeoutMs + noLeaderGraceMs)
  const intervals = times.slice(1).map((atMs, i) => atMs - times[i]!)
  const expected = intervals.map((_interval, i) => Math.min(noLeaderReminderMsMin * 2 ** i, noLeaderReminderMsMax))
  expect(intervals).toEqual(expected)
  expect(intervals.filter((interval) => interval === noLeaderReminderMsMax).length).toBeGreaterThan(1)
})

test('a server that a leader brings up for long has a leader, one whose attempts fail at once has none', () => {
  const course = new Course()
  course.absence.lost('a test', 0)
  course.search = { ...course.search, role: 'following' }
  course.run(60_000)
  expect(course.warnings).toEqual([])
  const failing = new Course()
  failing.absence.lost('a test', 0)
  for (let i = 0; i < 4; i++) {
    failing.search = { ...failing.search, role: i % 2 === 0 ? 'following' : 'looking' }
    failing.run(peerTimeoutMs)
  }
  expect(failing.warnings).toHaveLength(1)
})

test('what to do depends on whether a quorum is connected, and on whether this server votes', () => {
  const course = new Course()
  course.absence.lost('a test', 0)
  course.run(peerTimeoutMs + noLeaderGraceMs)
  expect(course.advice()).toContain('No quorum of voters is connected')
  course.search = { ...course.search, connected: new Set([other]) }
  course.run(noLeaderReminderMsMin)
  expect(course.warnings.at(-1)).toMatchObject({ connectedIds: [other], notConnectedIds: [third] })
  expect(course.advice()).toContain('A quorum of voters is connected and has no leader yet')
  course.search = { ...course.search, mayCount: false }
  course.run(2 * noLeaderReminderMsMin)
  expect(course.advice()).toContain('does not vote before a leader has brought it up')
})

test('an attempt that failed is no new cause, and the next loss has its own', () => {
  const course = new Course()
  course.absence.lost('first', 0)
  course.absence.lost('an attempt', 100)
  expect(course.absence.found(other, 1_000)).toEqual({ withoutLeaderMs: 1_000, cause: 'first', formerLeaderId: null })
  course.absence.lost('second', 2_000)
  expect(course.absence.found(self, 2_040)).toEqual({ withoutLeaderMs: 40, cause: 'second', formerLeaderId: other })
})
