/**
 * What a server that is asked to stop does while it still runs: it hands its leadership over, answers the requests that it has
 * read, and ends each client connection after its last answer. Owns: the order of these steps, and when they are over.
 * A client may repeat elsewhere what it has sent without getting an answer, since that was not carried out. This holds unless
 * the limit is reached, which is logged. `turnEnded` is called at the end of each turn.
 */
import { closingAnswersMsMax, handOverLingerMs } from '../base/limits.ts'
import type { Log } from '../ports/log.ts'
import type { Timers } from '../ports/timers.ts'
import type { Replica } from '../replica/replica.ts'
import type { ClientSockets } from './clients/client-sockets.ts'
import type { HandOvers } from './hand-overs.ts'
import type { Turn } from './turn.ts'

export interface OrderlyCloseParts {
  readonly replica: Pick<Replica, 'role' | 'isServing'>
  readonly clients: Pick<ClientSockets, 'closeInOrder' | 'openCount'>
  readonly turn: Pick<Turn, 'schedule'>
  readonly handOvers: Pick<HandOvers, 'ask'>
  readonly timers: Timers
  readonly log: Log
}

type Phase =
  | { readonly kind: 'not-begun' }
  | { readonly kind: 'handing-over' }
  /** `followsSuccessor`: this server has led, and stays until it follows the new leader. */
  | { readonly kind: 'answering'; readonly followsSuccessor: boolean }
  | { readonly kind: 'lingering' }
  | { readonly kind: 'over' }

export class OrderlyClose {
  readonly #parts: OrderlyCloseParts
  #phase: Phase = { kind: 'not-begun' }
  #end: () => void = () => {}

  constructor(parts: OrderlyCloseParts) {
    this.#parts = parts
  }

  /** Resolves when the server owes its clients and its successor nothing more. Call it once, while the turn runs. */
  run(): Promise<void> {
    const { replica, clients, turn, timers, log, handOvers } = this.#parts
    const isLeading = replica.role === 'leading'
    log.info('server-closing', { isLeading, connectionCount: clients.openCount })
    const ended = new Promise<void>((resolve) => {
      const cancelLimit = timers.after(closingAnswersMsMax, () => this.#reachLimit())
      this.#end = (): void => {
        cancelLimit()
        resolve()
      }
    })
    this.#phase = isLeading ? { kind: 'handing-over' } : { kind: 'answering', followsSuccessor: false }
    clients.closeInOrder()
    if (isLeading) handOvers.ask(null, (problem) => this.#handOverEnded(problem))
    turn.schedule()
    return ended
  }

  /** `problem`: no other server leads now, or an election is going to find one. */
  #handOverEnded(problem: string | null): void {
    if (this.#phase.kind === 'handing-over') this.#phase = { kind: 'answering', followsSuccessor: problem === null }
  }

  turnEnded(): void {
    const { replica, clients, timers } = this.#parts
    if (this.#phase.kind !== 'answering' || clients.openCount > 0) return
    const { followsSuccessor } = this.#phase
    if (!followsSuccessor) return this.abort()
    if (replica.role === 'looking') return this.abort() // the successor has gone, too
    if (!replica.isServing) return
    // The successor may count this server in its only quorum until the others have joined as well.
    this.#phase = { kind: 'lingering' }
    timers.after(handOverLingerMs, () => this.abort())
  }

  /** Also called when the server must stop at once. */
  abort(): void {
    if (this.#phase.kind === 'not-begun' || this.#phase.kind === 'over') return
    this.#phase = { kind: 'over' }
    this.#end()
  }

  #reachLimit(): void {
    const connectionCount = this.#parts.clients.openCount
    if (connectionCount > 0) this.#parts.log.warn('clients-not-answered', { connectionCount })
    this.abort()
  }
}
