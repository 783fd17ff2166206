/**
 * Whether a write fits its quota (ZK: ZooKeeperServer.checkQuota). A hard limit refuses the write if quotas are
 * enforced; any other excess is reported, and the write is allowed. Checked against the usage of applied txns, as in
 * ZooKeeper: a multi, or a client that pipelines, can exceed the limit by what it has in flight.
 */
import { assertNever } from '../base/assert.ts'
import { type QuotaFieldName, type QuotaFields, quotaFieldOf } from '../protocol/client/quota-text.ts'
import type { QuotaView } from '../tree/apply/quota-accounts.ts'
import type { PendingChanges } from './pending-changes.ts'

export interface QuotaPolicy {
  readonly isEnforced: boolean
  /** Reports a write that exceeds a limit; `isRefused` says whether it is refused. */
  exceeded(excess: QuotaExcess): void
}

export interface QuotaExcess {
  readonly path: string // of the znode that is written
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

/** Null: no quota refuses the write. */
export function checkQuota(
  path: string,
  countDifference: number,
  bytesDifference: number,
  pending: PendingChanges,
  policy: QuotaPolicy,
): QuotaRefusal | null {
  const quota = pending.quotaOver(path)
  if (quota === null) return null
  // In ZooKeeper, a text that Java cannot parse throws, which the client sees as this error. Only enforcement parses
  // it.
  if (quota.limits === null) return policy.isEnforced ? 'marshalling-error' : null
  const isCountLimited = countDifference !== 0 && isLimited(quota.limits, 'count')
  const isBytesLimited = bytesDifference !== 0 && isLimited(quota.limits, 'bytes')
  if (!isCountLimited && !isBytesLimited) return null
  const used = usageOf(quota)
  if (used === null) return quota.usage.kind === 'unreadable' && policy.isEnforced ? 'marshalling-error' : null
  const check = (resource: 'count' | 'bytes', difference: number): boolean => {
    const wanted = quotaFieldOf(used, resource) + BigInt(difference)
    const excess = excessOf(path, resource, quota.path, quota.limits!, wanted, policy.isEnforced)
    if (excess === null) return false
    policy.exceeded(excess)
    return excess.isRefused
  }
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

/** Null: it fits. A hard limit replaces the soft limit of the same resource. */
function excessOf(
  path: string,
  resource: 'count' | 'bytes',
  quotaPath: string,
  limits: QuotaFields,
  wanted: bigint,
  isEnforced: boolean,
): QuotaExcess | null {
  const { soft, hard } = fieldsOfResource[resource]
  const hardLimit = quotaFieldOf(limits, hard)
  const isHard = hardLimit >= 0n
  const limit = isHard ? hardLimit : quotaFieldOf(limits, soft)
  if (wanted <= limit) return null
  return { path, quotaPath, resource, wanted, limit, isHard, isRefused: isHard && isEnforced }
}
