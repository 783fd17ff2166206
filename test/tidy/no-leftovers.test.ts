import { expect, it } from 'vitest'
import { leftovers } from './leftovers.ts'
import { projectFiles } from './project-files.ts'

it('no file holds a marker of unfinished work, a folder of one machine or the host of a registry', () => {
  expect(leftovers(projectFiles)).toEqual([])
})

it('unfinished work and places outside the project are reported with file and line', () => {
  const lines = [
    'fine',
    `// ${'TO' + 'DO'}: later`,
    `see ${['', 'root', 'me'].join('/')}`,
    ['registry', 'npmjs', 'org'].join('.'),
  ]
  const found = leftovers([{ path: 'a.ts', text: lines.join('\n') }])
  expect(found.map((violation) => violation.split(' ')[0])).toEqual(['a.ts:2', 'a.ts:3', 'a.ts:4'])
})
