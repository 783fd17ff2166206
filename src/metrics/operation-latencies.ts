/**
 * How long the requests of each operation took: a histogram for each operation that this server has answered. Prometheus
 * reads them; mntr, which has no labels, does not. The number of operations is that of the operation table.
 */
import { Histogram } from './histogram.ts'

export class OperationLatencies {
  readonly #byOperation = new Map<string, Histogram>()

  note(operation: string, latencyMs: number): void {
    let latencies = this.#byOperation.get(operation)
    if (latencies === undefined) {
      latencies = new Histogram()
      this.#byOperation.set(operation, latencies)
    }
    latencies.note(latencyMs)
  }

  entries(): IterableIterator<[string, Histogram]> {
    return this.#byOperation.entries()
  }

  reset(): void {
    this.#byOperation.clear()
  }
}
