/**
 * One attempt to follow a leader, once this server is in step with it. Sends the requests of this server's clients to
 * the leader, all of a turn in one message, and receives its answers. Messages with another syncId are ignored: an
 * answer from an earlier attempt could be taken for the answer to a later request. Discarded when the attempt ends.
 */
import type { ServerId, SessionId } from '../base/ids.ts'
import type { ForwardedRequest, RequestMessage, SyncId, ZabMessage } from '../protocol/peer/peer-message.ts'
import type { Clients } from './clients/clients.ts'
import type { LeaderRoute } from './clients/serving.ts'
import type { EffectList } from './effect-list.ts'

export interface FollowershipOptions {
  readonly leader: ServerId
  readonly syncId: SyncId
  /** This server's incarnation; see ReplicaOptions. */
  readonly incarnation: number
  readonly recordsMoves: boolean // by the leader
  readonly clients: Clients
  readonly effects: EffectList
}

type HeartbeatReply = Extract<ZabMessage, { readonly kind: 'heartbeat-reply' }>
type FromLeader = Extract<RequestMessage, { readonly kind: 'answer' | 'revalidated' }>

export class Followership implements LeaderRoute {
  readonly recordsMoves: boolean
  readonly #options: FollowershipOptions
  #forwards: ForwardedRequest[] = [] // of this turn
  #heartbeatReply: HeartbeatReply | null = null // of this turn

  constructor(options: FollowershipOptions) {
    this.#options = options
    this.recordsMoves = options.recordsMoves
  }

  submit(request: ForwardedRequest): void {
    this.#forwards.push(request)
  }

  revalidate(sequence: number, sessionId: SessionId, timeoutMs: number): void {
    this.#sendForwards() // one of them may create the session
    const { leader, syncId, incarnation, effects } = this.#options
    effects.send(leader, { kind: 'revalidate', syncId, sequence, sessionId, timeoutMs, incarnation })
  }

  endTurn(): void {
    this.#sendForwards()
    if (this.#heartbeatReply !== null) this.#sendHeartbeatReply(this.#heartbeatReply)
  }

  /**
   * Keeps the reply until the end of the turn. After a pause of this server, heartbeats of the leader and pings of
   * clients wait in its sockets together, and the reply must name the sessions that pinged, whichever is read first.
   * The reply to the latest heartbeat replaces earlier ones.
   */
  replyToHeartbeat(reply: HeartbeatReply): void {
    this.#heartbeatReply = reply
  }

  /** Names the sessions that were heard from: only the leader expires sessions. */
  #sendHeartbeatReply(reply: HeartbeatReply): void {
    this.#heartbeatReply = null
    const touched: SessionId[] = []
    const { leader, clients, effects } = this.#options
    clients.sessions.drainHeardFrom((id) => touched.push(id))
    effects.send(leader, { ...reply, touched })
  }

  #sendForwards(): void {
    if (this.#forwards.length === 0) return
    const { leader, syncId, incarnation, effects } = this.#options
    effects.send(leader, { kind: 'forward', syncId, incarnation, requests: this.#forwards })
    this.#forwards = []
  }

  /** Whether a message with this `syncId` belongs to this attempt. */
  isOf(from: ServerId, syncId: SyncId): boolean {
    return from === this.#options.leader && syncId === this.#options.syncId
  }

  receive(from: ServerId, message: FromLeader): void {
    const { clients } = this.#options
    if (!this.isOf(from, message.syncId)) return
    if (message.kind === 'revalidated') return clients.sessions.revalidated(message.sequence, message.valid)
    for (const answer of message.answers) clients.receiveAnswer(answer)
  }
}
