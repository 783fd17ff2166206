/**
 * Runs the suites of stock clients against running servers and sums up: `tsx test/compat/run.ts [--target zkts|zookeeper] [--only name,name]
 * [--part part] [--plain-sockets]`; the last is for zkts, which by default uses undocumented fields of sockets (io/node-net.ts).
 * Every part has new servers that its suites share. Each suite works below its own path and has its own proxy. Suites that need one
 * server run at the same time, since they mostly wait. Suites of the ensemble kill servers, and so run one after another.
 * A suite that cannot be prepared, crashes, hangs or prints no check counts as one failure, so none is skipped unnoticed.
 * The servers of zkts make checkpoints all the time (servers.ts). A suite during which none was made fails, and so does one that
 * started a server which did not start from a checkpoint; in each part the front of a log is removed.
 * The last line is `N passed, N failed`; the exit code is 0 if and only if none failed.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { startFaultyProxy } from '../support/faulty-proxy.ts'
import { eventually } from './checks.ts'
import { startControl } from './control.ts'
import { type Servers, startServers, type Target } from './servers.ts'
import { type BuildDirectories, javaClasspath, type Part, parts, type Suite, suites } from './suites.ts'

const suiteTimeoutMs = 240_000
const startTimeoutMs = 60_000
/** A checkpoint is begun within a tick after the writes that it is due for. */
const checkpointTimeoutMs = 10_000
const suitesAtOnce: Readonly<Record<Part, number>> = { single: 2, extended: 2, strict: 1, ensemble: 1, sessions: 1 }

interface Score {
  passed: number
  failed: number
}

interface PreparedSuite {
  readonly suite: Suite
  readonly command: readonly string[]
}

const projectRoot = resolve(import.meta.dirname, '..', '..')
const build: BuildDirectories = { sources: import.meta.dirname, cache: join(projectRoot, '.cache', 'compat') }

async function main(): Promise<number> {
  const { target, only, part, plainSockets } = readArguments()
  const score: Score = { passed: 0, failed: 0 }
  mkdirSync(build.cache, { recursive: true })
  const classpath = target === 'zookeeper' ? await javaClasspath(build) : ''
  const chosen = suites.filter((suite) => only.length === 0 || only.includes(suite.name))
  const prepared = await prepareAll(chosen, score)
  const runIfAny = async (each: Part): Promise<void> => {
    const ready = prepared.filter(({ suite }) => suite.parts.includes(each) && (part === undefined || part === each))
    if (ready.length > 0) await runPart({ target, classpath, plainSockets }, each, ready, score)
  }
  await Promise.all([runIfAny('single'), runIfAny('extended')])
  await runIfAny('strict')
  await runIfAny('ensemble')
  await runIfAny('sessions')
  console.log(`${score.passed} passed, ${score.failed} failed`)
  return score.failed === 0 && score.passed > 0 ? 0 : 1
}

function readArguments(): {
  readonly target: Target
  readonly only: readonly string[]
  readonly part: string | undefined
  readonly plainSockets: boolean
} {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: 'zkts' },
      only: { type: 'string', default: '' },
      part: { type: 'string' },
      'plain-sockets': { type: 'boolean', default: false },
    },
  })
  const only = values.only.split(',').filter((name) => name !== '')
  const unknown = only.filter((name) => !suites.some((suite) => suite.name === name))
  if (unknown.length > 0)
    throw new Error(
      `unknown suite ${unknown.join(', ')}; the suites are: ${suites.map((suite) => suite.name).join(', ')}`,
    )
  if (values.target !== 'zkts' && values.target !== 'zookeeper')
    throw new Error(`--target is zkts or zookeeper, not '${values.target}'`)
  if (values.part !== undefined && !parts.some((part) => part === values.part))
    throw new Error(`--part is one of ${parts.join(', ')}, not '${values.part}'`)
  return { target: values.target, only, part: values.part, plainSockets: values['plain-sockets'] }
}

async function prepareAll(chosen: readonly Suite[], score: Score): Promise<readonly PreparedSuite[]> {
  const prepared: PreparedSuite[] = []
  for (const suite of chosen) {
    try {
      prepared.push({ suite, command: await suite.prepare(build) })
    } catch (error) {
      report(
        score,
        `not ok ${suite.name}: the suite is prepared: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  return prepared
}

interface ServersToTest {
  readonly target: Target
  readonly classpath: string
  readonly plainSockets: boolean
}

async function runPart(
  { target, classpath, plainSockets }: ServersToTest,
  part: Part,
  ready: readonly PreparedSuite[],
  score: Score,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'zkts-compat-'))
  const serverCount = part === 'ensemble' || part === 'sessions' ? 3 : 1
  const isExtended = part === 'extended'
  const servers = await startServers({
    target,
    serverCount,
    directory,
    projectRoot,
    classpath,
    tickTimeMs: 1000,
    isExtended,
    hasSessionModes: part === 'sessions',
    isStrict: part === 'strict',
    plainSockets,
  })
  try {
    await servers.waitUntilAllServe(startTimeoutMs)
    for (const each of ready) if (each.suite.runsAlone) await runSuite(servers, { target, part }, each, score)
    const waiting = ready.filter((each) => !each.suite.runsAlone)
    const runWaiting = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await runSuite(servers, { target, part }, next, score)
    }
    await Promise.all(Array.from({ length: suitesAtOnce[part] }, runWaiting))
    // One suite alone may write too little for it.
    if (target === 'zkts' && ready.length > 1) {
      await checkLogged(score, `${part}: the front of a log was removed`, () => servers.loggedCount('log-purged') > 0)
    }
  } catch (error) {
    report(score, `not ok ${part}: the servers serve: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await servers.stopAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function runSuite(
  servers: Servers,
  { target, part }: { readonly target: Target; readonly part: Part },
  { suite, command }: PreparedSuite,
  score: Score,
): Promise<void> {
  await servers.waitUntilAllServe(startTimeoutMs)
  const proxy = await startFaultyProxy(servers.clientPorts[0]!)
  const control = await startControl(servers, proxy)
  const made = servers.loggedCount('checkpoint-made')
  const loaded = servers.loggedCount('checkpoint-loaded')
  const [program, ...args] = [...command, part]
  const startedAtMs = Date.now()
  const child = spawn(program!, args, {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: '1',
      ZK_SERVERS: servers.clientPorts.map((port) => `127.0.0.1:${port}`).join(','),
      ZK_PROXY: `127.0.0.1:${proxy.port}`,
      ZK_CONTROL: `127.0.0.1:${control.port}`,
      ZK_ROOT: `/${suite.name}-${part}`,
      ZK_TARGET: target,
    },
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), suiteTimeoutMs)
  let diagnostics = ''
  child.stderr.on('data', (chunk: Buffer) => {
    diagnostics = (diagnostics + chunk.toString('utf8')).slice(-4000)
  })
  let [checkCount, failedCount] = [0, 0]
  createInterface({ input: child.stdout }).on('line', (line) => {
    const match = /^(ok|not ok) (.*)$/.exec(line)
    if (match === null) return
    checkCount += 1
    if (match[1] === 'not ok') failedCount += 1
    report(score, `${match[1]} ${suite.name}: ${match[2]}`)
  })
  const exit = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(String(error)))
    child.once('close', (code, signal) => resolve(String(signal ?? code)))
  })
  clearTimeout(timer)
  if (failedCount > 0) console.log(diagnostics.slice(-2000).replaceAll(/^/gm, '# '))
  const expected = failedCount === 0 && checkCount > 0 ? '0' : '1'
  if (exit !== expected || checkCount === 0) {
    report(
      score,
      `not ok ${suite.name}: the ${part} part runs to its end: exit ${exit} after ${checkCount} checks: ${diagnostics}`,
    )
  }
  if (target === 'zkts' && suite.leavesServersAlone !== true) {
    const title = `${suite.name}: a checkpoint was made during the ${part} part`
    await checkLogged(score, title, () => servers.loggedCount('checkpoint-made') > made)
  }
  if (target === 'zkts' && control.startCount > 0) {
    const title = `${suite.name}: servers that the ${part} part started began with a checkpoint`
    await checkLogged(score, title, () => servers.loggedCount('checkpoint-loaded') - loaded >= control.startCount)
  }
  console.log(`# ${suite.name} ${part}: ${checkCount} checks in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`)
  control.close()
  proxy.close()
}

async function checkLogged(score: Score, title: string, isLogged: () => boolean): Promise<void> {
  const failure = await eventually(isLogged, checkpointTimeoutMs, 'it is not in the log').catch((error: Error) => error)
  report(score, failure === undefined ? `ok ${title}` : `not ok ${title}: ${failure.message}`)
}

function report(score: Score, line: string): void {
  if (line.startsWith('ok ')) score.passed += 1
  else score.failed += 1
  console.log(line)
}

process.exit(await main())
