/**
 * Reports the checks of the suites in TypeScript: one line for each check, as in the suites of other languages.
 * A check is a title and a function that throws if the server is wrong. Titles are unique within a suite.
 */
import { isDeepStrictEqual } from 'node:util'

export interface Check {
  readonly title: string
  run(): Promise<void>
}

const checkTimeoutMs = 60_000

/** Runs every check, even after failures, and returns the process exit code. */
export async function runChecks(checks: readonly Check[]): Promise<number> {
  let failedCount = 0
  for (const check of checks) {
    try {
      await withTimeout(check.run())
      console.log(`ok ${check.title}`)
    } catch (error) {
      failedCount += 1
      console.log(
        `not ok ${check.title}: ${error instanceof Error ? error.message : String(error)}`.replaceAll('\n', ' '),
      )
    }
  }
  return failedCount === 0 ? 0 : 1
}

export function expectEqual(actual: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, wanted)) throw new Error(`${what}: got ${render(actual)}, wanted ${render(wanted)}`)
}

export function expectTrue(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

function render(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)) ?? 'undefined'
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${checkTimeoutMs} ms`)), checkTimeoutMs)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Evaluates `condition` again and again until it is true, if there is no event to wait for. Fails at the deadline. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  what: string,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not after ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
