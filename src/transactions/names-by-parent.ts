/**
 * Which names were seen under which parent: the way from a znode to those of its children that are in no tree yet.
 * Says more than is true, since nothing is taken out of it: whoever asks looks each name up, and whoever keeps it starts
 * anew when most of it is old. A name that is missing would survive the removal of its parent.
 */
import { nameOf, parentOf } from '../protocol/client/path.ts'

const nobody: ReadonlySet<string> = new Set()

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
    return this.#names.get(parent) ?? nobody
  }
}
