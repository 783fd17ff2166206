/** Reads time from the platform. Pure code never reads it: the driver stamps events with both readings. */
export interface Clock {
  /** Milliseconds from an arbitrary start, never going back; may have a fraction. */
  monotonicMs(): number
  /** Milliseconds since 1970, may jump either way; only for what clients see (ctime, mtime) and logs. */
  wallMs(): number
}
