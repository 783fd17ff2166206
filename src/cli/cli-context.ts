/**
 * The ports of zkts-cli: terminal, network, time, files. cli-main.ts passes the real ones, tests pass simulated ones.
 */
import type { Client, ClientOptions } from '../client/types.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk } from '../ports/disk.ts'
import type { KeyValueStores } from '../ports/key-values.ts'
import type { Random } from '../ports/random.ts'
import type { Dialer } from '../ports/stream.ts'
import type { LineEditor, LineHistory } from '../ports/terminal.ts'
import type { Timers } from '../ports/timers.ts'

export interface CliContext {
  write(text: string): void
  writeError(text: string): void
  /** Only the shell opens it; nothing else reads standard input. */
  readonly lineEditor: LineEditor
  /** Used only if `isInteractive`. Rejects with an Error whose message says why. */
  readonly lineHistory: LineHistory
  /** Input and output are a terminal: the shell shows prompts and keeps a history. */
  readonly isInteractive: boolean
  readonly dialer: Dialer
  readonly timers: Timers
  readonly clock: Clock
  readonly random: Random
  /** For commands on the data folder of a stopped server. */
  readonly disk: Disk
  /** For checkpoints. Called only by commands that need it, since loading it takes time. */
  stores(): Promise<KeyValueStores>
  /** Rejects with an Error whose message says why. */
  readFile(path: string): Promise<string>
  /** Rejects with a `ClientError` if no server accepts a session within `connectTimeoutMs`. */
  connect(options: ClientOptions, connectTimeoutMs: number): Promise<Client>
}

export interface CliSettings {
  readonly servers: string
  readonly isJson: boolean
  readonly timeoutMs: number
  /** Also accept a server without a leader, for reads. */
  readonly canBeReadOnly: boolean
  /** Credentials that authenticate every session. */
  readonly auth: readonly { readonly scheme: string; readonly credentials: string }[]
}
