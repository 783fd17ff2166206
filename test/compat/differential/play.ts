/**
 * Plays one sequence on both servers, comparing step by step, until it ends or the servers differ.
 * Owns: the folder below which each sequence works, so that many can run on the same pair of servers.
 */
import { type Step, top } from './calls.ts'
import { Comparer, type Sides, type Unexplained } from './compare.ts'
import { Correspondence, type SideName } from './correspondence.ts'
import type { Decoded } from './decode-frame.ts'
import { decodeConnectResponse } from './decode-frame.ts'
import { isConnected } from './generator.ts'
import { rules, rulesUnderStrict } from './rules.ts'
import { Side } from './side.ts'

/** Gives the next step, and gets the outcome of each. */
export interface StepSource {
  next(): Step | null
  learn(step: Step, answers: readonly (Decoded | null)[], closed: readonly number[], connected: boolean): void
}

export interface Played {
  /** The steps that were played; a difference is in the last one. */
  readonly steps: readonly Step[]
  readonly requestCount: number
  readonly unexplained: readonly Unexplained[]
}

let runCount = 0

/** As long as `top`, and not used before on these servers. */
export function freshTop(): string {
  runCount += 1
  return `/${runCount.toString(36).padStart(top.length - 1, 't')}`
}

export async function play(
  ports: Sides<readonly number[]>,
  actualTop: string,
  source: StepSource,
  isStrict: boolean,
  uses: Map<string, number>,
): Promise<Played> {
  const movesTakeZxids = ports.ours.length > 1 && !isStrict // docs/internals/sessions.md
  const pairs = new Correspondence({ isOneToOne: isStrict, movesTakeZxids })
  const sideOf = (name: SideName): Side =>
    new Side({
      ports: ports[name],
      top: actualTop,
      closesUnserved: name === 'theirs' || isStrict,
      zxidOf: (ref) => pairs.resolve(name, ref),
    })
  const sides: Sides<Side> = {
    theirs: sideOf('theirs'),
    ours: sideOf('ours'),
  }
  const comparer = new Comparer(pairs, sides, isStrict ? rulesUnderStrict : rules, uses)
  const steps: Step[] = []
  let requestCount = 0
  let unexplained: readonly Unexplained[] = []
  try {
    await Promise.all([sides.theirs.open(), sides.ours.open()])
    for (let step = source.next(); step !== null && unexplained.length === 0; step = source.next()) {
      if (!sides.theirs.canPlay(step) || !sides.ours.canPlay(step)) continue
      steps.push(step)
      requestCount += 'calls' in step ? step.calls.length + Number(step.kind === 'connect') : 1
      const [theirs, ours] = await Promise.all([sides.theirs.play(step), sides.ours.play(step)])
      const result = comparer.compare(step, { theirs, ours })
      unexplained = result.unexplained
      for (const slot of result.halfClosed) await Promise.all([sides.theirs.drop(slot), sides.ours.drop(slot)])
      const first = step.kind === 'connect' ? theirs.get(step.slot)?.frames[0] : undefined
      const connected = first !== undefined && isConnected(decodeConnectResponse(first))
      source.learn(step, result.answers, result.closed, connected)
    }
  } finally {
    await Promise.all([sides.theirs.dropAll(), sides.ours.dropAll()])
  }
  return { steps, requestCount, unexplained }
}

/** The same steps again, without those that can no longer be played. */
export function recorded(steps: readonly Step[]): StepSource {
  let index = 0
  return { next: () => steps[index++] ?? null, learn: () => {} }
}
