/** An average as ZooKeeper prints it: one to four decimals (ZK: AvgMinMaxCounter.getAvg, Double.toString). */
export function javaDouble(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000
  if (Math.abs(rounded) < scientificFrom) return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded)
  const [digits = '', exponent = ''] = rounded.toExponential().split('e+')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent}`
}

/** From this value on, Java writes an exponent. */
const scientificFrom = 10_000_000
