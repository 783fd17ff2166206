/**
 * The writes of the sweep, in order, and what a client reads after each of them. Every write changes something that no other
 * write changes in the same way, so that what is read says how many writes have happened. Every write has a condition that
 * fails if the write, or the one before it, has happened already: a client that repeats writes after a lost connection
 * changes nothing twice.
 */
import type { ClientRequest, WriteRequest } from '../simulator/sim-event.ts'

export interface ReadZnode {
  readonly data: string
  readonly version: number
  readonly isEphemeral: boolean
}

/** By path, without the root and what is below /zookeeper. */
export type Content = ReadonlyMap<string, ReadZnode>

export const parents = ['/a', '/b', '/q', '/e'] as const

/** More than two sectors, and more than half a segment of the log. */
const largeSizeChars = 1200

/** Where znodes below /a of an earlier round go. */
const keptWrites = 32

export class Writes {
  readonly #requests: ClientRequest[] = []
  readonly #contents: Content[] = [new Map()]
  readonly #now = new Map<string, ReadZnode>()
  #sequentialCount = 0

  at(index: number): ClientRequest {
    while (this.#requests.length <= index) this.#add()
    return this.#requests[index]!
  }

  contentAfter(count: number): Content {
    while (this.#contents.length <= count) this.#add()
    return this.#contents[count]!
  }

  #add(): void {
    const index = this.#requests.length
    const parts = this.#partsOf(index)
    for (const part of parts) this.#apply(part)
    this.#requests.push(parts.length === 1 ? parts[0]! : { kind: 'multi', parts })
    this.#contents.push(new Map(this.#now))
  }

  #partsOf(index: number): readonly WriteRequest[] {
    const parent = parents[index]
    if (parent !== undefined) return [create(parent, `${index}`)]
    const old = `/a/m${index - 1 - keptWrites}`
    switch (index % 8) {
      case 0:
        return [create(`/a/n${index}`, `${index}`)]
      case 1:
        return [this.#set(this.#now.has(`/a/n${index - 1}`) ? `/a/n${index - 1}` : '/a', large(index))]
      case 2:
        return [this.#set('/q', `${index}`), { ...create('/q/s-', `${index}`), sequential: true }]
      case 3:
        return [{ ...create(`/e/e${index}`, `${index}`), ephemeral: true }]
      case 4:
        return [this.#set('/b', large(index))]
      case 5:
        // One of three ephemeral znodes stays.
        return [index % 3 === 0 ? this.#set('/e', `${index}`) : this.#deleteIfAny(`/e/e${index - 2}`, index)]
      case 6:
        return [
          create(`/a/m${index}`, `${index}`),
          this.#set('/b', `${index}`),
          this.#deleteIfAny(`/a/n${index - 6}`, index),
        ]
      default:
        return [this.#deleteIfAny(old, index)]
    }
  }

  #deleteIfAny(path: string, index: number): WriteRequest {
    if (!this.#now.has(path)) return this.#set('/a', `${index}`)
    return { kind: 'delete', path, version: -1 }
  }

  #set(path: string, data: string): WriteRequest {
    return { kind: 'set-data', path, data, version: this.#now.get(path)!.version }
  }

  #apply(part: WriteRequest): void {
    if (part.kind === 'delete') this.#now.delete(part.path)
    else if (part.kind === 'set-data') {
      const { version, isEphemeral } = this.#now.get(part.path)!
      this.#now.set(part.path, { data: part.data!, version: version + 1, isEphemeral })
    } else if (part.kind === 'create') {
      const suffix = part.sequential ? `${this.#sequentialCount++}`.padStart(10, '0') : ''
      this.#now.set(`${part.path}${suffix}`, { data: part.data!, version: 0, isEphemeral: part.ephemeral })
    }
  }
}

function create(path: string, data: string): Extract<WriteRequest, { readonly kind: 'create' }> {
  return { kind: 'create', path, data, ephemeral: false, sequential: false, withStat: false, guarded: false }
}

function large(index: number): string {
  return `${index}`.padEnd(largeSizeChars, '.')
}

/** Null if they are equal, otherwise the first difference. */
export function differenceOf(found: Content, expected: Content): string | null {
  for (const [path, znode] of expected) {
    const other = found.get(path)
    if (other === undefined) return `${path} is missing`
    if (textOf(other) !== textOf(znode)) return `${path} is ${textOf(other)}, expected ${textOf(znode)}`
  }
  for (const path of found.keys()) if (!expected.has(path)) return `${path} should not exist`
  return null
}

function textOf({ data, version, isEphemeral }: ReadZnode): string {
  return `'${data.slice(0, 8)}' (${data.length}) version ${version}${isEphemeral ? ' ephemeral' : ''}`
}
