/**
 * Which slots each session owns, so that closing a session costs time only for what it owns. Slots are small integers:
 * the sets hold no objects. invariant: a slot is listed exactly while its znode exists and its owner is a session.
 */
import { assert } from '../base/assert.ts'
import type { SessionId } from '../base/ids.ts'

/** The size of a path in the txn that closes its session: its UTF-16 units and 4 for what encloses it. */
export function pathUnitsOf(path: string): number {
  return path.length + 4
}

interface OwnedSlots {
  readonly slots: Set<number>
  pathUnits: number
}

export class EphemeralIndex {
  readonly #owned = new Map<SessionId, OwnedSlots>()
  #count = 0

  get count(): number {
    return this.#count
  }

  get sessionCount(): number {
    return this.#owned.size
  }

  add(owner: SessionId, slot: number, pathUnits: number): void {
    const owned = this.#owned.get(owner)
    if (owned === undefined) {
      this.#owned.set(owner, { slots: new Set([slot]), pathUnits })
    } else {
      owned.slots.add(slot)
      owned.pathUnits += pathUnits
    }
    this.#count += 1
  }

  remove(owner: SessionId, slot: number, pathUnits: number): void {
    const owned = this.#owned.get(owner)
    assert(owned?.slots.delete(slot) === true, 'an ephemeral znode is listed under its session', { owner, slot })
    owned.pathUnits -= pathUnits
    if (owned.slots.size === 0) this.#owned.delete(owner)
    this.#count -= 1
  }

  has(owner: SessionId, slot: number): boolean {
    return this.#owned.get(owner)?.slots.has(slot) ?? false
  }

  /** The sum of `pathUnits` over the session's slots. */
  pathUnitsOf(owner: SessionId): number {
    return this.#owned.get(owner)?.pathUnits ?? 0
  }

  /** In no particular order. */
  slotsOf(owner: SessionId): readonly number[] {
    return [...(this.#owned.get(owner)?.slots ?? [])]
  }
}
