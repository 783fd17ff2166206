/**
 * An async iterator whose values a writer pushes. `latest` keeps only the newest unread value, `all` keeps every one.
 * It ends once: the writer calls `end`, or the reader calls `return`, which also calls `onReturn` of the writer.
 */
export class ValueStream<T> implements AsyncIterableIterator<T> {
  readonly #keep: 'latest' | 'all'
  readonly #onReturn: () => void
  #values: T[] = []
  #waiting: { resolve(result: IteratorResult<T>): void; reject(error: Error): void }[] = []
  #ended: { readonly error: Error | null } | null = null

  constructor(keep: 'latest' | 'all', onReturn: () => void) {
    this.#keep = keep
    this.#onReturn = onReturn
  }

  get hasEnded(): boolean {
    return this.#ended !== null
  }

  push(value: T): void {
    if (this.#ended !== null) return
    const reader = this.#waiting.shift()
    if (reader !== undefined) {
      reader.resolve({ done: false, value })
      return
    }
    if (this.#keep === 'latest') this.#values = []
    this.#values.push(value)
  }

  /** The reader gets unread values first. Then, with an error, one read rejects with it. */
  end(error: Error | null): void {
    if (this.#ended !== null) return
    this.#ended = { error }
    const [first, ...others] = this.#waiting
    this.#waiting = []
    if (first !== undefined && error !== null) {
      this.#ended = { error: null }
      first.reject(error)
    } else first?.resolve({ done: true, value: undefined })
    for (const reader of others) reader.resolve({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#values.length > 0) return Promise.resolve({ done: false, value: this.#values.shift()! })
    if (this.#ended === null) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
    const { error } = this.#ended
    this.#ended = { error: null } // only one read rejects
    return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error)
  }

  return(): Promise<IteratorResult<T>> {
    this.#values = []
    if (this.#ended === null) {
      this.end(null)
      this.#onReturn()
    }
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
