/**
 * Who owns which znode: a session its ephemerals, nobody else the containers and TTL znodes, which end on their own.
 * Keeps the owner in the store and the lists by which znodes of either kind are found without a walk over the tree.
 * invariant: a slot is listed exactly while its znode exists with that owner; if one were missing, an ephemeral would
 * outlive its session. Session ids are unsigned here; one decoded from the wire as signed means the same session.
 */
import type { SessionId } from '../base/ids.ts'
import { EphemeralIndex, pathUnitsOf } from './ephemeral-index.ts'
import { ownerKindOf } from './owner-kind.ts'
import { type TransientZnode, walkTransients } from './transient-znode.ts'
import type { ZnodeStore } from './znode-store.ts'

export class ZnodeOwners {
  readonly #store: ZnodeStore
  readonly #ephemerals = new EphemeralIndex()
  readonly #transients = new Set<number>() // slots of containers and TTL znodes

  constructor(store: ZnodeStore) {
    this.#store = store
  }

  own(slot: number, rawOwner: SessionId): void {
    const owner = normalOwner(rawOwner)
    this.#store.setOwner(slot, owner)
    const kind = ownerKindOf(owner)
    if (kind === 'session') this.#ephemerals.add(owner, slot, pathUnitsOf(this.#store.pathOf(slot)))
    else if (kind !== 'none') this.#transients.add(slot)
  }

  /** Its znode goes, or gets another owner. */
  disown(slot: number): void {
    const owner = this.#store.ownerOf(slot)
    const kind = ownerKindOf(owner)
    if (kind === 'session') this.#ephemerals.remove(owner, slot, pathUnitsOf(this.#store.pathOf(slot)))
    else if (kind !== 'none') this.#transients.delete(slot)
  }

  isOwnedBy(slot: number, sessionId: SessionId): boolean {
    return this.#ephemerals.has(normalOwner(sessionId), slot)
  }

  /** In no particular order. */
  ephemeralPathsOf(sessionId: SessionId): string[] {
    return this.#ephemerals.slotsOf(normalOwner(sessionId)).map((slot) => this.#store.pathOf(slot))
  }

  /** What these paths weigh in the txn that closes the session. */
  ephemeralPathUnitsOf(sessionId: SessionId): number {
    return this.#ephemerals.pathUnitsOf(normalOwner(sessionId))
  }

  transients(): IterableIterator<TransientZnode> {
    return walkTransients(this.#transients, this.#store)
  }

  /** A container or TTL znode that is listed. */
  isTransient(slot: number): boolean {
    return this.#transients.has(slot)
  }

  get ephemeralsCount(): number {
    return this.#ephemerals.count
  }

  /** Sessions that own something. */
  get sessionCount(): number {
    return this.#ephemerals.sessionCount
  }

  get transientCount(): number {
    return this.#transients.size
  }
}

function normalOwner(owner: SessionId): SessionId {
  return owner >= 0n ? owner : (BigInt.asUintN(64, owner) as SessionId)
}
