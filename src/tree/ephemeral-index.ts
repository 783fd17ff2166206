/**
 * Which slots each session owns, so that closing a session costs what it owns. Slots are small integers: the sets
 * hold no objects. invariant: a slot is here exactly while its znode exists and its owner is a session.
 */
import { assert } from '../base/assert.ts'
import type { SessionId } from '../base/ids.ts'

export class EphemeralIndex {
  readonly #slots = new Map<SessionId, Set<number>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  get sessionCount(): number {
    return this.#slots.size
  }

  add(owner: SessionId, slot: number): void {
    const slots = this.#slots.get(owner)
    if (slots === undefined) this.#slots.set(owner, new Set([slot]))
    else slots.add(slot)
    this.#count += 1
  }

  remove(owner: SessionId, slot: number): void {
    const slots = this.#slots.get(owner)
    assert(slots?.delete(slot) === true, 'an ephemeral znode is listed under its session', { owner, slot })
    if (slots.size === 0) this.#slots.delete(owner)
    this.#count -= 1
  }

  has(owner: SessionId, slot: number): boolean {
    return this.#slots.get(owner)?.has(slot) ?? false
  }

  /** In no particular order. */
  slotsOf(owner: SessionId): readonly number[] {
    return [...(this.#slots.get(owner) ?? [])]
  }
}
