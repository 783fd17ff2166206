import { expect, it } from 'vitest'
import { enginesRange, newestLtsLine, nodeLines } from './node-lines.ts'
import { projectFile, projectFiles } from './project-files.ts'

const manifest = JSON.parse(projectFile('package.json').text) as {
  readonly engines: { readonly node: string }
  readonly keywords: readonly string[]
  readonly [key: string]: unknown
}

it('every file that names the supported lines of Node.js names the same ones', () => {
  const majors = nodeLines.map(({ major }) => major).join(', ')
  expect(manifest.engines.node).toBe(enginesRange)
  for (const { from } of nodeLines.slice(0, 3)) expect(enginesRange).toContain(from)
  expect(projectFile('.github/workflows/ci.yml').text).toContain(`node: [${majors}]`)
  expect(projectFile('.ci/run').text).toContain(`.ci/with-node ${newestLtsLine} npx vitest run`)
  expect(nodeLines.map(({ major }) => major)).toContain(newestLtsLine)
  const sentence = 'Node.js 20.19, 22.12, 24 or newer'
  for (const page of ['README.md', 'CONTRIBUTING.md']) expect(projectFile(page).text, page).toContain(sentence)
})

it('the workflow runs the script that checks everything, and nothing that the script leaves out', () => {
  const runs = [...projectFile('.github/workflows/ci.yml').text.matchAll(/^ +- run: (.+)$/gm)].map(
    ([, command]) => command,
  )
  expect(runs).toEqual(['.ci/run', 'npm ci', 'npm test'])
})

it('the manifest has keywords, and names no address that does not exist', () => {
  expect(manifest.keywords).toContain('zookeeper')
  // There is no public address yet; CONTRIBUTING.md says when they are set.
  expect(['repository', 'bugs', 'homepage'].filter((key) => manifest[key] !== undefined)).toEqual([])
})

it('the top level holds what a visitor expects and nothing else', () => {
  const expected =
    /^(\..+|package(-lock)?\.json|tsconfig(\.build)?\.json|biome\.json|vitest\.config\.ts|src|test|conf|bin|docs|examples|(README|CONTRIBUTING|SECURITY|CHANGELOG)\.md|LICENSE)$/
  const topLevel = new Set(projectFiles.map(({ path }) => path.split('/')[0]!))
  expect([...topLevel].filter((name) => !expected.test(name))).toEqual([])
})
