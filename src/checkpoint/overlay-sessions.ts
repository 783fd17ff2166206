/**
 * The sessions that a few txns create and close, over a store on disk that is read beforehand, as `OverlayStore` has
 * znodes. Keeps the order of creation: a session that a txn creates although it exists keeps its place, as in SessionTable.
 */
import { assert } from '../base/assert.ts'
import type { ServerId, SessionId, Zxid } from '../base/ids.ts'
import type { KeyValue } from '../ports/key-values.ts'
import type { ApplySessions } from '../tree/apply/apply-store.ts'
import { viewOf } from './chunk.ts'
import { sessionKeyOf } from './store-keys.ts'
import { encodeSession, readSession, type StoredSession, sessionValueSizeBytes } from './store-values.ts'

interface OverlaySession {
  session: StoredSession | null
  readonly isStored: boolean
  isChanged: boolean
}

export interface SessionChanges {
  readonly puts: readonly KeyValue[]
  readonly removals: readonly Uint8Array[]
  readonly countDifference: number
}

const sessionOverheadBytes = 200

export class OverlaySessions implements ApplySessions {
  readonly #sessions = new Map<SessionId, OverlaySession>()
  #zxid = 0 as Zxid
  #order = 0

  /** Of what is kept until it is written, about. */
  get sizeBytes(): number {
    return this.#sessions.size * sessionOverheadBytes
  }

  /** The changes that follow are those of the txn with this zxid. */
  begin(zxid: Zxid): void {
    this.#zxid = zxid
    this.#order = 0
  }

  knows(sessionId: SessionId): boolean {
    return this.#sessions.has(sessionId)
  }

  /** The value that the store has for the session; null: it has none. Returns false if the value is no session. */
  note(sessionId: SessionId, value: Uint8Array | null): boolean {
    if (value !== null && value.length !== sessionValueSizeBytes) return false
    const session = value === null ? null : readSession(viewOf(value), 0)
    this.#sessions.set(sessionId, { session, isStored: session !== null, isChanged: false })
    return true
  }

  put(sessionId: SessionId, timeoutMs: number, attachedTo: ServerId | null): void {
    const known = this.#known(sessionId)
    const { zxid, order } = known.session ?? { zxid: this.#zxid, order: this.#order++ }
    known.session = { timeoutMs, attachedTo, zxid, order }
    known.isChanged = true
  }

  remove(sessionId: SessionId): void {
    const known = this.#known(sessionId)
    known.session = null
    known.isChanged = true
  }

  changes(): SessionChanges {
    const puts: KeyValue[] = []
    const removals: Uint8Array[] = []
    let countDifference = 0
    for (const [id, { session, isStored, isChanged }] of this.#sessions) {
      if (!isChanged) continue
      countDifference += (session === null ? 0 : 1) - (isStored ? 1 : 0)
      if (session !== null) puts.push({ key: sessionKeyOf(id), value: encodeSession(session) })
      else if (isStored) removals.push(sessionKeyOf(id))
    }
    return { puts, removals, countDifference }
  }

  /** The changes are durable. */
  settle(): void {
    this.#sessions.clear()
  }

  #known(sessionId: SessionId): OverlaySession {
    const known = this.#sessions.get(sessionId)
    assert(known !== undefined, 'a session that a txn changes was read beforehand', { sessionId })
    return known
  }
}
