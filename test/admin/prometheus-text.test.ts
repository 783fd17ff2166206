import { expect, test } from 'vitest'
import { renderPrometheus } from '../../src/admin/prometheus-text.ts'
import { gauge, labelled, type MetricFamily } from '../../src/base/metric-family.ts'

test('families are printed by name, with help and type before their samples', () => {
  const summary: MetricFamily = {
    name: 'b',
    type: 'summary',
    help: 'second',
    samples: [
      { suffix: '', labels: { quantile: '0.5' }, value: Number.NaN },
      { suffix: '_count', labels: {}, value: 0 },
    ],
  }
  expect(renderPrometheus([summary, gauge('a', 'first', 1.5)])).toBe(
    '# HELP a first\n# TYPE a gauge\na 1.5\n# HELP b second\n# TYPE b summary\nb{quantile="0.5"} NaN\nb_count 0\n',
  )
})

test('quotes, backslashes and line ends in a label are escaped, since clients choose keys', () => {
  const family = labelled('counter', 'c', 'a\\b', 'key', [['a"b\\c\nd', Number.POSITIVE_INFINITY]])
  expect(renderPrometheus([family])).toBe('# HELP c a\\\\b\n# TYPE c counter\nc{key="a\\"b\\\\c\\nd"} +Inf\n')
})
