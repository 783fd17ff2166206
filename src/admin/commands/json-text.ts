/**
 * JSON as ZooKeeper's AdminServer writes it (ZK: JsonOutputter, of Jackson): indented, with 64-bit integers as numbers. A program
 * whose numbers are doubles loses digits of session ids, as it does with ZooKeeper.
 */
export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>
  | { readonly [key: string]: JsonValue }

export function jsonText(value: JsonValue, indent = ''): string {
  if (typeof value === 'bigint') return String(value)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const inner = `${indent}  `
  if (isList(value)) {
    return value.length === 0 ? '[ ]' : `[ ${value.map((item) => jsonText(item, inner)).join(', ')} ]`
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value as { readonly [key: string]: JsonValue })
  if (entries.length === 0) return '{ }'
  const lines = entries.map(([key, item]) => `${inner}${JSON.stringify(key)} : ${jsonText(item, inner)}`)
  return `{\n${lines.join(',\n')}\n${indent}}`
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
