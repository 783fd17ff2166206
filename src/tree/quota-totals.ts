/**
 * Limits and usage added up by the first name of the path, which is what monitors watch (ZK: QuotaMetricsUtils). A hard
 * limit counts instead of the soft one beside it. A field that no text sets adds -1 to the total, as in ZooKeeper.
 */
import { type QuotaFields, quotaFieldOf } from '../protocol/client/quota-text.ts'
import type { QuotaAccounts } from './apply/quota-accounts.ts'

export interface NamespaceQuota {
  readonly namespace: string
  readonly limits: QuotaTotals | null // null: only usage is kept below this name
  readonly usage: QuotaTotals | null
}

export interface QuotaTotals {
  readonly count: number
  readonly sizeBytes: number
}

interface Sums {
  limits: QuotaTotals | null
  usage: QuotaTotals | null
}

/** The first name of a path (ZK: PathUtils.getTopNamespace); null for the root. */
export function namespaceOf(path: string): string | null {
  const end = path.indexOf('/', 1)
  const name = path.slice(1, end < 0 ? path.length : end)
  return name === '' ? null : name
}

export function namespaceQuotas<Znode>(accounts: QuotaAccounts<Znode>): readonly NamespaceQuota[] {
  const sums = new Map<string, Sums>()
  accounts.forEach((kind, path, fields) => {
    const namespace = namespaceOf(path)
    if (namespace === null) return
    let sum = sums.get(namespace)
    if (sum === undefined) {
      sum = { limits: null, usage: null }
      sums.set(namespace, sum)
    }
    sum[kind] = plus(sum[kind], kind === 'limits' ? limitsIn(fields) : usageIn(fields))
  })
  return [...sums.keys()].sort().map((namespace) => ({ namespace, ...sums.get(namespace)! }))
}

function limitsIn(fields: QuotaFields): QuotaTotals {
  const hardCount = quotaFieldOf(fields, 'countHardLimit')
  const hardBytes = quotaFieldOf(fields, 'byteHardLimit')
  return {
    count: Number(hardCount >= 0n ? hardCount : quotaFieldOf(fields, 'count')),
    sizeBytes: Number(hardBytes >= 0n ? hardBytes : quotaFieldOf(fields, 'bytes')),
  }
}

function usageIn(fields: QuotaFields): QuotaTotals {
  return { count: Number(quotaFieldOf(fields, 'count')), sizeBytes: Number(quotaFieldOf(fields, 'bytes')) }
}

function plus(sum: QuotaTotals | null, more: QuotaTotals): QuotaTotals {
  return { count: (sum?.count ?? 0) + more.count, sizeBytes: (sum?.sizeBytes ?? 0) + more.sizeBytes }
}
