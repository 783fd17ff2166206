import { expect, test } from 'vitest'
import { metricTable } from '../../src/metrics/metric-table.ts'
import { documentedMetrics, namesNotIn } from '../compat/wire/documented-metrics.ts'

test('no metric that is printed is documented as missing', () => {
  const { printed, missing } = documentedMetrics()
  const names = Object.keys(metricTable)
  expect(namesNotIn(printed, names)).toEqual([])
  expect(namesNotIn(missing, names)).toEqual(names)
})

test('parts, keys and wildcards belong to the name, and another name is reported', () => {
  const documented = ['readlatency', 'read_per_namespace', 'om_*', '<name>_quota_bytes_limit_per_namespace']
  const printed = [
    'zk_p999_readlatency',
    'zk_avg_a_b_read_per_namespace',
    'zk_max_om_time',
    'zk_a_quota_bytes_limit_per_namespace',
  ]
  expect(namesNotIn(documented, printed)).toEqual([])
  expect(namesNotIn(documented, ['zk_readlatency2', 'zk_new_readlatency'])).toEqual([
    'zk_readlatency2',
    'zk_new_readlatency',
  ])
})
