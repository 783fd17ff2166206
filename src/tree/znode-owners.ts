/**
 * Who owns which znode: a session owns its ephemerals; containers and TTL znodes have no owner and end on their own.
 * Keeps a list of each kind, so that these znodes are found without a walk over the tree; the owner field is in the
 * store. invariant: a slot is listed exactly while its znode exists with that owner; if one were missing, an ephemeral
 * would outlive its session.
 */
import type { SessionId } from '../base/ids.ts'
import { EphemeralIndex, pathUnitsOf } from './ephemeral-index.ts'
import { ownerKindOf, unsignedOwner } from './owner-kind.ts'

export interface PathSource {
  pathOf(slot: number): string
}

export class ZnodeOwners {
  readonly #paths: PathSource
  readonly #ephemerals = new EphemeralIndex()
  readonly #transients = new Set<number>() // slots of containers and TTL znodes

  constructor(paths: PathSource) {
    this.#paths = paths
  }

  add(slot: number, owner: SessionId): void {
    const kind = ownerKindOf(owner)
    if (kind === 'session') this.#ephemerals.add(owner, slot, pathUnitsOf(this.#paths.pathOf(slot)))
    else if (kind !== 'none') this.#transients.add(slot)
  }

  /** The znode is about to be removed, or to get another owner. */
  remove(slot: number, owner: SessionId): void {
    const kind = ownerKindOf(owner)
    if (kind === 'session') this.#ephemerals.remove(owner, slot, pathUnitsOf(this.#paths.pathOf(slot)))
    else if (kind !== 'none') this.#transients.delete(slot)
  }

  isEphemeralOf(sessionId: SessionId, slot: number): boolean {
    return this.#ephemerals.has(unsignedOwner(sessionId), slot)
  }

  /** In no particular order. */
  ephemeralPathsOf(sessionId: SessionId): string[] {
    return this.#ephemerals.slotsOf(unsignedOwner(sessionId)).map((slot) => this.#paths.pathOf(slot))
  }

  /** The size of these paths in the txn that closes the session, by `pathUnitsOf`. */
  ephemeralPathUnitsOf(sessionId: SessionId): number {
    return this.#ephemerals.pathUnitsOf(unsignedOwner(sessionId))
  }

  /** Slots of containers and TTL znodes. */
  get transients(): ReadonlySet<number> {
    return this.#transients
  }

  get ephemeralsCount(): number {
    return this.#ephemerals.count
  }

  /** Sessions that own an ephemeral. */
  get sessionCount(): number {
    return this.#ephemerals.sessionCount
  }
}
