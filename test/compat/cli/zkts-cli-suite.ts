/**
 * zkts-cli against one server, beside ZooKeeper's own shell: what scripts read must be the same text.
 * Usage: zkts-cli-suite.ts <command that starts zkCli> single
 * Each shell works below a path of its own; times, zxids and session ids are taken out before texts are compared.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandTable } from '../../../src/cli/command-table.ts'
import { type Check, expectEqual, expectTrue, runChecks } from '../checks.ts'

const server = process.env['ZK_SERVERS']!.split(',')[0]!
const root = process.env['ZK_ROOT']!
const zkCli = [...process.argv.slice(2, -1), '-waitforconnection', '-server', server]
const zktsCli = [process.execPath, join(import.meta.dirname, '..', '..', '..', 'bin', 'zkts-cli.js')]
const home = mkdtempSync(join(tmpdir(), 'zkts-cli-suite-'))
const played = new Set<string>()

interface Ran {
  readonly out: string
  readonly err: string
  readonly exitCode: number | null
}

function run(command: readonly string[], lines: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: 'pipe', env: { ...process.env, HOME: home } })
    const texts = { out: '', err: '' }
    child.stdout.on('data', (chunk: Buffer) => {
      texts.out += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      texts.err += chunk.toString('utf8')
    })
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ ...texts, exitCode }))
    child.stdin.on('error', () => undefined) // one that left early is seen by its exit code
    child.stdin.end(lines.map((line) => `${line}\n`).join(''))
  })
}

/** What both print, without what is one shell's own way: greetings, events, the place of confirmations and warnings. */
function comparable(out: string, path: string): readonly string[] {
  return out
    .replaceAll(/\nWATCHER::\n\nWatchedEvent .*\n/g, '')
    .split('\n')
    .filter((line) => line !== '' && !/^(Connecting to|Welcome to|JLine support|Created |\[Warning\])/.test(line))
    .map((line) =>
      line
        .replaceAll(path, '<root>')
        .replace(/^([cm]time) = .*/, '$1')
        .replace(/^(\wZxid) = .*/, '$1')
        .replace(/^(ephemeralOwner) = 0x[0-9a-f]{2,}$/, '$1'),
    )
}

function sameText(title: string, linesBelow: (path: string) => readonly string[]): Check {
  const [theirs, ours] = ['zkcli', 'zkts'].map((name) => `${root}/${title.replaceAll(' ', '-')}-${name}`) as [
    string,
    string,
  ]
  for (const line of linesBelow(ours)) played.add(line.split(' ')[0]!)
  return {
    title: `${title} as zkCli shows it`,
    async run() {
      const wanted = comparable((await run(zkCli, [...linesBelow(theirs), 'quit'])).out, theirs)
      const { out, err } = await run([...zktsCli, '-s', server], [...linesBelow(ours), 'quit'])
      expectTrue(wanted.length > 0, 'zkCli has printed nothing')
      expectEqual(comparable(out, ours), wanted, `texts differ; zkts-cli said on standard error: ${err}`)
    },
  }
}

const sameTexts = [
  sameText('what znodes hold is shown', (path) => [
    `create ${path} first`,
    `get -s ${path}`,
    `set -s -v 0 ${path} "two words"`,
    `get ${path}`,
    `get -b ${path}`,
    `get -x ${path}`,
    `set -b ${path} AAECf4D/IGFiY2RlZmdoaWprbG1ub3A=`,
    `get -x ${path}`,
    `create ${path}/none`,
    `get ${path}/none`,
    `get -b ${path}/none`,
    `stat ${path}`,
    `sync ${path}`,
    `delete -v 0 ${path}/none`,
    `stat ${path}/none`,
    `get ${path}`,
  ]),
  sameText('what is below a znode is listed', (path) => [
    `create ${path} x`,
    `create -c ${path}/container`,
    `create ${path}/container/child x`,
    `create ${path}/container/child/leaf x`,
    `create -s -e ${path}/both- x`,
    `create -s ${path}/numbered-`,
    `create -e ${path}/mine`,
    `ls ${path}`,
    `ls -s ${path}`,
    `ls -R ${path}`,
    `getAllChildrenNumber ${path}`,
    `getEphemerals ${path}/mine`,
    `deleteall ${path}/container -b 2`,
    `ls ${path}`,
    `deleteall ${path}`,
    `ls ${path}`,
  ]),
  sameText('who may do what is shown', (path) => [
    `create ${path} x world:anyone:cdrwa,ip:127.0.0.1:r`,
    `getAcl -s ${path}`,
    'addauth digest erin:pw',
    'whoami',
    `create ${path}/a x auth::rwa`,
    `getAcl ${path}/a`,
    `setAcl -s -v 0 ${path} world:anyone:dcr,auth::cdrwa`,
    `getAcl ${path}`,
    `setAcl -R ${path} world:anyone:rcdwa`,
    `getAcl ${path}/a`,
    'whoami',
  ]),
  sameText('a quota is shown', (path) => [
    `create ${path} 12345`,
    `create ${path}/a`,
    `setquota -n 1 ${path}`,
    `setquota -b 100 ${path}`,
    `setquota -N 50 ${path}`,
    `listquota ${path}`,
    `create ${path}/b 123`,
    `setquota -B 70 ${path}`,
    `listquota ${path}`,
    `setquota -n 5 ${path}/a`,
    `listquota ${path}/a`,
    `delquota -b ${path}`,
    `listquota ${path}`,
    `delquota ${path}`,
    `listquota ${path}`,
    'ls -R /zookeeper/quota',
  ]),
  sameText('what the ensemble and the shell say is shown', () => [
    'config',
    'config -c',
    'config -s',
    'reconfig -remove 3',
    'printwatches',
    'printwatches off',
    'printwatches',
    'history',
    'redo 4',
    'close',
    'connect',
    'ls /zookeeper/config',
  ]),
]

const ownWays: readonly Check[] = [
  {
    title: 'a quota that zkts-cli sets is a quota for zkCli, and the other way round',
    async run() {
      const path = `${root}/quota`
      const create = [`create ${path}`, `create ${path}/a`, `create ${path}/b`]
      await run([...zktsCli, '-s', server], [...create, `setquota -n 5 ${path}/a`])
      await run(zkCli, [`setquota -n 6 ${path}/b`, 'quit'])
      const theirs = await run(zkCli, [`listquota ${path}/a`, 'quit'])
      const ours = await run([...zktsCli, '-s', server], [`listquota ${path}/b`])
      const text = (name: string, count: number): string =>
        `Output quota for ${path}/${name} count=${count},bytes=-1=;byteHardLimit=-1;countHardLimit=-1`
      expectTrue(theirs.out.includes(text('a', 5)), theirs.out)
      expectTrue(ours.out.includes(text('b', 6)), ours.out + ours.err)
      expectEqual((await run([...zktsCli, '-s', `${server}${path}`, 'delquota', '/a'], [])).exitCode, 0, 'delquota')
    },
  },
  {
    title: 'watches of every kind are told, and can be removed',
    async run() {
      const path = `${root}/watches`
      const { out, err, exitCode } = await run(
        [...zktsCli, '-s', server],
        [
          `create ${path}`,
          `get -w ${path}`,
          `addWatch -m PERSISTENT ${path}`,
          `addWatch ${path}/deep`,
          `set ${path} x`,
          `create ${path}/deep`,
          `create ${path}/deep/er`,
          `removewatches ${path} -p`,
          `removewatches ${path}/deep -a`,
          `set ${path} y`,
          `delete ${path}/deep/er`,
        ],
      )
      expectEqual([err, exitCode], ['', 0], 'the shell')
      expectEqual(
        [...out.matchAll(/^watch: (\S+) (\S+)/gm)].map(([, at, kind]) => `${at!.slice(path.length)} ${kind}`),
        [' data-changed', '/deep created', ' children-changed', '/deep/er created'],
        'events',
      )
    },
  },
  {
    title: 'a command by itself answers with JSON and a status',
    async run() {
      const command = (...argv: readonly string[]): Promise<Ran> =>
        run([...zktsCli, '-s', server, '--json', ...argv], [])
      await command('create', `${root}/json`, 'x')
      const { out } = await command('get', `${root}/json`)
      expectEqual((JSON.parse(out) as { data: string }).data, 'x', 'the data')
      const refused = await command('get', `${root}/json/none`)
      expectEqual(refused.exitCode, 1, 'the status of a refusal')
      expectEqual((JSON.parse(refused.err) as { errorName: string }).errorName, 'no-node', 'its name')
      expectEqual((await command('get')).exitCode, 2, 'the status of a wrong command line')
    },
  },
  {
    title: 'every command of the table has been played',
    async run() {
      for (const name of ['addWatch', 'removewatches', 'quit', 'exit']) played.add(name)
      const missing = commandTable.map(({ name }) => name).filter((name) => !played.has(name))
      expectEqual(missing, [], 'commands that nothing plays')
    },
  },
]

/** Where all others work below; made by the shell under test. */
const made = await run([...zktsCli, '-s', server, 'create', root], [])
if (made.exitCode !== 0) console.log(`not ok the root is made: ${made.err}`)
const exitCode = await runChecks([...sameTexts, ...ownWays])
rmSync(home, { recursive: true })
process.exit(made.exitCode === 0 ? exitCode : 1)
