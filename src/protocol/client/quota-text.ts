/**
 * The text of a quota's limits and of its usage, and where both are kept (ZK: StatsTrack, Quotas). Clients write
 * limits and read usage as plain data of plain znodes, so the text is part of the protocol, byte for byte.
 * A text that Java fails to parse gives `null`, and the caller decides what that means.
 */
import { decodeUtf8 } from '../../jute/utf8.ts'

/** By name; unknown names are kept. Values are int64. */
export type QuotaFields = ReadonlyMap<string, bigint>

export const quotaRoot = '/zookeeper/quota'
const belowQuotaRoot = `${quotaRoot}/`
const limitsEnding = '/zookeeper_limits'
const usageEnding = '/zookeeper_stats'

const absent = -1n
const longMin = -(2n ** 63n)
const longMax = 2n ** 63n - 1n
const longDigitsMax = 19

export function limitsPathOf(path: string): string {
  return quotaRoot + path + limitsEnding
}

export function usagePathOf(path: string): string {
  return quotaRoot + path + usageEnding
}

/** The path whose limits or usage the znode at `path` holds; null: it holds neither. '' is the root. */
export function quotaZnodeOf(path: string): { readonly kind: 'limits' | 'usage'; readonly path: string } | null {
  if (!path.startsWith(belowQuotaRoot)) return null
  if (path.endsWith(limitsEnding)) return { kind: 'limits', path: path.slice(quotaRoot.length, -limitsEnding.length) }
  if (path.endsWith(usageEnding)) return { kind: 'usage', path: path.slice(quotaRoot.length, -usageEnding.length) }
  return null
}

/** A limit or a usage; -1 = the text has none. */
export function quotaFieldOf(fields: QuotaFields, name: QuotaFieldName): bigint {
  return fields.get(name) ?? absent
}

export type QuotaFieldName = 'count' | 'bytes' | 'countHardLimit' | 'byteHardLimit'

/** `name=number`, separated by commas or semicolons; null where Java throws, and for a znode without data. */
export function parseQuotaText(data: Uint8Array | null): QuotaFields | null {
  if (data === null) return null
  const fields = new Map<string, bigint>()
  if (data.length === 0) return fields
  for (const pair of splitAsJava(decodeUtf8(data, 0, data.length), /[,;]+/)) {
    const [name, text] = splitAsJava(pair, /=/)
    if (name === undefined || text === undefined) return null
    const value = text === '' ? absent : parseLong(text)
    if (value === null) return null
    fields.set(name, value)
  }
  return fields
}

/**
 * Count and bytes come first, and a spurious `=` follows when there is more: the parsers of ZooKeeper 3.4 stop after
 * the first two.
 */
export function renderQuotaText(fields: QuotaFields): string {
  const others = [...fields.keys()].filter((name) => name !== 'count' && name !== 'bytes').sort()
  const rest = others.map((name) => `;${name}=${fields.get(name)!}`).join('')
  const head = `count=${quotaFieldOf(fields, 'count')},bytes=${quotaFieldOf(fields, 'bytes')}`
  return others.length === 0 ? head : `${head}=${rest}`
}

/** The usage after a change, in int64 arithmetic. An absent number counts from -1, as in ZooKeeper. */
export function addToUsage(fields: QuotaFields, countDifference: number, bytesDifference: number): QuotaFields {
  const sum = new Map(fields)
  sum.set('count', BigInt.asIntN(64, quotaFieldOf(fields, 'count') + BigInt(countDifference)))
  sum.set('bytes', BigInt.asIntN(64, quotaFieldOf(fields, 'bytes') + BigInt(bytesDifference)))
  return sum
}

/** Java drops the empty pieces at the end, even all of them. A text without separator stays whole. */
function splitAsJava(text: string, separator: RegExp): readonly string[] {
  const pieces = text.split(separator)
  if (pieces.length === 1) return pieces
  let end = pieces.length
  while (end > 0 && pieces[end - 1] === '') end -= 1
  return pieces.slice(0, end)
}

/** ZK: Long.parseLong, for ASCII digits. */
function parseLong(text: string): bigint | null {
  if (!/^[+-]?[0-9]+$/.test(text)) return null
  if (text.replace(/^[+-]?0*/, '').length > longDigitsMax) return null
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return value < longMin || value > longMax ? null : value
}
