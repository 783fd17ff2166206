import { expect, it } from 'vitest'
import { metricTable } from '../../src/metrics/metric-table.ts'
import { filesIn } from './project-files.ts'

/** The metrics that code reads from an object named `metrics`; a type that only names a row does not count. */
function metricsTakenIn(texts: readonly string[]): ReadonlySet<string> {
  const names = texts.flatMap((text) => [...text.matchAll(/metrics\.([a-z_]+)\b/gi)].map(([, name]) => name!))
  return new Set(names)
}

it('each row of the table of metrics is used by code that counts', () => {
  const counting = filesIn('src', '.ts').filter(({ path }) => !path.startsWith('src/metrics/'))
  const taken = metricsTakenIn(counting.map(({ text }) => text))
  expect(Object.keys(metricTable).filter((name) => !taken.has(name))).toEqual([])
})

it('a row that only a type names is reported as unused', () => {
  const taken = metricsTakenIn(["readonly #total: ServerMetrics['total']", 'this.#rest = metrics.rest'])
  expect([...taken]).toEqual(['rest'])
})
