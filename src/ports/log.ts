/**
 * Structured log lines. `event` is a constant kebab-case name; all that varies is a field.
 * `error` = an operator must act, `warn` = degraded, `info` = role and lifecycle changes, `debug` = per message.
 * Never node data or credentials. 64-bit ids are `0x…` strings.
 */
export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  error(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  debug(event: string, fields?: LogFields): void
  /** A log whose every line also carries `fields`. */
  child(fields: LogFields): Log
}
