/**
 * When to dial a peer again: soon after a link was lost, since most restarts are short, and at growing intervals while
 * the peer does not answer. Jitter keeps servers that lost the same peer from dialling it at the same moment.
 */
const firstDelayMs = 50
const delayMsMax = 1000
/**
 * A process whose id another process has waits for its operator. One that has just restarted is admitted much sooner.
 */
const idInUseDelayMsMax = 10_000

/** `failedAttempts` since the link was last up; `uint32` is a uniform random number. */
export function redialDelayMs(failedAttempts: number, uint32: number, isOwnIdInUse: boolean): number {
  const bound = isOwnIdInUse ? idInUseDelayMsMax : delayMsMax
  const full = Math.min(firstDelayMs * 2 ** Math.min(failedAttempts, 16), bound)
  return full / 2 + (full / 2) * (uint32 / 2 ** 32)
}
