/**
 * The traits of a configuration key, and the short functions that write the rows of the key tables.
 */
export type KeyUnit = 'ms' | 'ticks' | 'count' | 'bytes' | 'KiB' | 'hours' | 'port' | 'boolean' | 'path' | 'text'

export interface KeyTraits {
  readonly unit: KeyUnit
  /** As ZooKeeper has it, or ours where `note` says so; '' = none. */
  readonly defaultText: string
  readonly meaning: string
  readonly support: KeySupport
}

export type KeySupport =
  | { readonly kind: 'used'; readonly note: string | null }
  /** Accepted so that a drop-in zoo.cfg starts, with a note in the log that says why it changes nothing. */
  | { readonly kind: 'no-effect'; readonly note: string }
  /** An error unless the value is one of `harmlessValues`: ignoring it would be unsafe. */
  | { readonly kind: 'refused'; readonly harmlessValues: readonly string[]; readonly reason: string }

export function used(unit: KeyUnit, defaultText: string, meaning: string, note: string | null = null): KeyTraits {
  return { unit, defaultText, meaning, support: { kind: 'used', note } }
}

export function noEffect(unit: KeyUnit, defaultText: string, meaning: string, note: string): KeyTraits {
  return { unit, defaultText, meaning, support: { kind: 'no-effect', note } }
}

export function refused(
  unit: KeyUnit,
  defaultText: string,
  meaning: string,
  harmlessValues: readonly string[],
  reason: string,
): KeyTraits {
  return { unit, defaultText, meaning, support: { kind: 'refused', harmlessValues, reason } }
}
