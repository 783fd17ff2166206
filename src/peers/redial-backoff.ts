/**
 * When to dial a peer again: soon after a link was lost, since most restarts are short, and ever more rarely while
 * nobody answers. Jitter keeps servers that lost the same peer from calling it in step.
 */
const firstDelayMs = 50
const delayMsMax = 1000
/** A process whose id is in use elsewhere waits for a human. One that has just restarted is let in long before. */
const idInUseDelayMsMax = 10_000

/** `failedAttempts` since the link was last up; `uint32` is a uniform random number. */
export function redialDelayMs(failedAttempts: number, uint32: number, isOwnIdInUse: boolean): number {
  const bound = isOwnIdInUse ? idInUseDelayMsMax : delayMsMax
  const full = Math.min(firstDelayMs * 2 ** Math.min(failedAttempts, 16), bound)
  return full / 2 + (full / 2) * (uint32 / 2 ** 32)
}
