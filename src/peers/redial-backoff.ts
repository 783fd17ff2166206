/**
 * When to dial a peer again: soon after a link was lost, since most restarts are short, and ever more rarely while
 * nobody answers. Jitter keeps servers that lost the same peer from calling it in step.
 */
const firstDelayMs = 50
const delayMsMax = 1000

/** `failedAttempts` since the link was last up; `uint32` is a uniform random number. */
export function redialDelayMs(failedAttempts: number, uint32: number): number {
  const full = Math.min(firstDelayMs * 2 ** Math.min(failedAttempts, 16), delayMsMax)
  return full / 2 + (full / 2) * (uint32 / 2 ** 32)
}
