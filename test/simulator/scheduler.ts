/**
 * Virtual time. One queue of events ordered by (time, sequence) drives every simulated process; an event
 * scheduled without delay runs in the same instant, after all events already queued for it, which is what
 * `atTurnEnd` means. Time is counted in whole microseconds, so sums are exact.
 *
 * Assumes that asynchronous code waits only for simulated ports. Those call `noteAsync`, and before the next
 * event every pending promise is drained: `setImmediate` of the platform runs only when no microtask is
 * left, however long their chains are. Nothing else of the platform's loop is used, so two runs of one seed
 * see the same order.
 */
export type ProcessState = 'running' | 'paused' | 'dead'

/** The order in which a resumed process runs what became due while it was paused. */
export type ResumeOrder = 'by-time' | 'timers-first' | 'timers-last'

export type EventSource = 'timer' | 'network' | 'disk' | 'other'

/** One incarnation of a simulated program. Its events wait while it is paused, and are dropped when it is dead. */
export class SimProcess {
  readonly name: string
  state: ProcessState = 'running'
  held: SimEventEntry[] = []

  constructor(name: string) {
    this.name = name
  }
}

export interface SimEventEntry {
  timeUs: number
  sequence: number
  readonly process: SimProcess
  readonly source: EventSource
  callback: (() => void) | null // null: cancelled
}

export class Scheduler {
  nowUs = 0
  eventCount = 0
  /** Mixes the time and order of every event: equal hashes mean equal schedules. */
  scheduleHash = 0
  /** Events run at multiples of this, so that in coarse seeds much arrives in one turn. */
  readonly granularityUs: number
  readonly #onThrow: (process: SimProcess, cause: unknown) => void
  #heap: SimEventEntry[] = []
  #sequence = 0
  #asyncPending = false

  constructor(granularityUs: number, onThrow: (process: SimProcess, cause: unknown) => void) {
    this.granularityUs = granularityUs
    this.#onThrow = onThrow
  }

  /** Runs `callback` in `process` after the delay; the result cancels it. */
  schedule(process: SimProcess, source: EventSource, delayUs: number, callback: () => void): () => void {
    const timeUs = delayUs <= 0 ? this.nowUs : this.#roundUp(this.nowUs + delayUs)
    const entry: SimEventEntry = { timeUs, sequence: this.#sequence++, process, source, callback }
    this.#push(entry)
    return () => {
      entry.callback = null
    }
  }

  /** Runs `callback` in `process` now, or when it is resumed, or never if it is dead. */
  runIn(process: SimProcess, source: EventSource, callback: () => void): void {
    this.#dispatch({ timeUs: this.nowUs, sequence: this.#sequence++, process, source, callback })
  }

  /** Simulated ports call this when a promise was made or settled. */
  noteAsync(): void {
    this.#asyncPending = true
  }

  pause(process: SimProcess): void {
    if (process.state === 'running') process.state = 'paused'
  }

  resume(process: SimProcess, order: ResumeOrder): void {
    if (process.state !== 'paused') return
    process.state = 'running'
    const held = process.held
    process.held = []
    for (const entry of inResumeOrder(held, order)) {
      // With timers-last they run in the next turn: an event loop that resumes with its sockets first ends that turn.
      entry.timeUs = order === 'timers-last' && entry.source === 'timer' ? this.nowUs + 1 : this.nowUs
      entry.sequence = this.#sequence++
      this.#push(entry)
    }
  }

  kill(process: SimProcess): void {
    process.state = 'dead'
    process.held = []
  }

  /** Runs events until the time is reached or `stop` answers true; then `nowUs` is the time reached. */
  async runUntil(timeUs: number, stop: () => boolean): Promise<void> {
    await this.#drain()
    while (!stop()) {
      const next = this.#heap[0]
      if (next === undefined || next.timeUs > timeUs) {
        this.nowUs = Math.max(this.nowUs, timeUs)
        return
      }
      this.#pop()
      if (next.callback === null) continue
      this.nowUs = next.timeUs
      this.#dispatch(next)
      if (this.#asyncPending) await this.#drain()
    }
  }

  #dispatch(entry: SimEventEntry): void {
    if (entry.callback === null || entry.process.state === 'dead') return
    if (entry.process.state === 'paused') {
      entry.process.held.push(entry)
      return
    }
    this.eventCount++
    this.scheduleHash = Math.imul(this.scheduleHash ^ (entry.timeUs | 0), 0x01000193) ^ entry.sequence
    try {
      entry.callback()
    } catch (cause) {
      this.#onThrow(entry.process, cause)
    }
  }

  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    // What the microtasks noted meanwhile has also run to its end.
    this.#asyncPending = false
  }

  #roundUp(timeUs: number): number {
    return Math.ceil(timeUs / this.granularityUs) * this.granularityUs
  }

  #push(entry: SimEventEntry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: SimEventEntry, b: SimEventEntry): boolean {
  return a.timeUs !== b.timeUs ? a.timeUs < b.timeUs : a.sequence < b.sequence
}

function inResumeOrder(held: readonly SimEventEntry[], order: ResumeOrder): readonly SimEventEntry[] {
  if (order === 'by-time') return held
  const timers = held.filter((entry) => entry.source === 'timer')
  const others = held.filter((entry) => entry.source !== 'timer')
  return order === 'timers-first' ? [...timers, ...others] : [...others, ...timers]
}
