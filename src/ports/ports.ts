import type { OpenCheckpoints } from './checkpoints.ts'
import type { Clock } from './clock.ts'
import type { Digest } from './digest.ts'
import type { Disk } from './disk.ts'
import type { HttpListener } from './http.ts'
import type { Log } from './log.ts'
import type { Random } from './random.ts'
import type { Dialer, Listener } from './stream.ts'
import type { Timers } from './timers.ts'

/** Everything outside the process that a server may use. The simulator passes its own. */
export interface Ports {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly disk: Disk
  readonly openCheckpoints: OpenCheckpoints
  readonly listener: Listener
  readonly dialer: Dialer
  /** Left out: nothing is served over HTTP. */
  readonly http?: HttpListener
  readonly digest: Digest
  readonly log: Log
}
