/**
 * When to dial a peer again: soon after a link was lost, since most restarts are short, and at growing intervals while
 * the peer does not answer. Jitter keeps servers that lost the same peer from dialling it at the same moment.
 */
const firstDelayMs = 50
const delayMsMax = 1000
/**
 * A process whose id another process has, or that the peer does not know, waits for its operator. One that has just
 * restarted is admitted much sooner.
 */
const refusedDelayMsMax = 10_000

/** `failedAttempts` since a link was last in use; `uint32` is a uniform random number. */
export function redialDelayMs(failedAttempts: number, uint32: number, isRefused: boolean): number {
  const bound = isRefused ? refusedDelayMsMax : delayMsMax
  const full = Math.min(firstDelayMs * 2 ** Math.min(failedAttempts, 16), bound)
  return full / 2 + (full / 2) * (uint32 / 2 ** 32)
}
