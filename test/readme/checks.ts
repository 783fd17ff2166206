/** Prints the lines and totals of a check in the form that .ci/run reads. */
let passed = 0
let failed = 0

/** `problem`: what went wrong, or null. */
export function report(title: string, problem: string | null): void {
  if (problem === null) passed++
  else failed++
  console.log(problem === null ? `ok ${title}` : `not ok ${title}: ${problem}`)
}

export function finish(): void {
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
