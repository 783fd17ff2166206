import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'

test('the histogram answers percentiles within 0.8 % when values span six decades', () => {
  const histogram = new Histogram()
  for (let i = 1; i <= 10_000; i++) histogram.recordMs(i / 10)
  for (const fraction of [0.001, 0.5, 0.99, 0.999, 1]) {
    const expectedUs = fraction * 1_000_000
    expect(Math.abs(histogram.percentileUs(fraction) - expectedUs)).toBeLessThanOrEqual(expectedUs * 0.008)
  }
  expect(histogram.total).toBe(10_000)
})

test('the histogram keeps short latencies exact and counts absurd ones as its largest', () => {
  const histogram = new Histogram()
  histogram.recordMs(0.0123)
  expect(histogram.percentileUs(0.5)).toBe(12.3)
  histogram.recordMs(1e9)
  expect(histogram.percentileUs(1)).toBeGreaterThan(214e6 * 0.99)
  expect(new Histogram().percentileUs(0.5)).toBe(0)
})
