/**
 * While the servers of a quorum run and reach each other, they have a leader within the bound of their election
 * (election-bound.ts), whatever the others do. The time counts from the last event that concerns these servers or the links
 * between them, or from when they noticed the loss of their leader. Another server whose link to one of them comes up meanwhile
 * may be a better candidate: once for each, the wait for the votes of the others begins again. What may take longer is a list of causes, each with a bound
 * of its own where that exists, and each is counted.
 */
import { describeBound, type ElectionBound, sumOf } from '../election-bound.ts'
import type { EnsembleView, ServerView } from '../ensemble-view.ts'
import type { SimEvent } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'

/**
 * copy: a server gets a copy of the state, whose time depends on its size and on the rate that the configuration sets.
 * half-open: a link beside those of the quorum seems to be up at one end only, or carries one way only. So the best candidate
 * may hear no votes, or count on voters that do not hear it. That lasts until the silence of the link closes it,
 * peerTimeoutMs at most.
 * disk: the disk of a server with links to the quorum is slow, full or fails. If it is the best candidate, it wins, and its epoch
 * waits for the disk, up to initLimit. That lasts as long as the fault.
 * first-start: no server has led yet. The first flush of a server makes the log, the identity and their folders, which no later
 * one does.
 * late: a message of a link beside those of the quorum was late. The candidate at its other end may be the one that all wait for.
 * That lasts until the message arrives.
 * unexplained: none of these was seen for long enough, but an observer does not see everything, such as one connection between two servers
 * that carries nothing while the link has another. No election may take `graceMs` more than its bound for this reason.
 */
export type SlowCause = 'copy' | 'half-open' | 'disk' | 'first-start' | 'late' | 'unexplained'

export interface ElectionCounts {
  count: number
  longestMs: number
  /** Of the longest one: its bound, and the cause if it took longer. */
  longestText: string
  /** The largest part of its bound that an election without a cause took. */
  shareMax: number
  readonly slow: Record<SlowCause, number>
}

export interface Bounds {
  of(gapSizeBytes: number): ElectionBound
  /** What the first flush of a server may take beyond a later one. */
  readonly firstFlushMs: number
  /** Until a link that carries nothing is closed. */
  readonly silenceMs: number
  /** What an election may take beyond its bound. It is counted all the same. */
  readonly graceMs: number
}

interface Wait {
  readonly ms: number
  readonly bound: ElectionBound
  /** Of an election without a cause, newcomers included. */
  readonly boundMs: number
  readonly sinceUs: number
  readonly untilUs: number
  /** How long a link was half-open meanwhile, the disk of a candidate failed, and a message was late. */
  readonly halfOpenMs: number
  readonly faultyMs: number
  readonly lateMs: number
  /** What allows it to take longer than `boundMs`. */
  readonly cause: SlowCause
}

export function noElections(): ElectionCounts {
  return {
    count: 0,
    longestMs: 0,
    longestText: '',
    shareMax: 0,
    slow: { copy: 0, 'half-open': 0, disk: 0, 'first-start': 0, late: 0, unexplained: 0 },
  }
}

export function boundedElections(view: EnsembleView, bounds: Bounds, counts: ElectionCounts, report: Report): Checker {
  let isElecting = false
  let sentBefore = sentSizes(view)
  /** By quorum: the waits so far. */
  let waits = new Map<string, Wait>()
  let hasCopy = false
  let isFirst = false
  let isReported = false
  return {
    name: 'bounded-elections',
    observe({ atUs, event }) {
      if (view.leaderlessSinceUs === null) return end()
      if (!isElecting) begin()
      hasCopy ||= isCopy(event)
      for (const servers of view.workingQuorums()) note(servers, view.leaderlessSinceUs, atUs)
    },
    finish() {},
  }

  function begin(): void {
    isElecting = true
    sentBefore = sentSizes(view)
    waits = new Map()
    hasCopy = false
    isFirst = view.hasNeverBeenLed
    isReported = false
  }

  function end(): void {
    isElecting = false
    if (waits.size === 0) return
    const { ms, bound, boundMs, cause } = [...waits.values()].reduce((a, b) => (b.ms > a.ms ? b : a))
    waits = new Map()
    counts.count++
    if (ms > boundMs) counts.slow[cause]++
    else counts.shareMax = Math.max(counts.shareMax, ms / boundMs)
    if (ms <= counts.longestMs) return
    counts.longestMs = ms
    const why = ms > boundMs ? `, cause: ${cause}` : ''
    counts.longestText = `of at most ${boundMs.toFixed(0)} ms (${describeBound(bound)})${why}`
  }

  function note(servers: readonly ServerView[], leaderlessSinceUs: number, atUs: number): void {
    const quorum = servers.map(({ id }) => id).join(', ')
    const sinceUs = Math.max(leaderlessSinceUs, view.changedUs(servers))
    const ms = (atUs - sinceUs) / 1000
    if (ms <= 0) return
    const before = waits.get(quorum)
    const isSameWait = before?.sinceUs === sinceUs
    const passedMs = (atUs - (isSameWait ? before.untilUs : sinceUs)) / 1000
    const sum = (soFarMs: number | undefined, isNow: boolean): number =>
      (isSameWait ? (soFarMs ?? 0) : 0) + (isNow ? passedMs : 0)
    const halfOpenMs = sum(before?.halfOpenMs, view.hasHalfOpenLink(servers))
    const faultyMs = sum(before?.faultyMs, view.hasFaultyCandidate(servers, atUs))
    const lateMs = sum(before?.lateMs, view.hasLateLink(servers, sinceUs, atUs))
    const bound = bounds.of(gapOf(servers, view, sentBefore))
    const boundMs = sumOf(bound) + view.newcomerCount(servers, sinceUs) * bound.settleMs
    const allowances = allowancesOf({ halfOpenMs, faultyMs, lateMs, isFirst }, bounds)
    const limitMs = boundMs + Object.values(allowances).reduce((total, each) => total + each)
    const cause = hasCopy ? 'copy' : ms > limitMs ? 'unexplained' : largestOf(allowances)
    waits.set(quorum, { ms, sinceUs, untilUs: atUs, bound, boundMs, halfOpenMs, faultyMs, lateMs, cause })
    if (ms <= limitMs + bounds.graceMs || hasCopy || isReported) return
    isReported = true
    const allowed = Object.entries(allowances).map(([name, allowedMs]) => ` + ${name} ${allowedMs.toFixed(0)}`)
    const limit = `${limitMs.toFixed(0)} ms (${describeBound(bound)}${allowed.join('')})`
    report(`servers ${quorum} run and reach each other, and have no leader for ${ms.toFixed(0)} ms; at most ${limit}`)
  }
}

type Allowances = Readonly<Record<Exclude<SlowCause, 'copy' | 'unexplained'>, number>>

function allowancesOf(
  { halfOpenMs, faultyMs, lateMs, isFirst }: Pick<Wait, 'halfOpenMs' | 'faultyMs' | 'lateMs'> & { isFirst: boolean },
  { silenceMs, firstFlushMs }: Bounds,
): Allowances {
  const halfOpen = Math.min(halfOpenMs, silenceMs)
  return { disk: faultyMs, 'half-open': halfOpen, 'first-start': isFirst ? firstFlushMs : 0, late: lateMs }
}

function largestOf(allowances: Allowances): SlowCause {
  const entries = Object.entries(allowances) as [SlowCause, number][]
  return entries.reduce((a, b) => (b[1] > a[1] ? b : a))[0]
}

function sentSizes({ servers, probe }: EnsembleView): ReadonlyMap<string, number> {
  return new Map(servers.flatMap((a) => servers.map((b) => [`${a.id}>${b.id}`, probe.sentSizeBytes(a.id, b.id)])))
}

/** The most that one of these servers has sent to another one since the election began. */
function gapOf(servers: readonly ServerView[], { probe }: EnsembleView, before: ReadonlyMap<string, number>): number {
  const sizes = servers.flatMap((a) =>
    servers.map((b) => probe.sentSizeBytes(a.id, b.id) - (before.get(`${a.id}>${b.id}`) ?? 0)),
  )
  return Math.max(...sizes)
}

function isCopy(event: SimEvent): boolean {
  return event.kind === 'server-log' && event.text.startsWith('info checkpoint-offered ')
}
