import { expect, test } from 'vitest'
import { quotaMetrics } from '../../../src/server/operators/quota-metrics.ts'

test('limits and usage of quotas are metrics whose keys begin with the namespace', () => {
  const metrics = quotaMetrics([
    { namespace: 'a', limits: { count: 13, sizeBytes: -1 }, usage: { count: 2, sizeBytes: 5 } },
    { namespace: 'b', limits: null, usage: { count: 1, sizeBytes: 0 } },
  ])
  expect(Object.fromEntries(metrics)).toEqual({
    a_quota_count_limit_per_namespace: 13,
    a_quota_bytes_limit_per_namespace: -1,
    a_quota_count_usage_per_namespace: 2,
    a_quota_bytes_usage_per_namespace: 5,
    b_quota_count_usage_per_namespace: 1,
    b_quota_bytes_usage_per_namespace: 0,
  })
})
