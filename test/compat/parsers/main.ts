/**
 * Compares our parsers with those of Apache ZooKeeper, by calling the classes in its jar:
 * `tsx test/compat/parsers/main.ts [--seed N] [--lines N] [--files N]`. With `--record` it rewrites the fixture that the unit tests have of
 * zkCli. The last line is `N passed, N failed`; the exit code is 0 if and only if none failed.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runChecks } from '../checks.ts'
import { type BuildDirectories, javaSuite } from '../suites.ts'
import { configChecks } from './config.ts'
import { startedChecks } from './started.ts'
import { recordWords, wordChecks } from './words.ts'

const projectRoot = resolve(import.meta.dirname, '..', '..', '..')
const build: BuildDirectories = {
  sources: join(projectRoot, 'test', 'compat'),
  cache: join(projectRoot, '.cache', 'compat'),
}
const recordedWords = join(projectRoot, 'test', 'cli', 'fixtures', 'zkcli-words.json')

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      lines: { type: 'string', default: '2000' },
      files: { type: 'string', default: '600' },
      record: { type: 'boolean', default: false },
    },
  })
  mkdirSync(build.cache, { recursive: true })
  const zkCli = await javaSuite(build, 'parsers', 'ZkCliWords')
  if (values.record) {
    const rows = recordWords(zkCli).map((each) => JSON.stringify(each))
    writeFileSync(recordedWords, `[\n${rows.join(',\n')}\n]\n`)
  }
  let failedCount = 0
  const zkConfig = await javaSuite(build, 'parsers', 'ZkConfig')
  const checks = [
    ...wordChecks(zkCli, Number(values.seed), Number(values.lines)),
    ...configChecks(zkConfig, Number(values.seed), Number(values.files)),
    ...startedChecks(
      [...zkConfig.slice(0, -1), 'org.apache.zookeeper.server.quorum.QuorumPeerMain'],
      [process.execPath, join(projectRoot, 'bin', 'zkts-server.js'), '--config'],
    ),
  ]
  for (const check of checks) failedCount += await runChecks([check])
  console.log(`${checks.length - failedCount} passed, ${failedCount} failed`)
  return failedCount === 0 ? 0 : 1
}

process.exit(await main())
