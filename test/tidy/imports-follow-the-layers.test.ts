import { expect, it } from 'vitest'
import {
  emptyLayers,
  importCycles,
  importsAgainstTheTable,
  looseEnds,
  tableOutOfOrder,
  unlistedRooms,
} from './check-imports.ts'
import { layers } from './layers.ts'
import { factsOf } from './module-facts.ts'
import { filesIn } from './project-files.ts'

const modules = filesIn('src', '.ts').map(factsOf)

function moduleWith(path: string, text: string) {
  return factsOf({ path, text })
}

it('every import of src follows the table of layers', () => {
  expect(importsAgainstTheTable(modules)).toEqual([])
})

it('an import that the table does not list is reported with the rule and its reason', () => {
  const bad = moduleWith(
    'src/tree/x.ts',
    "import type { Zab } from '../zab/zab.ts'\nexport const x: Zab | null = null\n",
  )
  expect(importsAgainstTheTable([bad])).toEqual([
    'src/tree/x.ts:1 imports ../zab/zab.ts: tree may import jute, protocol, base, not zab: ' +
      'the tree never sees a quorum, a clock or a socket: time arrives inside the txn',
  ])
})

it('platform modules and packages are reported where the layer may not use them', () => {
  const bad = moduleWith('src/server/x.ts', "import 'node:fs'\nimport pino from 'pino'\nexport const x = pino\n")
  expect(importsAgainstTheTable([bad])).toHaveLength(2)
  expect(importsAgainstTheTable([moduleWith('src/io/x.ts', "import 'node:fs'\nimport 'pino'\n")])).toEqual([])
})

it('an import hidden in an expression, a type or a re-export counts like any other', () => {
  const text =
    "const a = import('../io/a.ts')\ntype B = import('../io/b.ts').B\nexport * from '../io/c.ts'\nexport { a }\nexport type { B }\n"
  expect(importsAgainstTheTable([moduleWith('src/zab/x.ts', text)])).toHaveLength(3)
})

it('the table of layers points one way only', () => {
  expect(tableOutOfOrder(layers)).toEqual([])
  expect(tableOutOfOrder([...layers].reverse())).not.toEqual([])
})

it('every layer of the table has files', () => {
  expect(emptyLayers(modules)).toEqual([])
})

it('every folder below a layer has a row that says what it owns', () => {
  expect(unlistedRooms(modules)).toEqual([])
  expect(unlistedRooms([...modules, moduleWith('src/tree/odd/x.ts', '')])).toEqual([
    'src/tree/odd: has no row in the rooms',
  ])
})

it('no files of src import each other in a cycle', () => {
  expect(importCycles(modules)).toEqual([])
})

it('a cycle of imports is reported with all its files', () => {
  const one = moduleWith('src/zab/one.ts', "import { b } from './two.ts'\nexport const a = b\n")
  const two = moduleWith('src/zab/two.ts', "import { a } from './one.ts'\nexport const b = a\n")
  expect(importCycles([one, two])).toEqual(['src/zab/one.ts → src/zab/two.ts → src/zab/one.ts'])
})

it('every file of src is an entry file or imported by another', () => {
  expect(looseEnds(modules)).toEqual([])
  expect(looseEnds([...modules, moduleWith('src/tree/lonely.ts', '')])).toEqual([
    'src/tree/lonely.ts: no file imports it',
  ])
})
