import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

test('the benchmark refuses an unknown value of an option and lists the known ones', () => {
  expect(() => parseOptions(['--target', 'etcd'])).toThrow('--target etcd: expected zkts, zookeeper, both')
  expect(() => parseOptions(['--only', 'get,put'])).toThrow('--only put: expected get, set, create, mix')
  expect(() => parseOptions(['--seconds', 'soon'])).toThrow('--seconds soon: expected a number')
})

test('the benchmark writes its report only when both targets run in full', () => {
  expect(parseOptions([])?.outputFile).toBe('docs/benchmarks.md')
  expect(parseOptions(['--quick'])?.outputFile).toBeUndefined()
  expect(parseOptions(['--target', 'zkts'])?.outputFile).toBeUndefined()
  expect(parseOptions(['--target', 'zkts', '--output', 'x.md'])?.outputFile).toBe('x.md')
})
