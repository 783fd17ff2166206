/**
 * Shortens a sequence that ends in a difference to one that still does.
 * Owns: which parts are left out, greedily: halves of the steps first, then single steps, then single calls. Every attempt runs
 * below a folder of its own on the same servers, so it starts from nothing.
 */
import type { Step } from './calls.ts'
import type { Sides, Unexplained } from './compare.ts'
import { freshTop, type Played, play, recorded } from './play.ts'

export interface Shrunk {
  readonly steps: readonly Step[]
  readonly unexplained: readonly Unexplained[]
  readonly attemptCount: number
}

/** Null if the sequence does not differ when it is played again. */
export async function shrink(
  ports: Sides<readonly number[]>,
  steps: readonly Step[],
  isStrict: boolean,
  timeBoxMs: number,
): Promise<Shrunk | null> {
  const deadline = performance.now() + timeBoxMs
  let attemptCount = 0
  const attempt = async (candidate: readonly Step[]): Promise<Played | null> => {
    attemptCount += 1
    const played = await play(ports, freshTop(), recorded(candidate), isStrict, new Map())
    return played.unexplained.length > 0 ? played : null
  }
  let best = await attempt(steps)
  if (best === null) return null
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = best.steps.length; end > 0 && performance.now() < deadline; end -= size) {
      const start = Math.max(0, end - size)
      const smaller = await attempt([...best.steps.slice(0, start), ...best.steps.slice(end)])
      if (smaller !== null) best = smaller
    }
  }
  for (let index = best.steps.length - 1; index >= 0; index -= 1) {
    const step = best.steps[index]
    if (step === undefined || !('calls' in step)) continue
    for (let call = step.calls.length - 1; call >= 0 && performance.now() < deadline; call -= 1) {
      const now: Step | undefined = best.steps[index]
      if (now === undefined || !('calls' in now) || (now.kind === 'requests' && now.calls.length < 2)) break
      const fewer = { ...now, calls: now.calls.filter((_, each) => each !== call) }
      const smaller = await attempt(best.steps.map((each, at) => (at === index ? fewer : each)))
      if (smaller !== null) best = smaller
    }
  }
  return { steps: best.steps, unexplained: best.unexplained, attemptCount }
}
