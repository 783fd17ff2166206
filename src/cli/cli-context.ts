/**
 * What the command line touches: a terminal, the network, time, files. cli-main.ts passes the real ones, tests their own.
 */
import type { Client, ClientOptions } from '../client/types.ts'
import type { Disk } from '../ports/disk.ts'
import type { Dialer } from '../ports/stream.ts'
import type { LineEditor, LineHistory } from '../ports/terminal.ts'
import type { Timers } from '../ports/timers.ts'

export interface CliWorld {
  write(text: string): void
  writeError(text: string): void
  /** Opened by the shell alone: nothing else reads standard input. */
  readonly lineEditor: LineEditor
  /** Used only while a person is typing. Rejects with an Error whose message says why. */
  readonly lineHistory: LineHistory
  /** A person is typing: show prompts. */
  readonly isInteractive: boolean
  readonly dialer: Dialer
  readonly timers: Timers
  /** For commands on the data folder of a server that does not run. */
  readonly disk: Disk
  /** Rejects with an Error whose message says why. */
  readFile(path: string): Promise<string>
  /** Rejects with a `ClientError` when no server accepts in time. */
  connect(options: ClientOptions, connectTimeoutMs: number): Promise<Client>
}

export interface CliSettings {
  readonly servers: string
  readonly isJson: boolean
  readonly timeoutMs: number
  /** A server without a leader will do, for reads. */
  readonly canBeReadOnly: boolean
  /** Given to every session that is opened. */
  readonly auth: readonly { readonly scheme: string; readonly credentials: string }[]
}
