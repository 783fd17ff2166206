/** The lines and the totals that .ci/run reads from a program that checks something. */
let passed = 0
let failed = 0

/** `problem`: null, or what went wrong. */
export function report(title: string, problem: string | null): void {
  if (problem === null) passed++
  else failed++
  console.log(problem === null ? `ok ${title}` : `not ok ${title}: ${problem}`)
}

export function finish(): void {
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
