/** How a request ended, for whoever asked. */
import type { ErrorName } from '../base/errors.ts'

/** `body` is what follows the reply header and belongs to the receiver. */
export type Outcome =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly error: ErrorName }
