/** How a request ended. */
import type { ErrorName } from '../base/errors.ts'

/** `explanation`: of this one failure; null: the error table has all that is known. */
export interface Failure {
  readonly ok: false
  readonly error: ErrorName
  readonly explanation: string | null
}

/** `body` is the reply without its header. The receiver may keep it. */
export type Outcome = { readonly ok: true; readonly body: Uint8Array } | Failure

export function failed(error: ErrorName, explanation: string | null = null): Failure {
  return { ok: false, error, explanation }
}
