import { expect, it } from 'vitest'
import { ambientBans, ambientUses, impureSteps, needlessCatching } from './ambient-bans.ts'
import { longishFiles, tooLongFiles, tooLongFunctions } from './check-lengths.ts'
import { fileLinesMax, functionLinesMax } from './exceptions.ts'
import { entryFiles } from './layers.ts'
import { factsOf } from './module-facts.ts'
import { filesIn } from './project-files.ts'

const sources = filesIn('src', '.ts').map(factsOf)
const modules = [...sources, ...filesIn('test', '.ts').map(factsOf)]

function moduleWith(path: string, text: string) {
  return factsOf({ path, text })
}

it('src gets time, randomness and everything outside the process from its ports only', () => {
  expect(ambientUses(sources)).toEqual([])
})

it('each banned name is noticed where it is used, and not where it is only mentioned', () => {
  for (const { name } of ambientBans) {
    const use = name.startsWith('.') ? `x${name}(1)` : name
    expect(ambientUses([moduleWith('src/zab/x.ts', `export const f = (x) => ${use}\n`)]), name).toHaveLength(1)
    expect(ambientUses([moduleWith('src/io/x.ts', `export const f = (x) => ${use}\n`)]), name).toEqual([])
  }
  const mention =
    '/** Not Date.now. */\nexport const text = "process.exit console.log"\nexport const o = { process: 1 }\n'
  expect(ambientUses([moduleWith('src/zab/x.ts', mention)])).toEqual([])
})

it('pure folders neither wait nor catch', () => {
  expect([...impureSteps(sources), ...needlessCatching(sources)]).toEqual([])
  expect(needlessCatching([])).not.toEqual([])
})

it('waiting and catching are noticed in a pure folder', () => {
  const text = 'export async function f(p) {\n  try {\n    await p\n  } catch {}\n  return new Promise(p)\n}\n'
  expect(impureSteps([moduleWith('src/zab/x.ts', text)])).toHaveLength(4)
  expect(impureSteps([moduleWith('src/storage/x.ts', text)])).toEqual([])
})

it('no module has a default export', () => {
  const withDefault = modules.filter(({ hasDefaultExport }) => hasDefaultExport).map(({ path }) => path)
  expect(withDefault.filter((path) => !path.endsWith('vitest.config.ts'))).toEqual([])
  expect(moduleWith('src/a.ts', 'export default class {}\n').hasDefaultExport).toBe(true)
})

it('only the entry points of the package re-export', () => {
  const entryPoints: readonly string[] = entryFiles
  const reExporting = sources.filter(
    ({ path, imports }) => !entryPoints.includes(path) && imports.some((one) => one.isReExport),
  )
  expect(reExporting.map(({ path }) => path)).toEqual([])
  expect(moduleWith('src/a.ts', "export * from './b.ts'\n").imports[0]?.isReExport).toBe(true)
})

it('no file or function is longer than it may be', () => {
  const longish = longishFiles(modules)
  if (longish.length > 0) console.warn(`files to split before they grow further: ${longish.join(', ')}`)
  expect([...tooLongFiles(modules), ...tooLongFunctions(modules)]).toEqual([])
})

it('an exception from the lengths fails once it is outgrown or no longer needed', () => {
  const long = moduleWith('src/a.ts', '\n'.repeat(fileLinesMax + 10))
  const grant = (linesMax: number) => [{ subject: 'src/a.ts', linesMax, reason: 'for this test' }]
  expect(tooLongFiles([long], [])).toHaveLength(1)
  expect(tooLongFiles([long], grant(fileLinesMax + 10))).toEqual([])
  expect(tooLongFiles([long], grant(fileLinesMax + 9))).toHaveLength(1)
  expect(tooLongFiles([moduleWith('src/a.ts', '\n')], grant(fileLinesMax + 10))).toHaveLength(1)
})

it('the length of a function is that of its text, and groups of tests do not count', () => {
  const lines = '\n'.repeat(functionLinesMax)
  expect(tooLongFunctions([moduleWith('src/a.ts', `export const f = () => {${lines}}\n`)], [])).toEqual([
    `src/a.ts: f has ${functionLinesMax + 1} lines, above ${functionLinesMax}: split it`,
  ])
  expect(tooLongFunctions([moduleWith('test/a.test.ts', `describe('x', () => {${lines}})\n`)], [])).toEqual([])
})
