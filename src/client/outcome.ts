/** How a request ended. */
import type { ErrorName } from '../base/errors.ts'

/** `body` is the reply without its header. The receiver may keep it. */
export type Outcome =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly error: ErrorName }
