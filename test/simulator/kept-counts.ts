/**
 * How many connections of clients were kept while their server had no leader, and how many were closed, and why. A run in
 * which none is kept would prove nothing about requests that go to the next leader.
 */
import type { CutReason } from '../../src/replica/trace-event.ts'
import type { SimEvent } from './sim-event.ts'

export interface KeptCounts {
  readonly kept: number
  readonly cut: Readonly<Record<CutReason, number>>
}

interface Counting {
  kept: number
  readonly cut: Record<CutReason, number>
}

export function noKeptCounts(): Counting {
  return { kept: 0, cut: { 'not-kept': 0, waited: 0, 'in-doubt': 0, replaced: 0 } }
}

export function noteKept(counts: Counting, event: SimEvent): void {
  if (event.kind !== 'server') return
  if (event.event.kind === 'clients-kept') counts.kept += event.event.count
  if (event.event.kind === 'client-cut') counts.cut[event.event.why]++
}
