/**
 * The clients of a server that has lost its leader and has not got the next one yet (design D8): how long they can wait, which
 * of their requests go to the next leader, and which connections have to close. `Clients` owns the connections and says when
 * the time between two leaders begins and ends.
 * If a request went to the next leader although it was carried out, it would be done twice; if a client stayed whose request
 * is in doubt, the order of its requests could change (invariant 5).
 */
import type { ConnectionId } from '../../base/ids.ts'
import type { Config } from '../../config/config.ts'
import { operationOf, ops } from '../../protocol/client/operations.ts'
import type { WatchTable } from '../../watches/watch-table.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { ReplicaCloseReason } from '../contract.ts'
import type { CutReason, Trace } from '../trace-event.ts'
import type { AwaitedOutcomes } from './awaited-outcomes.ts'
import type { Client } from './client.ts'
import { clientsInDoubt } from './requests-in-doubt.ts'
import type { LeaderRoute } from './serving.ts'
import type { Sessions } from './sessions.ts'

export interface ClientsBetweenLeadersOptions {
  readonly connected: ReadonlyMap<ConnectionId, Client>
  readonly awaited: AwaitedOutcomes
  readonly sessions: Sessions
  readonly watches: WatchTable
  readonly state: ReplicatedState
  readonly config: Pick<Config, 'serverId'>
  readonly trace: Trace | null
  readonly close: (connectionId: ConnectionId, reason: ReplicaCloseReason) => void
}

export class ClientsBetweenLeaders {
  readonly #options: ClientsBetweenLeadersOptions

  constructor(options: ClientsBetweenLeadersOptions) {
    this.#options = options
  }

  cut({ connectionId, session, timeoutMs, isGone }: Client, why: CutReason): void {
    if (isGone) return
    const { trace, close } = this.#options
    if (session !== null) trace?.({ kind: 'client-cut', sessionId: session.id, timeoutMs, why })
    close(connectionId, session === null ? 'not-serving' : 'leader-lost')
  }

  cutAll(why: CutReason): void {
    this.#options.awaited.forgetClients()
    for (const client of [...this.#options.connected.values()]) this.cut(client, why)
  }

  /** A client pings after a third of its timeout, and looks for another server after two thirds. */
  cutThoseThatCannotWait(waitedMs: number): void {
    for (const client of [...this.#options.connected.values()]) {
      if (client.timeoutMs > 0 && waitedMs >= client.timeoutMs / 3) this.cut(client, 'waited')
    }
  }

  /**
   * A request that was sent to an earlier leader, or in an earlier attempt to follow this one, and has not become a txn
   * by now never will: it goes to this leader. `proposed` has the numbers of those that are going to be applied. A leader
   * that has used up its zxids steps down at any request: then `isOver` is true.
   */
  sendAgain(leader: LeaderRoute, proposed: ReadonlySet<number>, isOver: () => boolean): void {
    const { awaited, sessions, state } = this.#options
    const entries = awaited.entries()
    const isEmpty = state.lastApplied === 0
    for (const client of clientsInDoubt(entries, proposed, isEmpty)) this.cut(client, 'in-doubt')
    for (const [sequence, each] of entries) {
      if (isOver()) return
      if (proposed.has(sequence)) continue
      if (each.kind === 'upgrade') sessions.sendAgain(leader, sequence, each)
      else if (each.client.isGone) awaited.take(sequence)
      else if (each.kind === 'session') sessions.sendAgain(leader, sequence, each)
      else if (each.sent !== null) leader.submit(each.sent, operationOf(each.sent.type)!)
    }
  }

  /**
   * A copy of the leader's state has replaced that of this server. It jumped over txns that this server did not see. A client
   * stays if nothing that concerns it can have been among them, except changes that its one-shot watches were waiting for.
   * A session that was being created and is not in the new state was not created, or has ended already: it is not created
   * again, since an id is given once.
   */
  stateReplaced(): void {
    const { awaited, sessions, state } = this.#options
    for (const [sequence, each] of awaited.entries()) {
      if (each.kind === 'upgrade') awaited.take(sequence)
      else if (each.kind === 'request') {
        const isWrite = each.sent !== null && each.sent.type !== ops.sync.opcode
        if (isWrite) this.cut(each.client, 'replaced')
      } else if (each.isNew) {
        awaited.take(sequence)
        if (state.sessions.has(each.id)) sessions.attach(each.client, each.id, each.timeoutMs)
        else this.cut(each.client, 'replaced')
      }
    }
    for (const client of [...this.#options.connected.values()]) {
      if (!this.#outlivesCopy(client)) this.cut(client, 'replaced')
    }
  }

  #outlivesCopy({ session, connectionId }: Client): boolean {
    const { state, config, watches } = this.#options
    if (watches.hasLasting(connectionId)) return false
    return session === null || session.isLocal || state.sessions.attachedTo(session.id) === config.serverId
  }

  /** This server serves again. */
  traceKept(): void {
    const { trace, connected } = this.#options
    if (trace === null) return
    let count = 0
    for (const { session } of connected.values()) if (session !== null) count++
    trace({ kind: 'clients-kept', count })
  }
}
