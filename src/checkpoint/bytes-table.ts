/**
 * Values that are made from stretches of bytes, each distinct stretch once: ACLs, of which a store has few. Most lookups
 * ask for the stretch of the lookup before, so that one is compared first and builds no key.
 */
interface Row<T> {
  readonly bytes: Uint8Array // a copy
  readonly value: T
}

export class BytesTable<T> {
  readonly #rows = new Map<string, Row<T>>()
  #latest: Row<T> | null = null

  get size(): number {
    return this.#rows.size
  }

  values(): readonly T[] {
    return [...this.#rows.values()].map(({ value }) => value)
  }

  clear(): void {
    this.#rows.clear()
    this.#latest = null
  }

  /** `make` gets a copy of the bytes of [start, end); null: they mean nothing. */
  find(bytes: Uint8Array, start: number, end: number, make: (bytes: Uint8Array) => T | null): T | null {
    const latest = this.#latest
    if (latest !== null && isSameStretch(latest.bytes, bytes, start, end)) return latest.value
    const key = keyOf(bytes, start, end)
    let row = this.#rows.get(key)
    if (row === undefined) {
      const copy = bytes.slice(start, end)
      const value = make(copy)
      if (value === null) return null
      row = { bytes: copy, value }
      this.#rows.set(key, row)
    }
    this.#latest = row
    return row.value
  }
}

export function isSameStretch(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i += 1) if (known[i] !== bytes[start + i]) return false
  return true
}

/** One UTF-16 unit for each byte. */
function keyOf(bytes: Uint8Array, start: number, end: number): string {
  let key = ''
  for (let at = start; at < end; at += 1) key += String.fromCharCode(bytes[at]!)
  return key
}
