import { expect, it } from 'vitest'
import { filesIn } from './project-files.ts'
import { unusedExports } from './unused-exports.ts'

const file = (path: string, text: string) => ({ path, text })

it('what src exports is imported by another file, and not by tests alone', () => {
  expect(unusedExports(filesIn('src', '.ts'), filesIn('test', '.ts'))).toEqual([])
})

it('an export that no file or only a test imports is reported', () => {
  const taken = file('src/a.ts', 'export const a = 1\nexport const b = 2\nexport function c() {}\n')
  const user = file('src/b.ts', "import { a } from './a.ts'\nconst b = a\nvoid b\n")
  const test = file('test/a.test.ts', "import { c } from '../src/a.ts'\nc()\n")
  expect(unusedExports([taken, user], [test], [])).toEqual([
    'src/a.ts: b: no other file imports it',
    'src/a.ts: c: only tests use it',
  ])
})

it('a type may be exported because a function of its file takes it, and a value may not', () => {
  const own = 'export interface Used {}\nexport interface Unused {}\nexport const value = (x: Used) => x\nvoid value\n'
  expect(unusedExports([file('src/a.ts', own)], [], [])).toEqual([
    'src/a.ts: Unused: no other file imports it',
    'src/a.ts: value: no other file imports it',
  ])
})

it('an exception from unused exports that is not needed is reported', () => {
  const granted = [{ subject: 'src/a.ts: a', reason: 'for this test' }]
  expect(unusedExports([file('src/a.ts', 'export const a = 1\n')], [], granted)).toEqual([])
  expect(unusedExports([], [], granted)).toEqual(['src/a.ts: a: needs no exception'])
})
