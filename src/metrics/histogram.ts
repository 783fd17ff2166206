/**
 * A summary with percentiles (ZK: AvgMinMaxPercentileCounter, which samples 4096 values at random; this one counts
 * them all). Values fall into buckets that are at most a sixteenth of their value wide, so a percentile is at most
 * about 6 % above the truth and never below it; the least and greatest value are exact.
 * Assumes values from 0 to about two million, in steps of a thousandth: milliseconds, usually.
 */
import { Summary } from './summary.ts'

const stepsPerUnit = 1000
const stepsMax = 2 ** 31 - 1
const subBucketBits = 4
const subBucketCount = 1 << subBucketBits
const bucketCount = 32 * subBucketCount

export class Histogram {
  readonly #summary = new Summary()
  /** Allocated with the first value: most histograms of most servers stay empty. */
  #buckets: Float64Array | null = null

  note(value: number): void {
    this.#summary.note(value)
    this.#buckets ??= new Float64Array(bucketCount)
    this.#buckets[bucketOf(value)]!++
  }

  get summary(): Summary {
    return this.#summary
  }

  /** The value that `fraction` of all values do not exceed; 0 before the first. */
  percentile(fraction: number): number {
    const { count, min, max } = this.#summary
    if (this.#buckets === null || count === 0) return 0
    const rank = Math.max(1, Math.ceil(fraction * count))
    let seen = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#buckets[bucket]!
      if (seen >= rank) return Math.min(max, Math.max(min, greatestOf(bucket)))
    }
    return max
  }

  /**
   * For each of the bounds, how many values do not exceed it. Assumes: the bounds ascend. A value that shares a bucket with a
   * bound counts as not above it, so each bound is taken as up to a sixteenth greater than written.
   */
  countsUpTo(bounds: readonly number[]): readonly number[] {
    const buckets = this.#buckets
    if (buckets === null) return bounds.map(() => 0)
    let bucket = 0
    let count = 0
    return bounds.map((bound) => {
      for (const last = bucketOf(bound); bucket <= last; bucket++) count += buckets[bucket]!
      return count
    })
  }

  reset(): void {
    this.#summary.reset()
    this.#buckets = null
  }
}

/** Small values have a bucket each; above that the leading bits say which. */
function bucketOf(value: number): number {
  const steps = Math.min(stepsMax, Math.max(0, Math.round(value * stepsPerUnit)))
  if (steps < subBucketCount) return steps
  const exponent = 31 - Math.clz32(steps)
  return (
    (exponent - subBucketBits + 1) * subBucketCount + ((steps >>> (exponent - subBucketBits)) & (subBucketCount - 1))
  )
}

function greatestOf(bucket: number): number {
  if (bucket < subBucketCount) return bucket / stepsPerUnit
  const shift = (bucket >> subBucketBits) - 1
  const leading = subBucketCount + (bucket & (subBucketCount - 1))
  return ((leading + 1) * 2 ** shift - 1) / stepsPerUnit
}
