/**
 * One attempt to follow a leader that has come in step: what clients of this server ask goes out to it, all of a turn in
 * one message, and what it answers comes back. Only what belongs to this attempt counts, by its syncId: an answer of an
 * earlier one could be told for a request that went another way. Thrown away when the attempt ends.
 */
import type { ServerId, SessionId } from '../base/ids.ts'
import type { ForwardedRequest, RequestMessage, SyncId } from '../protocol/peer/peer-message.ts'
import type { ClientDesk } from './client-desk.ts'
import type { EffectList } from './effect-list.ts'
import type { WriteRoute } from './write-route.ts'

export interface FollowershipOptions {
  readonly leader: ServerId
  readonly syncId: SyncId
  /** Of this server; see ReplicaOptions. */
  readonly incarnation: number
  readonly clients: ClientDesk
  readonly effects: EffectList
}

type FromLeader = Extract<RequestMessage, { readonly kind: 'answer' | 'revalidated' }>

export class Followership implements WriteRoute {
  readonly #options: FollowershipOptions
  #forwards: ForwardedRequest[] = [] // of this turn

  constructor(options: FollowershipOptions) {
    this.#options = options
  }

  submit(request: ForwardedRequest): void {
    this.#forwards.push(request)
  }

  revalidate(sequence: number, sessionId: SessionId, timeoutMs: number): void {
    this.#sendForwards() // one of them may be what makes the session known to the leader
    const { leader, syncId, effects } = this.#options
    effects.send(leader, { kind: 'revalidate', syncId, sequence, sessionId, timeoutMs })
  }

  endTurn(): void {
    this.#sendForwards()
  }

  #sendForwards(): void {
    if (this.#forwards.length === 0) return
    const { leader, syncId, incarnation, effects } = this.#options
    effects.send(leader, { kind: 'forward', syncId, incarnation, requests: this.#forwards })
    this.#forwards = []
  }

  receive(from: ServerId, message: FromLeader): void {
    const { leader, syncId, clients } = this.#options
    if (from !== leader || message.syncId !== syncId) return
    if (message.kind === 'revalidated') return clients.sessions.revalidated(message.sequence, message.valid)
    for (const answer of message.answers) clients.receiveAnswer(answer)
  }

  /** The sessions of our clients that the leader shall keep alive. */
  takeHeardFrom(): readonly SessionId[] {
    const heardFrom: SessionId[] = []
    this.#options.clients.sessions.drainHeardFrom((id) => heardFrom.push(id))
    return heardFrom
  }
}
