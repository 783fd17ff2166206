/** Majorities. Weights and groups will live here too. */

/** The smallest number of voters that is a quorum of `voterCount`. */
export function quorumSize(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1
}

/** The highest value that a quorum of voters has reached, given what each has; voters not heard of count as `floor`. */
export function quorumReached<T extends number>(reached: readonly T[], voterCount: number, floor: T): T {
  const needed = quorumSize(voterCount)
  if (reached.length < needed) return floor
  const descending = [...reached].sort((a, b) => b - a)
  return descending[needed - 1]!
}
