/**
 * The znodes that the generator believes to exist. It learns them from the answers, so that most requests find a znode.
 * It may be wrong; then a request fails on both servers.
 */
import type { SeededRandom } from '../../support/seeded-random.ts'
import { type Operation, type Text, top } from './calls.ts'
import { type Decoded, exactValue } from './decode-frame.ts'

const watchedCountMax = 30

export interface KnownNode {
  version: number
  aversion: number
  /** Of the session that owns it; undefined unless ephemeral. */
  readonly owner: number | undefined
}

export class KnownTree {
  readonly #nodes = new Map<string, KnownNode>()
  /** A list of their own: some requests must not touch them. */
  readonly #quotaZnodes = new Set<string>()
  #watched: readonly string[] = []

  get size(): number {
    return this.#nodes.size
  }

  get(path: string): KnownNode | undefined {
    return this.#nodes.get(path)
  }

  has(path: string): boolean {
    return this.#nodes.has(path)
  }

  /** A path on which any connection set a watch lately. */
  watched(random: SeededRandom): string {
    return this.#watched.length === 0 ? top : random.pick(this.#watched)
  }

  hasQuotaZnode(path: string): boolean {
    return this.#quotaZnodes.has(path)
  }

  any(random: SeededRandom): string {
    return this.#nodes.size === 0 ? top : random.pick([...this.#nodes.keys()])
  }

  leaf(random: SeededRandom): string {
    const paths = [...this.#nodes.keys()]
    const leaves = paths.filter((path) => path !== top && !paths.some((other) => other.startsWith(`${path}/`)))
    return leaves.length === 0 ? top : random.pick(leaves)
  }

  sessionEnded(session: number): void {
    for (const [path, { owner }] of this.#nodes) if (owner === session) this.#nodes.delete(path)
  }

  learn(operation: Operation, answer: Decoded | null, session: number | undefined, actualTop: string): void {
    if (answer === null || exactValue(answer, 'err') !== '0') return
    const path = watchedPath(operation)
    if (path !== null) this.#watched = [...this.#watched.slice(-watchedCountMax), path]
    if (operation.op === 'multi') {
      if (answer.fields.some(({ name }) => name.endsWith('.code'))) return
      for (const [index, part] of operation.parts.entries())
        this.#learnOne(part, answer, `${index}.`, session, actualTop)
    } else {
      this.#learnOne(operation, answer, '', session, actualTop)
    }
  }

  #learnOne(
    operation: Operation,
    answer: Decoded,
    prefix: string,
    session: number | undefined,
    actualTop: string,
  ): void {
    switch (operation.op) {
      case 'create':
      case 'create2':
      case 'createContainer':
      case 'createTTL': {
        const path = exactValue(answer, `${prefix}path`)?.replace(actualTop, top)
        const isPlain = operation.op === 'create' || operation.op === 'create2'
        const isEphemeral = isPlain && (operation.flags === 1 || operation.flags === 3)
        if (path?.startsWith('/zookeeper/quota/') === true) this.#quotaZnodes.add(path)
        else if (path?.startsWith('/') === true)
          this.#nodes.set(path, { version: 0, aversion: 0, owner: isEphemeral ? session : undefined })
        return
      }
      case 'delete':
        this.#forget(operation.path)
        return
      case 'setData':
      case 'setACL': {
        const node = typeof operation.path === 'string' ? this.#nodes.get(operation.path) : undefined
        if (node === undefined) return
        if (operation.op === 'setData') node.version += 1
        else node.aversion += 1
        return
      }
      default:
    }
  }

  #forget(path: Text): void {
    if (typeof path !== 'string') return
    this.#nodes.delete(path)
    this.#quotaZnodes.delete(path)
  }
}

function watchedPath(operation: Operation): string | null {
  const isWatching = operation.op === 'addWatch' || ('watch' in operation && operation.watch !== 0)
  return isWatching && typeof operation.path === 'string' ? operation.path : null
}
