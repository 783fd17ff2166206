/** Averages as ZooKeeper prints them: at most four decimals, and always one (ZK: AvgMinMaxCounter.getAvg, Double.toString). */
export function javaDouble(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded)
}
