/**
 * Limits and usage of quotas as monitoring programs expect them: the key of each line begins with its namespace (ZK:
 * QuotaMetricsUtils). They are read from the tree, so `srst` does not reset them. A namespace without a quota has no
 * line.
 */
import type { ReplicaStatus } from '../../replica/status/replica-status.ts'

export function quotaMetrics(quotas: ReplicaStatus['quotas']): ReadonlyMap<string, number> {
  const metrics = new Map<string, number>()
  for (const { namespace, limits, usage } of quotas) {
    if (limits !== null) {
      metrics.set(`${namespace}_quota_count_limit_per_namespace`, limits.count)
      metrics.set(`${namespace}_quota_bytes_limit_per_namespace`, limits.sizeBytes)
    }
    if (usage !== null) {
      metrics.set(`${namespace}_quota_count_usage_per_namespace`, usage.count)
      metrics.set(`${namespace}_quota_bytes_usage_per_namespace`, usage.sizeBytes)
    }
  }
  return metrics
}
