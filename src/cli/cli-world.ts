/**
 * What the command line touches: a terminal, the network, time. cli-main.ts passes the real ones, tests their own.
 */
import type { Client, ClientOptions } from '../client/types.ts'
import type { Dialer } from '../ports/stream.ts'
import type { Timers } from '../ports/timers.ts'

export interface CliWorld {
  write(text: string): void
  writeError(text: string): void
  /** Lines typed or piped in; ends with the input. */
  readonly lines: AsyncIterable<string>
  /** A person is typing: show prompts. */
  readonly isInteractive: boolean
  readonly dialer: Dialer
  readonly timers: Timers
  /** Rejects with a `ClientError` when no server accepts in time. */
  connect(options: ClientOptions, connectTimeoutMs: number): Promise<Client>
}

export interface CliSettings {
  readonly servers: string
  readonly isJson: boolean
  readonly timeoutMs: number
  /** A server without a leader will do, for reads. */
  readonly canBeReadOnly: boolean
}
