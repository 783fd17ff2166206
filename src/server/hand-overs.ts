/**
 * Requests of this process that another server should lead: from operators, from its own end, and from the program that
 * embeds it. Owns: who waits for which outcome. A request for a target that is already asked for shares its outcome.
 */
import type { HandOverTarget } from '../zab/zab-contract.ts'
import type { Turn } from './turn.ts'

/** `problem` null: the leadership has been given away, or the leader has been asked. */
type Done = (problem: string | null) => void

export class HandOvers {
  readonly #turn: Pick<Turn, 'feed' | 'isStopped'>
  readonly #waiting = new Map<HandOverTarget, Done[]>()

  constructor(turn: Pick<Turn, 'feed' | 'isStopped'>) {
    this.#turn = turn
  }

  /** `done` is called once, maybe before this returns. */
  ask(to: HandOverTarget, done: Done): void {
    if (this.#turn.isStopped) return done(stopped)
    const waiting = this.#waiting.get(to)
    if (waiting !== undefined) {
      waiting.push(done)
      return
    }
    this.#waiting.set(to, [done])
    this.#turn.feed({ kind: 'hand-over', to })
  }

  /** The answer of the replica. */
  ended(to: HandOverTarget, problem: string | null): void {
    const waiting = this.#waiting.get(to) ?? []
    this.#waiting.delete(to)
    for (const done of waiting) done(problem)
  }

  /** The server stops: no answer is going to come. */
  abort(): void {
    for (const to of [...this.#waiting.keys()]) this.ended(to, stopped)
  }
}

const stopped = 'this server has stopped'
