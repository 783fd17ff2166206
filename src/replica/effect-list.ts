/** The effects of the event being handled, in the order in which they will start. */
import type { ConnectionId, ServerId } from '../base/ids.ts'
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

  notify({ connectionId, type, path }: Notification, zxid: number): void {
    this.#effects.push({ kind: 'notify', connectionId, event: { type: watchEventTypes[type], path, zxid } })
  }

  close(connectionId: ConnectionId, reason: ReplicaCloseReason): void {
    this.#effects.push({ kind: 'close-connection', connectionId, reason })
  }

  /** Returns the effects so far and starts a new list. */
  take(): readonly Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
