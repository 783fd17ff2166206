/**
 * A build must not disturb a server that runs from dist/ or starts meanwhile: npm builds also when a user only wants to
 * run a command, as in `npx zkts-cli`. The test builds a small project with the script of this one. In place of the
 * compiler, which takes seconds, it has a program that copies the modules, fails if one of them says so, and notes
 * whether dist/main.js exists meanwhile. The steps of .ci/run build with the real compiler.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { projectFile, projectRoot } from '../tidy/project-files.ts'

const { scripts } = JSON.parse(projectFile('package.json').text) as { readonly scripts: { readonly build: string } }
const compilerText = `
const { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs')
const built = process.argv[process.argv.indexOf('--outDir') + 1]
appendFileSync('seen', existsSync('dist/main.js') ? 'in place' : 'missing')
mkdirSync(built)
for (const name of readdirSync('src')) {
  const text = readFileSync('src/' + name, 'utf8')
  writeFileSync(built + '/' + name.replace('.ts', '.js'), text)
  if (text.includes('does not compile')) process.exitCode = 2
}
`
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zkts-build-'))
  cpSync(join(projectRoot, '.ci/build.js'), join(folder, '.ci/build.js'))
  write('package.json', JSON.stringify({ type: 'module', scripts }))
  write('node_modules/typescript/bin/tsc', compilerText)
  symlinkSync(join(projectRoot, 'node_modules/esbuild'), join(folder, 'node_modules/esbuild'))
  write('src/main.ts', 'export const answer = 1\n')
  write('src/other.ts', 'export {}\n')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

function read(path: string): string {
  return readFileSync(join(folder, path), 'utf8')
}

/** The exit status of the script `build`. */
async function build(): Promise<number | null> {
  const child = spawn('sh', ['-c', scripts.build], { cwd: folder, stdio: 'ignore' })
  const [code] = await once(child, 'close')
  return code
}

test('dist stays in place while a build compiles, and is replaced as a whole', async () => {
  expect(await build()).toBe(0)
  write('src/main.ts', 'export const answer = 2\n')
  rmSync(join(folder, 'src/other.ts'))
  rmSync(join(folder, 'seen'))
  expect(await build()).toBe(0)
  expect(read('seen')).toBe('in place')
  expect(read('dist/main.js')).toContain('answer = 2')
  expect(readdirSync(join(folder, 'dist'))).toEqual(['main.js'])
  expect(readdirSync(join(folder, '.cache'))).toEqual([])
})

test('a build that fails to compile leaves dist as it was', async () => {
  expect(await build()).toBe(0)
  write('src/main.ts', 'does not compile\n')
  expect(await build()).not.toBe(0)
  expect(read('dist/main.js')).toContain('answer = 1')
  expect(readdirSync(join(folder, 'dist'))).toEqual(['main.js', 'other.js'])
  expect(readdirSync(join(folder, '.cache'))).toEqual([])
})

test('a build whose result is what dist holds does not replace the folder', async () => {
  expect(await build()).toBe(0)
  const { ino } = statSync(join(folder, 'dist'))
  expect(await build()).toBe(0)
  expect(statSync(join(folder, 'dist')).ino).toBe(ino)
})

test('builds that run at the same time all succeed', async () => {
  expect(await Promise.all([build(), build(), build()])).toEqual([0, 0, 0])
  expect(existsSync(join(folder, 'dist/main.js'))).toBe(true)
  expect(readdirSync(join(folder, '.cache'))).toEqual([])
})
