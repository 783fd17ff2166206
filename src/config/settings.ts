/**
 * Typed access to the entries of a configuration, collecting every problem instead of stopping at the first.
 * It guards one invariant: reading a key with a bad value records a problem, so the default that it
 * returns can never start a server.
 */
import type { ConfigProblem, ConfigRemark, ConfigSource } from './config-problem.ts'
import { traitsOfKey } from './keys.ts'
import type { ConfigEntry } from './properties-text.ts'
import { wholeNumber } from './server-line.ts'
import { nearestWord } from './suggest-key.ts'

export interface SourcedEntry extends ConfigEntry {
  readonly source: ConfigSource
}

export class Settings {
  readonly problems: ConfigProblem[] = []
  readonly remarks: ConfigRemark[] = []
  readonly #byKey: ReadonlyMap<string, SourcedEntry>

  constructor(byKey: ReadonlyMap<string, SourcedEntry>) {
    this.#byKey = byKey
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  entry(key: string): SourcedEntry | null {
    return this.#byKey.get(key) ?? null
  }

  /** All entries whose key begins with `prefix`, in file order. */
  entriesBelow(prefix: string): readonly SourcedEntry[] {
    return [...this.#byKey.values()].filter(({ key }) => key.startsWith(prefix))
  }

  text(key: string): string | null {
    const value = this.#byKey.get(key)?.value
    return value === undefined || value === '' ? null : value
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.text(key)
    if (value === null) return otherwise
    const lower = value.toLowerCase()
    if (lower === 'true') return true
    if (lower !== 'false') this.refuse(key, 'this is a yes-or-no setting', 'write true or false')
    return false
  }

  /** Null if the key is not set, or if its value is no number in range. */
  number(key: string, min: number, max: number): number | null {
    const text = this.text(key)
    if (text === null) return null
    const value = wholeNumber(text)
    if (value !== null && value >= min && value <= max) return value
    this.refuse(key, 'not a whole number in range', `write a number from ${min} to ${max}`)
    return null
  }

  /** As `number`, in the forms that Java's system properties may have: 0x10, #10, 020 (ZK: Integer.getInteger). */
  integer(key: string, min: number, max: number): number | null {
    const text = this.text(key)
    const value = text === null ? null : decoded(text)
    if (text === null || value === null) return this.number(key, min, max)
    if (value >= min && value <= max) return value
    this.refuse(key, 'not a whole number in range', `write a number from ${min} to ${max}`)
    return null
  }

  /** A number that may have a fraction, as Java writes it; null as for `number`. */
  decimal(key: string, min: number, max: number): number | null {
    const text = this.text(key)
    if (text === null) return null
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : null
    if (value !== null && value >= min && value <= max) return value
    this.refuse(key, 'not a number in range', `write a number from ${min} to ${max}, such as 0.02`)
    return null
  }

  /** Adds a problem about a required key that is not set. If a similar unknown key is set, the problem names its line. */
  refuseMissing(key: string, wrong: string, write: string): void {
    const meant = [...this.#byKey.values()].find(
      (entry) => isUnknown(entry.key) && nearestWord(entry.key, [key]) !== null,
    )
    if (meant === undefined) this.refuse(key, wrong, write)
    else this.problems.push({ ...meant, wrong: `unknown key, and ${key} is missing`, write: `did you mean ${key}?` })
  }

  /** Adds a warning about a key that is set. */
  warn(key: string, wrong: string, write: string | null): void {
    const entry = this.#byKey.get(key)
    if (entry !== undefined) this.remarks.push({ ...entry, severity: 'warning', wrong, write })
  }

  /** Adds a problem about a key, with its line and value if it is set. */
  refuse(key: string, wrong: string, write: string | null): void {
    const entry = this.#byKey.get(key)
    this.problems.push({
      source: entry?.source ?? 'zoo.cfg',
      line: entry?.line ?? null,
      key,
      value: entry?.value ?? null,
      wrong,
      write,
    })
  }
}

function isUnknown(key: string): boolean {
  return traitsOfKey(key) === null
}

/** Java's Integer.decode for what is not plainly decimal; null for everything else. */
function decoded(text: string): number | null {
  const [, sign, prefix, digits] = /^([+-]?)(0x|#|0)([0-9a-f]{1,16})$/i.exec(text) ?? []
  if (prefix === undefined || digits === undefined) return null
  const isOctal = prefix === '0'
  if (isOctal && !/^[0-7]+$/.test(digits)) return null
  return (sign === '-' ? -1 : 1) * Number.parseInt(digits, isOctal ? 8 : 16)
}
