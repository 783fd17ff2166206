/**
 * Latencies in a histogram of fixed size, after HdrHistogram: exact below 256 units, then 128 buckets for each power of
 * two, so that the error of a value is at most 0.8 %.
 * Owns: the counts. Assumes: values from 0 to 2³¹ − 1 units of 0.1 µs (214 s); larger ones count as the largest.
 */
const subBucketBits = 7
const subBuckets = 2 ** subBucketBits
const valueMax = 2 ** 31 - 1
const unitsPerMicrosecond = 10

export class Histogram {
  readonly #counts = new Uint32Array(indexOf(valueMax) + 1)
  #total = 0

  get total(): number {
    return this.#total
  }

  recordMs(durationMs: number): void {
    const units = Math.min(valueMax, Math.max(0, Math.round(durationMs * 1000 * unitsPerMicrosecond)))
    const index = indexOf(units)
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
  }

  /** The latency that `fraction` of all recorded values do not exceed; 0 when nothing was recorded. */
  percentileUs(fraction: number): number {
    const rank = Math.max(1, Math.ceil(this.#total * fraction))
    let seen = 0
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] ?? 0
      if (seen >= rank) return middleOf(index) / unitsPerMicrosecond
    }
    return 0
  }
}

function indexOf(units: number): number {
  if (units < 2 * subBuckets) return units
  const shift = 31 - Math.clz32(units) - subBucketBits
  return shift * subBuckets + (units >>> shift)
}

function middleOf(index: number): number {
  if (index < 2 * subBuckets) return index
  const shift = Math.floor(index / subBuckets) - 1
  const lowest = (index - shift * subBuckets) * 2 ** shift
  return lowest + (2 ** shift - 1) / 2
}
