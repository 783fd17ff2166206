/**
 * The table of suites: how each is prepared, and the command that runs it.
 * A suite is a program in the language of its client. It gets its servers from the environment (ZK_SERVERS, ZK_PROXY, ZK_CONTROL,
 * ZK_ROOT, and ZK_TARGET for deliberate differences) and its part (one of `parts`) as an argument. It prints `ok <title>` or
 * `not ok <title>: reason` for each check, and exits with 0 or 1.
 * Everything built or downloaded goes to one cache folder; nothing is written next to the sources.
 */
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * single: one server with ZooKeeper's defaults. extended: one server with TTL znodes that deletes them and empty containers within
 * about a second. ensemble: three servers, which the suite may kill and start. sessions: three servers with local sessions that
 * become global, and with the read-only mode.
 */
export const parts = ['single', 'extended', 'strict', 'ensemble', 'sessions'] as const
export type Part = (typeof parts)[number]

export interface Suite {
  readonly name: string
  readonly parts: readonly Part[]
  /** The suite checks counters of its servers, so no other suite may use them at the same time. */
  readonly runsAlone?: true
  /** The suite writes nothing to the servers of its part: it needs none, or has servers of its own. */
  readonly leavesServersAlone?: true
  /** Downloads and compiles. Resolves with the command, to which the part is appended. */
  prepare(build: BuildDirectories): Promise<readonly string[]>
}

export interface BuildDirectories {
  readonly sources: string // test/compat
  readonly cache: string
}

const kazooVersion = '2.11.0'
/** ClickHouse 26.9 as a library, without the Python packages for data frames. */
const clickhousePackage = 'chdb-core==26.9.0'
const clickhouseInstallTimeoutMs = 180_000 // a download of 180 MB
/** A client in pure JavaScript, and one around the C library, which is compiled during the installation. */
const nodeClients = ['node-zookeeper-client@1.1.3', 'zookeeper@7.3.0']

export const suites: readonly Suite[] = [
  {
    name: 'wire',
    parts: ['single', 'strict', 'ensemble'],
    runsAlone: true,
    prepare: async ({ sources }) => [process.execPath, '--import', 'tsx', join(sources, 'wire', 'suite.ts')],
  },
  {
    name: 'chaos-checker',
    parts: ['single'],
    leavesServersAlone: true,
    prepare: async ({ sources }) => [process.execPath, '--import', 'tsx', join(sources, 'chaos', 'checker-suite.ts')],
  },
  {
    name: 'emptied-disks',
    parts: ['single'],
    leavesServersAlone: true,
    prepare: async ({ sources }) => [process.execPath, '--import', 'tsx', join(sources, 'emptied-disks', 'suite.ts')],
  },
  {
    name: 'backups',
    parts: ['single'],
    prepare: async ({ sources }) => [process.execPath, '--import', 'tsx', join(sources, 'backups', 'suite.ts')],
  },
  {
    name: 'kazoo',
    parts: ['single', 'ensemble'],
    prepare: (build) => kazooSuite(build, 'suite.py'),
  },
  {
    name: 'kazoo-recipes',
    parts: ['single', 'ensemble'],
    prepare: (build) => kazooSuite(build, 'recipes_suite.py'),
  },
  {
    name: 'java',
    parts: ['single', 'extended', 'ensemble', 'sessions'],
    prepare: (build) => javaSuite(build, 'java', 'CompatSuite'),
  },
  {
    name: 'curator',
    parts: ['extended', 'ensemble'],
    prepare: (build) => javaSuite(build, 'curator', 'CuratorSuite'),
  },
  {
    name: 'zkcli',
    parts: ['single'],
    prepare: (build) => zkCliSuite(build, join('java', 'zkcli-suite.ts')),
  },
  {
    name: 'zkts-cli',
    parts: ['single'],
    prepare: (build) => zkCliSuite(build, join('cli', 'zkts-cli-suite.ts')),
  },
  {
    name: 'c',
    parts: ['single', 'extended', 'ensemble'],
    async prepare({ sources, cache }) {
      const program = join(cache, 'c-suite')
      const files = ['harness.c', 'suite.c', 'extended.c'].map((name) => join(sources, 'c', name))
      await run('gcc', [
        '-std=gnu11',
        '-Wall',
        '-Werror',
        '-DTHREADED',
        '-o',
        program,
        ...files,
        '-lzookeeper_mt',
        '-lpthread',
      ])
      return [program]
    },
  },
  {
    name: 'cli_mt',
    parts: ['single'],
    prepare: async ({ sources }) => [process.execPath, '--import', 'tsx', join(sources, 'c', 'cli-mt-suite.ts')],
  },
  {
    name: 'go',
    parts: ['single', 'extended', 'ensemble'],
    async prepare({ sources, cache }) {
      const program = join(cache, 'go-suite')
      await run('go', ['build', '-o', program, '.'], { cwd: join(sources, 'go') })
      return [program]
    },
  },
  {
    name: 'leader-changes',
    parts: ['ensemble'],
    prepare: leaderChangesSuite,
  },
  {
    name: 'node-pure',
    parts: ['single', 'ensemble'],
    prepare: (build) => nodeSuite(build, 'pure-suite.ts'),
  },
  {
    name: 'node-native',
    parts: ['extended', 'ensemble'],
    prepare: (build) => nodeSuite(build, 'native-suite.ts'),
  },
  {
    name: 'clickhouse',
    parts: ['single', 'ensemble'],
    prepare: clickhouseSuite,
  },
]

const quietJava = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-XX:TieredStopAtLevel=1']

/** A suite that gets the command of ZooKeeper's shell as an argument. */
async function zkCliSuite(build: BuildDirectories, file: string): Promise<readonly string[]> {
  const shell = ['java', ...quietJava, '-cp', await javaClasspath(build), 'org.apache.zookeeper.ZooKeeperMain']
  return [process.execPath, '--import', 'tsx', join(build.sources, file), ...shell]
}

/** Four client programs, each of which takes commands on its input. */
async function leaderChangesSuite(build: BuildDirectories): Promise<readonly string[]> {
  const { sources, cache } = build
  const c = join(cache, 'c-holder')
  const go = join(cache, 'go-holder')
  const files = ['harness.c', 'holder.c'].map((name) => join(sources, 'c', name))
  await run('gcc', ['-std=gnu11', '-Wall', '-Werror', '-DTHREADED', '-o', c, ...files, '-lzookeeper_mt', '-lpthread'])
  await run('go', ['build', '-o', go, '.'], { cwd: join(sources, 'go') })
  const programs = {
    kazoo: await kazooSuite(build, 'holder.py'),
    java: await javaSuite(build, 'java', 'Holder'),
    c: [c],
    go: [go, 'holder'],
  }
  const suite = join(sources, 'leader-changes', 'suite.ts')
  return [process.execPath, '--import', 'tsx', suite, JSON.stringify(programs)]
}

async function kazooSuite({ sources, cache }: BuildDirectories, file: string): Promise<readonly string[]> {
  const venv = join(cache, 'venv')
  const python = join(venv, 'bin', 'python')
  if (!existsSync(python)) await run('python3', ['-m', 'venv', venv])
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `kazoo==${kazooVersion}`])
  return [python, join(sources, 'kazoo', file)]
}

/** Installed in a virtual environment, which is created again for another version or after an interrupted attempt. */
async function clickhouseSuite({ sources, cache }: BuildDirectories): Promise<readonly string[]> {
  const venv = join(cache, 'clickhouse-venv')
  const [python, installed] = [join(venv, 'bin', 'python'), join(venv, 'installed.txt')]
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== clickhousePackage) {
    rmSync(venv, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', venv])
    const options = ['--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps', '--only-binary', ':all:']
    const install = run(python, ['-m', 'pip', 'install', ...options, clickhousePackage], {
      timeout: clickhouseInstallTimeoutMs,
      killSignal: 'SIGKILL',
    })
    await install.catch((error: unknown) => {
      throw new Error(
        `${clickhousePackage} is not installed after ${clickhouseInstallTimeoutMs} ms or less: ${String(error)}`,
      )
    })
    writeFileSync(installed, clickhousePackage)
  }
  return [process.execPath, '--import', 'tsx', join(sources, 'clickhouse', 'suite.ts'), python]
}

async function nodeSuite({ sources, cache }: BuildDirectories, file: string): Promise<readonly string[]> {
  const folder = join(cache, 'node-clients')
  const manifest = join(folder, 'package.json')
  const wanted = JSON.stringify({ private: true, clients: nodeClients })
  const isInstalled = existsSync(join(folder, 'installed.json'))
  if (!isInstalled || readFileSync(join(folder, 'installed.json'), 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(manifest, JSON.stringify({ private: true }))
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', ...nodeClients], {
      cwd: folder,
      env: { ...process.env, ...nodeHeaders() },
    })
    writeFileSync(join(folder, 'installed.json'), wanted)
  }
  return [process.execPath, '--import', 'tsx', join(sources, 'node', file), folder]
}

/** The headers of this Node, if they are installed; otherwise node-gyp downloads them. */
function nodeHeaders(): Readonly<Record<string, string>> {
  const installation = resolve(realpathSync(process.execPath), '..', '..')
  const hasHeaders = existsSync(join(installation, 'include', 'node', 'node.h'))
  return hasHeaders ? { npm_config_nodedir: installation } : {}
}

/** Compiles the Java files of a folder with the harness. Resolves with the command that runs the class. */
export async function javaSuite(
  build: BuildDirectories,
  folder: string,
  mainClass: string,
): Promise<readonly string[]> {
  const classpath = await javaClasspath(build)
  const classes = join(build.cache, `${folder}-classes`)
  const own = readdirSync(join(build.sources, folder)).filter((name) => name.endsWith('.java'))
  const files = [...own.map((name) => join(build.sources, folder, name)), join(build.sources, 'java', 'Harness.java')]
  await run('javac', ['-cp', classpath, '-d', classes, ...new Set(files)])
  return ['java', ...quietJava, '-cp', `${classes}:${classpath}`, mainClass]
}

/** The Java client, zkCli, Curator and Apache ZooKeeper's server with all dependencies, from Maven; again when the pom changes. */
export async function javaClasspath({ sources, cache }: BuildDirectories): Promise<string> {
  const project = join(cache, 'java-project')
  const jars = join(cache, 'jars')
  const [wanted, used] = [join(sources, 'java', 'pom.xml'), join(project, 'pom.xml')]
  if (!existsSync(jars) || !existsSync(used) || !readFileSync(used).equals(readFileSync(wanted))) {
    rmSync(jars, { recursive: true, force: true })
    mkdirSync(project, { recursive: true })
    copyFileSync(wanted, used)
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`]
    await run('mvn', ['--quiet', '--batch-mode', '--file', used, ...goal])
  }
  return readdirSync(jars)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(jars, name))
    .join(':')
}
