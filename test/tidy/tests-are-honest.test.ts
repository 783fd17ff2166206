import { expect, it } from 'vitest'
import { poorTitles, repeatedTitles, switchedOffTests, waitingTests } from './check-test-files.ts'
import { factsOf } from './module-facts.ts'
import { filesIn } from './project-files.ts'

const modules = filesIn('test', '.ts').map(factsOf)

function moduleWith(text: string, path = 'test/zab/x.test.ts') {
  return factsOf({ path, text })
}

it('no two tests of the suite share a title', () => {
  expect(repeatedTitles(modules)).toEqual([])
})

it('the second test with a title is reported together with the first', () => {
  const twice = moduleWith("it('a leader steps down', () => {})\nit.each([1])('a leader steps down', () => {})\n")
  expect(repeatedTitles([twice])).toEqual([
    'test/zab/x.test.ts:2: the title "a leader steps down" is taken by test/zab/x.test.ts:1',
  ])
})

it('the title of every test says what happens', () => {
  expect(poorTitles(modules)).toEqual([])
  expect(
    poorTitles([moduleWith("it('session test', () => {})\nit('should work quite well', () => {})\n")]),
  ).toHaveLength(2)
})

it('no test is switched off or singled out', () => {
  expect(switchedOffTests(modules)).toEqual([])
  const off = moduleWith("it.only('x', f)\ndescribe.skip('x', f)\ntest.each([1]).skip('x', f)\nit.todo('x')\n")
  expect(switchedOffTests([off]).length).toBeGreaterThanOrEqual(3)
})

it('no test waits for real time outside the folders that are meant to', () => {
  expect(waitingTests(modules)).toEqual([])
  const sleepy = 'await new Promise((done) => setTimeout(done, 10))\n'
  expect(waitingTests([moduleWith(sleepy)])).toHaveLength(1)
  expect(waitingTests([moduleWith("import { setTimeout as wait } from 'node:timers/promises'\n")])).toHaveLength(1)
  expect(waitingTests([moduleWith(sleepy, 'test/compat/x.ts')])).toEqual([])
})
