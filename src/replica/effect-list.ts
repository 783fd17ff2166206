/** The effects of the event in hand, in the order in which they will start. */
import type { ErrorName } from '../base/errors.ts'
import type { ConnectionId, ServerId, Xid } from '../base/ids.ts'
import { watchEventTypes } from '../protocol/client/watch-event.ts'
import type { PeerMessage } from '../protocol/peer/peer-message.ts'
import type { Notification } from '../watches/watch-table.ts'
import type { Effect, ReplicaCloseReason } from './contract.ts'
import { partsOf } from './message-parts.ts'

export class EffectList {
  #effects: Effect[] = []

  push(effect: Effect): void {
    this.#effects.push(effect)
  }

  send(to: ServerId, message: PeerMessage): void {
    if (message.kind !== 'forward' && message.kind !== 'answer') this.#effects.push({ kind: 'send', to, message })
    else for (const part of partsOf(message)) this.#effects.push({ kind: 'send', to, message: part })
  }

  reply(connection: ConnectionId, xid: Xid, zxid: number, error: ErrorName | null, body: Uint8Array | null): void {
    this.#effects.push({ kind: 'reply', connection, reply: { kind: 'operation', xid, zxid, error, body } })
  }

  notify({ connection, type, path }: Notification, zxid: number): void {
    this.#effects.push({ kind: 'notify', connection, event: { type: watchEventTypes[type], path, zxid } })
  }

  close(connection: ConnectionId, reason: ReplicaCloseReason): void {
    this.#effects.push({ kind: 'close-connection', connection, reason })
  }

  /** The list so far, which now belongs to the caller. */
  take(): readonly Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
