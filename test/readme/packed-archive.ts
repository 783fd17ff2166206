/**
 * Checks the package as npm would publish it: the files of the archive, and that a project which installs it gets only
 * production dependencies, compiles against its declarations without `skipLibCheck`, and runs.
 * Needs the registry that npm is set to. Its embedded server takes a free port.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectFile, projectFiles, projectRoot } from '../tidy/project-files.ts'
import { finish, report } from './checks.ts'

/** The consumer declares the globals that it uses, so that it compiles without @types/node. */
const consumerText = `
import { createServer, type Log, loadConfig, nodePorts } from 'zkts'
import { type Client, connect } from 'zkts/client'

const silent: Log = { error() {}, warn() {}, info() {}, debug() {}, child: () => silent }
const parsed = loadConfig({ text: 'dataDir=./data\\nclientPort=0\\nclientPortAddress=127.0.0.1\\n', dynamicText: null, myidText: null })
if (!parsed.ok) throw new Error(parsed.error[0]?.wrong)
const { config } = parsed.value
const server = createServer({ config, version: 'embedded', ports: nodePorts({ log: silent, backlog: -1 }) })
const started = await server.start()
if (!started.ok) throw new Error(started.error.message)
const client: Client = await connect(\`127.0.0.1:\${server.clientAddress.port}\`)
await client.create('/a', new TextEncoder().encode('hello'), { mode: 'ephemeral' })
const { data } = await client.getData('/a')
console.log(new TextDecoder().decode(data ?? undefined))
await client.close()
await server.close()

declare const console: { log(text: string): void }
declare class TextEncoder { encode(text: string): Uint8Array }
declare class TextDecoder { decode(bytes?: Uint8Array): string }
`

const folder = mkdtempSync(join(tmpdir(), 'zkts-package-'))
const consumer = join(folder, 'consumer')

try {
  run('npm', ['pack', '--silent', '--pack-destination', folder], projectRoot)
  const archive = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!)
  check('the archive contains the build of src, the documents and the samples, and nothing else', () => {
    const packed = run('tar', ['-tzf', archive]).trim().split('\n')
    same(
      packed.map((path) => path.replace(/^package\//, '')),
      [...expectedFiles(), ...sharedModules()],
    )
  })
  installConsumer(archive)
  check('no installed file points to a source map', () => {
    const dist = join(consumer, 'node_modules/zkts/dist')
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(js|ts|map)$/.test(path))
    const mapped = files.filter((path) => readFileSync(join(dist, path), 'utf8').includes('//# sourceMappingURL='))
    same(mapped, [])
  })
  check('production dependencies are installed, and no others', () => {
    const installed = JSON.parse(run('npm', ['ls', '--json', '--all'], consumer)) as Tree
    const manifest = JSON.parse(projectFile('package.json').text) as { readonly dependencies: object }
    same(Object.keys(installed.dependencies['zkts']!.dependencies ?? {}), Object.keys(manifest.dependencies))
  })
  check('a project compiles against the declarations without skipLibCheck', () => {
    run('node', [join(projectRoot, 'node_modules/typescript/bin/tsc'), '-p', '.'], consumer)
  })
  check('the compiled project embeds a server and talks to it', () => {
    same([run('node', ['consumer.js'], consumer).trim()], ['hello'])
  })
  check('both commands of the package start', () => {
    const { version } = JSON.parse(projectFile('package.json').text) as { readonly version: string }
    for (const command of ['zkts-server', 'zkts-cli']) {
      const text = run(join(consumer, 'node_modules/.bin', command), ['--version'], consumer)
      if (!text.includes(version)) throw new Error(`${command} --version prints ${text}`)
    }
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
finish()

interface Tree {
  readonly dependencies: Readonly<Record<string, { readonly dependencies?: object }>>
}

function check(title: string, claim: () => void): void {
  try {
    claim()
    report(title, null)
  } catch (error) {
    const { stdout, message } = error as { readonly stdout?: string; readonly message: string }
    report(title, stdout === undefined ? message : `${message}\n${stdout}`)
  }
}

function same(actual: readonly string[], expected: readonly string[]): void {
  const unexpected = actual.filter((one) => !expected.includes(one))
  const missing = expected.filter((one) => !actual.includes(one))
  if (unexpected.length + missing.length > 0) {
    throw new Error(`unexpected: ${unexpected.join(' ') || 'none'}; missing: ${missing.join(' ') || 'none'}`)
  }
}

function expectedFiles(): readonly string[] {
  return projectFiles.flatMap(({ path }) => {
    const module = /^src\/(.+)\.ts$/.exec(path)?.[1]
    if (module !== undefined) return [`dist/${module}.js`, `dist/${module}.d.ts`]
    return /^((bin|conf|docs)\/.+|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(path) ? [path] : []
  })
}

/** What the bundled programs share (.ci/build.js): the modules that they import, and no others. */
function sharedModules(): readonly string[] {
  const found = new Set<string>()
  const visit = (path: string): void => {
    const text = readFileSync(join(projectRoot, path), 'utf8')
    for (const [, name] of text.matchAll(/"\.\/(?:io\/)?(shared-\w+\.js)"/g)) {
      const shared = `dist/io/${name}`
      if (found.has(shared)) continue
      found.add(shared)
      visit(shared)
    }
  }
  for (const program of ['main', 'before-main', 'cli-main', 'checkpoint-main']) visit(`dist/${program}.js`)
  return [...found]
}

function installConsumer(archive: string): void {
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }')
  run('npm', ['install', '--ignore-scripts', archive], consumer)
  // `types` is empty: a project without @types/node must compile too.
  const compilerOptions = { target: 'ES2023', module: 'NodeNext', strict: true, skipLibCheck: false, types: [] }
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['consumer.ts'] }))
  writeFileSync(join(consumer, 'consumer.ts'), consumerText)
}

function run(program: string, args: readonly string[], cwd = folder): string {
  return execFileSync(program, args, { cwd, encoding: 'utf8', timeout: 180_000, stdio: ['ignore', 'pipe', 'pipe'] })
}
