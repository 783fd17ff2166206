/**
 * Whether a write fits the quota it falls under (ZK: ZooKeeperServer.checkQuota). A hard limit refuses when it is
 * enforced; whatever else is exceeded is told and let through. Checked against the usage of what is applied, as in
 * ZooKeeper: a multi, or a client that pipelines, can overshoot by what it has in flight.
 */
import { assertNever } from '../base/assert.ts'
import { type QuotaFieldName, type QuotaFields, quotaFieldOf } from '../protocol/client/quota-text.ts'
import type { QuotaView } from '../tree/apply/quota-accounts.ts'
import type { PendingChanges } from './pending-changes.ts'

export interface QuotaPolicy {
  readonly isEnforced: boolean
  /** A write exceeds a limit; behind a soft one it goes on. */
  exceeded(excess: QuotaExcess): void
}

export interface QuotaExcess {
  readonly path: string // that the write is to
  readonly quotaPath: string
  readonly resource: 'count' | 'bytes'
  readonly wanted: bigint // usage with the write
  readonly limit: bigint
  readonly isHard: boolean
  readonly isRefused: boolean
}

export type QuotaRefusal = 'quota-exceeded' | 'marshalling-error'

const fieldsOfResource = {
  count: { soft: 'count', hard: 'countHardLimit' },
  bytes: { soft: 'bytes', hard: 'byteHardLimit' },
} as const satisfies Record<string, { readonly soft: QuotaFieldName; readonly hard: QuotaFieldName }>

/** Null: nothing stands against it. */
export function checkQuota(
  path: string,
  countDifference: number,
  bytesDifference: number,
  pending: PendingChanges,
  policy: QuotaPolicy,
): QuotaRefusal | null {
  const quota = pending.quotaOver(path)
  if (quota === null) return null
  // A text that Java cannot parse throws there, which the client sees as this error; unless enforced nobody parses it.
  if (quota.limits === null) return policy.isEnforced ? 'marshalling-error' : null
  const isCountLimited = countDifference !== 0 && isLimited(quota.limits, 'count')
  const isBytesLimited = bytesDifference !== 0 && isLimited(quota.limits, 'bytes')
  if (!isCountLimited && !isBytesLimited) return null
  const used = usageOf(quota)
  if (used === null) return quota.usage.kind === 'unreadable' && policy.isEnforced ? 'marshalling-error' : null
  const check = (resource: 'count' | 'bytes', difference: number): boolean =>
    isRefused(path, resource, quota.path, quota.limits!, quotaFieldOf(used, resource) + BigInt(difference), policy)
  if (isCountLimited && check('count', countDifference)) return 'quota-exceeded'
  if (isBytesLimited && check('bytes', bytesDifference)) return 'quota-exceeded'
  return null
}

function usageOf({ usage }: QuotaView): QuotaFields | null {
  switch (usage.kind) {
    case 'known':
      return usage.fields
    case 'missing':
    case 'unreadable':
      return null
    default:
      return assertNever(usage)
  }
}

function isLimited(limits: QuotaFields, resource: 'count' | 'bytes'): boolean {
  const { soft, hard } = fieldsOfResource[resource]
  return quotaFieldOf(limits, soft) >= 0n || quotaFieldOf(limits, hard) >= 0n
}

/** With a hard limit the soft one beside it is not looked at. */
function isRefused(
  path: string,
  resource: 'count' | 'bytes',
  quotaPath: string,
  limits: QuotaFields,
  wanted: bigint,
  policy: QuotaPolicy,
): boolean {
  const { soft, hard } = fieldsOfResource[resource]
  const hardLimit = quotaFieldOf(limits, hard)
  const isHard = hardLimit >= 0n
  const limit = isHard ? hardLimit : quotaFieldOf(limits, soft)
  if (wanted <= limit) return false
  const isRefusedNow = isHard && policy.isEnforced
  policy.exceeded({ path, quotaPath, resource, wanted, limit, isHard, isRefused: isRefusedNow })
  return isRefusedNow
}
