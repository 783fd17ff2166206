/** Prints the verdicts of a run with faults. */
import type { Verdict } from './checker.ts'

const violationsShown = 10

/** Prints one line for each verdict, `ok` or `not ok` with the program's name, and the totals. Returns how many failed. */
export function reportVerdicts(program: string, verdicts: readonly Verdict[]): number {
  let failed = 0
  for (const { title, violations } of verdicts) {
    if (violations.length === 0) {
      console.log(`ok ${program}: ${title}`)
      continue
    }
    failed += 1
    console.log(
      `not ok ${program}: ${title}: ${violations.length} violations: ${violations.slice(0, violationsShown).join('; ')}`,
    )
  }
  console.log(`${verdicts.length - failed} passed, ${failed} failed`)
  return failed
}
