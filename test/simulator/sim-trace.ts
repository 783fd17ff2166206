/**
 * The record of one run: every event in order, a hash over their texts, and the violations found so far.
 * Checkers observe events as they are added, so a run can stop at the first violation with its cause at the
 * end of the trace.
 */
import { describeEntry } from './describe-event.ts'
import type { SimEvent, TraceEntry } from './sim-event.ts'

export interface Violation {
  readonly checker: string
  readonly text: string
}

export interface Checker {
  readonly name: string
  observe(entry: TraceEntry): void
  /** The run is over: checks of the whole history run now. */
  finish(): void
}

export type Report = (text: string) => void

export class SimTrace {
  readonly entries: TraceEntry[] = []
  readonly violations: Violation[] = []
  readonly #checkers: Checker[] = []
  #hash = 0x811c9dc5

  addChecker(makeChecker: (report: Report) => Checker): void {
    const checker: Checker = makeChecker((text) => this.violations.push({ checker: checker.name, text }))
    this.#checkers.push(checker)
  }

  add(atUs: number, event: SimEvent): void {
    const entry = { atUs, event }
    this.entries.push(entry)
    this.#mix(describeEntry(entry))
    for (const checker of this.#checkers) checker.observe(entry)
  }

  finish(): void {
    for (const checker of this.#checkers) checker.finish()
  }

  /** Equal hashes: the same events at the same times. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  tail(count: number): readonly string[] {
    return this.entries.slice(-count).map(describeEntry)
  }

  /** When the last leader led and the last follower followed, after the faults ended. */
  describeHealing(startedUs: number): string {
    let [ledUs, inStepUs] = [startedUs, startedUs]
    for (const { atUs, event } of this.entries) {
      if (atUs < startedUs || event.kind !== 'server') continue
      if (event.event.kind === 'established') ledUs = atUs
      if (event.event.kind === 'role-changed' && event.event.role === 'following') inStepUs = atUs
    }
    const [ledMs, inStepMs] = [(ledUs - startedUs) / 1000, (inStepUs - startedUs) / 1000]
    return `the last leader after ${ledMs.toFixed(0)} ms, the last follower after ${inStepMs.toFixed(0)} ms, then clients`
  }

  #mix(line: string): void {
    let hash = this.#hash
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193)
    this.#hash = hash
  }
}
