/**
 * When a leader sent its heartbeats. What a follower has answered, it heard when it was sent or later, and from then on it
 * waits for peerTimeoutMs. A leader that counted from the answer would believe in a follower that has left it.
 * Assumes: sequences and times rise. A request to confirm the leadership sends heartbeats too, perhaps in every turn, so
 * not each is kept, and none for longer than it matters.
 */
export class HeartbeatTimes {
  readonly #keptMs: number
  readonly #spacingMs: number
  #sent: { readonly sequence: number; readonly atMs: number }[] = []

  constructor(settings: { readonly peerTimeoutMs: number; readonly heartbeatIntervalMs: number }) {
    this.#keptMs = settings.peerTimeoutMs
    this.#spacingMs = settings.heartbeatIntervalMs / 4
  }

  sent(sequence: number, nowMs: number): void {
    const last = this.#sent.at(-1)
    if (last !== undefined && nowMs < last.atMs + this.#spacingMs) return
    this.#sent = this.#sent.filter(({ atMs }) => atMs >= nowMs - this.#keptMs)
    this.#sent.push({ sequence, atMs: nowMs })
  }

  /** The server that has answered heartbeat `sequence` has heard this leader at this time or later; null: unknown. */
  heardAtMs(sequence: number): number | null {
    return this.#sent.findLast((sent) => sent.sequence <= sequence)?.atMs ?? null
  }
}
