/**
 * The names that were added under each parent: the way from a znode to those of its children that are not in the tree
 * yet. Names are never removed, so the caller looks each name up, and the owner replaces the whole object when most
 * names are old. If a name were missing, that child would survive the removal of its parent.
 */
import { nameOf, parentOf } from '../protocol/client/path.ts'

const noNames: ReadonlySet<string> = new Set()

export class NamesByParent {
  readonly #names = new Map<string, Set<string>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  add(path: string): void {
    if (path === '/') return
    const parent = parentOf(path)
    const name = nameOf(path)
    const names = this.#names.get(parent)
    if (names === undefined) this.#names.set(parent, new Set([name]))
    else if (names.has(name)) return
    else names.add(name)
    this.#count += 1
  }

  of(parent: string): ReadonlySet<string> {
    return this.#names.get(parent) ?? noNames
  }
}
