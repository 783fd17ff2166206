/**
 * By session, the paths of the znodes that it will own by txns in flight, each with the zxid of the last of these txns
 * that changes the znode. May list paths that are deleted again since.
 */
import type { SessionId, Zxid } from '../base/ids.ts'
import { pathUnitsOf } from '../tree/ephemeral-index.ts'

export class OwnedInFlight {
  readonly #paths = new Map<SessionId, Map<string, Zxid>>()
  readonly #units = new Map<SessionId, number>()

  pathsOf(owner: SessionId): Iterable<string> {
    return this.#paths.get(owner)?.keys() ?? []
  }

  /** The size of these paths, by `pathUnitsOf`. */
  pathUnitsOf(owner: SessionId): number {
    return this.#units.get(owner) ?? 0
  }

  add(owner: SessionId, path: string, zxid: Zxid): void {
    const paths = this.#paths.get(owner)
    if (paths === undefined || !paths.has(path)) {
      this.#units.set(owner, this.pathUnitsOf(owner) + pathUnitsOf(path))
    }
    if (paths === undefined) this.#paths.set(owner, new Map([[path, zxid]]))
    else paths.set(path, zxid)
  }

  /** The txn is applied. The path stays if a later txn changes the znode. */
  remove(owner: SessionId, path: string, zxid: Zxid): void {
    const paths = this.#paths.get(owner)
    if (paths?.get(path) !== zxid) return
    paths.delete(path)
    this.#units.set(owner, this.pathUnitsOf(owner) - pathUnitsOf(path))
    if (paths.size > 0) return
    this.#paths.delete(owner)
    this.#units.delete(owner)
  }
}
