/** The planned events by time, and at the same time in the order in which they were planned: a binary heap. */
interface Planned<T> {
  readonly atMs: number
  readonly sequence: number
  readonly what: T
}

export class EventQueue<T> {
  readonly #heap: Planned<T>[] = []
  #sequence = 0

  plan(atMs: number, what: T): void {
    const heap = this.#heap
    const item = { atMs, sequence: ++this.#sequence, what }
    let i = heap.length
    heap.push(item)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(item, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = item
  }

  get nextAtMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY
  }

  take(): T | null {
    const heap = this.#heap
    const top = heap[0]
    const item = heap.pop()
    if (top === undefined || item === undefined) return null
    if (heap.length === 0) return top.what
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, item)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = item
    return top.what
  }
}

function isBefore<T>(a: Planned<T>, b: Planned<T>): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.sequence < b.sequence
}
