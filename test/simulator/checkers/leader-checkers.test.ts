import { describe, expect, test } from 'vitest'
import type { Epoch, ServerId } from '../../../src/base/ids.ts'
import type { ElectionBound } from '../election-bound.ts'
import type { EnsembleProbe } from '../ensemble-view.ts'
import { EnsembleView } from '../ensemble-view.ts'
import type { SimEvent } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import { boundedElections, noElections } from './bounded-elections.ts'
import { server, started } from './hand-made-trace.ts'
import { leadersStopInTime } from './leaders-stop-in-time.ts'
import { workingLeadersStay } from './working-leaders-stay.ts'

const ids = [1, 2, 3] as ServerId[]

/** Three servers with links between all of them, of which server 3 leads epoch 1, if one does. An event comes every millisecond. */
class HandMade {
  readonly reports: string[] = []
  readonly view: EnsembleView
  readonly heardUs = new Map<string, number>()
  readonly cut = new Set<string>()
  readonly stopping = new Set<ServerId>()
  #nowUs = 0
  readonly #checker: Checker

  constructor(make: (view: EnsembleView, report: Report) => Checker, isLed = true) {
    const probe: EnsembleProbe = {
      carries: (a, b) => !this.cut.has(`${a}>${b}`),
      diskWorks: () => true,
      isStopping: (id) => this.stopping.has(id),
      answeredUs: (id, other) => this.heardUs.get(`${id}<${other}`) ?? this.#nowUs,
      heardUs: (by, from) => this.heardUs.get(`${by}<${from}`) ?? this.#nowUs,
      sentSizeBytes: () => 0,
    }
    this.view = new EnsembleView(ids, probe)
    this.#checker = make(this.view, (text) => this.reports.push(text))
    for (const id of ids) this.happen(started(id))
    for (const a of ids) for (const b of ids) if (a !== b) this.happen(link(a, b, true))
    if (isLed) this.happen(role(3, 'leading'), role(1, 'following'), role(2, 'following'))
  }

  happen(...events: readonly SimEvent[]): this {
    for (const event of events) {
      this.#nowUs += 1000
      const entry = { atUs: this.#nowUs, event }
      this.#checker.observe(entry)
      this.view.observe(entry)
    }
    return this
  }

  get nowUs(): number {
    return this.#nowUs
  }

  wait(ms: number): this {
    this.#nowUs += ms * 1000 - 2000
    return this.happen({ kind: 'fault', text: 'nothing' }, { kind: 'fault', text: 'nothing' })
  }
}

function role(id: number, to: 'looking' | 'following' | 'leading', epoch = 1): SimEvent {
  return server(id, { kind: 'role-changed', role: to, epoch: epoch as Epoch })
}

function link(id: number, peer: number, isUp: boolean): SimEvent {
  return server(id, { kind: 'link', peer: peer as ServerId, isUp })
}

const dies: SimEvent = { kind: 'server-crashed', serverId: 3 as ServerId, how: 'kill' }
const survivorsNotice = [link(1, 3, false), role(1, 'looking'), link(2, 3, false), role(2, 'looking')]

describe('bounded-elections', () => {
  const of = (): ElectionBound => ({ roundsMs: 50, settleMs: 40, flushesMs: 10, gapMs: 0 })
  const bounds = { silenceMs: 1500, graceMs: 0, firstFlushMs: 100, of }
  const counts = noElections()
  const make = (isLed = true): HandMade =>
    new HandMade((view, report) => boundedElections(view, bounds, counts, report), isLed)

  test('accepts a leader within the bound, and counts the election', () => {
    const run = make()
      .happen(dies, ...survivorsNotice)
      .wait(90)
    run.happen(role(2, 'leading', 2), role(1, 'following', 2)).wait(500)
    expect(run.reports).toEqual([])
    expect(counts.count).toBeGreaterThan(0)
  })

  test('refuses a quorum that finds no leader, once', () => {
    const run = make()
      .happen(dies, ...survivorsNotice)
      .wait(120)
      .wait(500)
    expect(run.reports).toEqual([expect.stringMatching(/^servers 1, 2 run and reach each other/)])
  })

  test('refuses it though a third server comes and goes', () => {
    const run = make().happen(dies, ...survivorsNotice)
    for (let i = 0; i < 9; i++)
      run.wait(20).happen(started(3), link(1, 3, true), link(3, 1, true), dies, link(1, 3, false))
    expect(run.reports).toHaveLength(1)
  })

  test('waits for followers of a dead leader to notice', () => {
    expect(make().happen(dies).wait(800).reports).toEqual([])
  })

  test('counts from the last event between the servers of the quorum', () => {
    const run = make()
      .happen(dies, ...survivorsNotice)
      .wait(90)
      .happen(link(1, 2, false))
      .wait(500)
    expect(run.happen(link(1, 2, true)).wait(90).reports).toEqual([])
  })

  test('waits for a message of a third server that is late, and no longer', () => {
    const run = make().happen(dies, started(3), link(1, 3, true), link(3, 1, true), ...survivorsNotice.slice(1))
    run.happen(link(1, 3, true))
    run.view.linkChanged(1 as ServerId, 3 as ServerId, run.nowUs + 300_000)
    const ofOthers = (): readonly string[] => run.reports.filter((text) => text.startsWith('servers 1, 2'))
    run.wait(290)
    expect(ofOthers()).toEqual([])
    run.wait(300)
    expect(ofOthers()).toHaveLength(1)
  })

  test('allows more for the first flushes of all, once', () => {
    const run = make(false)
    expect(run.wait(190).reports).toEqual([])
    expect(run.wait(100).reports).toHaveLength(1)
  })

  test('waits no longer than peerTimeoutMs more for a half-open link', () => {
    const run = make().happen(link(1, 3, false), role(1, 'looking'), role(3, 'looking'), role(2, 'looking'))
    run.cut.add('3>1')
    expect(run.wait(1400).reports.filter((text) => text.startsWith('servers 1, 2'))).toEqual([])
    expect(run.wait(1400).reports).not.toEqual([])
  })
})

describe('leaders-stop-in-time', () => {
  const times = { peerTimeoutMs: 1500, tickMs: 100, clockRateMin: 1 }
  const make = (): HandMade => new HandMade((view, report) => leadersStopInTime(view, times, report))
  const alone = (run: HandMade, ...others: readonly number[]): void => {
    for (const id of others) run.heardUs.set(`3<${id}`, run.nowUs)
  }

  test('accepts a leader that one of two answers', () => {
    const run = make()
    alone(run, 1)
    expect(run.wait(9000).reports).toEqual([])
  })

  test('refuses a leader that no quorum has heard for too long', () => {
    const run = make()
    alone(run, 1, 2)
    expect(run.wait(1500).reports).toEqual([])
    expect(run.wait(200).reports).toEqual([expect.stringMatching(/^server 3 still leads epoch 1/)])
  })

  test('accepts that it stands still meanwhile, or is stopping', () => {
    const run = make()
    alone(run, 1, 2)
    run.happen({ kind: 'server-paused', serverId: 3 as ServerId, isPaused: true }).wait(5000)
    run.happen({ kind: 'server-paused', serverId: 3 as ServerId, isPaused: false })
    expect(run.wait(1000).reports).toEqual([])
    run.stopping.add(3 as ServerId)
    expect(run.wait(1000).reports).toEqual([])
    run.stopping.clear()
    expect(run.wait(10).reports).toHaveLength(1)
  })
})

describe('working-leaders-stay', () => {
  const make = (): HandMade => new HandMade((view, report) => workingLeadersStay(view, 750, report))

  test('refuses a leader that steps down while a follower is in touch', () => {
    const run = make().happen(link(3, 1, false), link(1, 3, false), role(1, 'looking'))
    expect(run.happen(role(3, 'looking')).reports).toEqual([
      expect.stringMatching(/^server 3 gives up leading epoch 1/),
    ])
  })

  test.each([
    ['have closed', (run: HandMade): void => void run.happen(link(3, 1, false), link(3, 2, false))],
    [
      'are cut',
      (run: HandMade) => {
        for (const direction of ['3>1', '2>3']) run.cut.add(direction)
      },
    ],
    [
      'answer nothing',
      (run: HandMade) => {
        for (const id of [1, 2]) run.heardUs.set(`3<${id}`, run.nowUs - 800_000)
      },
    ],
  ] as const)('accepts that it steps down when the links to both followers %s', (_what, spoil) => {
    const run = make().wait(1000)
    spoil(run)
    expect(run.happen(role(3, 'looking')).reports).toEqual([])
  })

  test('refuses a follower that leaves a leader in touch, and accepts one whose link has closed', () => {
    expect(make().happen(role(1, 'looking')).reports).toEqual([expect.stringMatching(/^server 1 leaves server 3/)])
    expect(make().happen(link(1, 3, false), role(1, 'looking')).reports).toEqual([])
  })
})
