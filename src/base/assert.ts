/**
 * Assertions are for bugs only and always on. No code catches an `InvariantViolation` except the entry
 * files, which log it and exit: a server that broke an invariant must not answer another request.
 */
export class InvariantViolation extends Error {
  readonly details: Readonly<Record<string, unknown>>

  constructor(claim: string, details: Readonly<Record<string, unknown>>) {
    super(`invariant violated: ${claim} ${renderDetails(details)}`)
    this.name = 'InvariantViolation'
    this.details = details
  }
}

/** `claim` states what should have been true, in words; `details` carries the numbers. */
export function assert(
  condition: boolean,
  claim: string,
  details: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new InvariantViolation(claim, details)
}

/** Ends every switch over a union: a new member fails to compile here. */
export function assertNever(value: never): never {
  throw new InvariantViolation('unreachable case', { value })
}

function renderDetails(details: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(details, (_key, value: unknown) =>
    typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
  )
}
