/** Where and how admin commands are served over HTTP. `readAdminEndpoint` makes it. */
export interface AdminEndpoint {
  readonly address: { readonly host: string; readonly port: number }
  readonly commandUrl: string // begins with a slash and does not end with one
  readonly idleTimeoutMs: number
  /** Names that the header Host may have, beside those of the server; `*` = every name. */
  readonly allowedHosts: readonly string[]
}
