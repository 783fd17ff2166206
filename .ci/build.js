#!/usr/bin/env node
// Compiles src/ to dist/. Servers and tools run from dist/, and npm builds whenever it prepares the package: `npm ci`,
// `npm pack`, and the first `npx zkts-cli` in a clone do. So a build must not disturb a server that runs from dist/, or
// starts meanwhile: it compiles into a folder below .cache/, and puts that in place by two renames. A compilation that
// fails, and one whose result is what dist/ holds, leaves dist/ as it was. Two builds may run at the same time.
// The files that programs and threads begin with are bundled: to load hundreds of small modules takes Node.js 0.2 s longer,
// which each start of a server and each command would wait for. The other modules are for those who import the package.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

mkdirSync(join(root, '.cache'), { recursive: true })
const scratch = mkdtempSync(join(root, '.cache', 'build-'))
try {
  const built = join(scratch, 'new')
  const args = [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', built]
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exitCode = 1
  else {
    bundle(built)
    if (!isSameFolder(built, dist)) putInPlace(built)
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/**
 * What several of them use stays one module, in a folder as deep as src/io, where a module that loads another file by its
 * path has it.
 */
function bundle(built) {
  const programs = ['main.js', 'before-main.js', 'cli-main.js', 'checkpoint-main.js'].map((name) => join(built, name))
  buildSync({
    absWorkingDir: built,
    entryPoints: programs.filter((path) => existsSync(path)),
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outdir: built,
    allowOverwrite: true,
    chunkNames: 'io/shared-[hash]',
    logLevel: 'warning',
  })
}

/** Another build may put its own folder in place between the two renames; then this one starts again. */
function putInPlace(built) {
  for (let attempt = 0; ; attempt++) {
    if (existsSync(dist)) unlessTaken(() => renameSync(dist, join(scratch, `old-${attempt}`)))
    if (unlessTaken(() => renameSync(built, dist))) return
    if (attempt === 100) throw new Error(`${dist} cannot be replaced: other builds replace it all the time`)
  }
}

/** False if another build has moved the folder away, or has put one in its place. */
function unlessTaken(rename) {
  try {
    rename()
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) return false
    throw error
  }
}

function isSameFolder(one, other) {
  const files = filesBelow(one)
  if (!existsSync(other) || files.join('\n') !== filesBelow(other).join('\n')) return false
  return files.every((path) => readFileSync(join(one, path)).equals(readFileSync(join(other, path))))
}

function filesBelow(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
