/**
 * Runs zkts-cli and ZooKeeper's own shell on the same server: the texts that scripts read must be equal.
 * Usage: zkts-cli-suite.ts <command that starts zkCli> single
 * Each shell works below a path of its own. Times, zxids and session ids are removed before texts are compared.
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
    child.stdin.on('error', () => undefined) // a shell that ends early is noticed by its exit code
    child.stdin.end(lines.map((line) => `${line}\n`).join(''))
  })
}

/** The output without lines that differ on purpose: greetings, events, confirmations and warnings. */
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
      expectTrue(wanted.length > 0, 'zkCli printed nothing')
      expectEqual(comparable(out, ours), wanted, `texts differ; standard error of zkts-cli: ${err}`)
    },
  }
}

const sameTexts = [
  sameText('data and Stats are shown', (path) => [
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
  sameText('children and subtrees are listed', (path) => [
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
  sameText('ACLs are shown', (path) => [
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
  sameText('answers about the ensemble and the shell are shown', () => [
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
    title: 'zkCli shows a quota that zkts-cli has set, and zkts-cli one of zkCli',
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
    title: 'events of watches of every kind are printed, and the watches can be removed',
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
    title: 'a command on the command line answers with JSON and an exit status',
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
    title: 'every command is in one of the dialogues',
    async run() {
      for (const name of ['addWatch', 'removewatches', 'quit', 'exit']) played.add(name)
      const missing = commandTable.map(({ name }) => name).filter((name) => !played.has(name))
      expectEqual(missing, [], 'commands in no dialogue')
    },
  },
]

/** The root of all checks, created by the shell under test. */
const made = await run([...zktsCli, '-s', server, 'create', root], [])
if (made.exitCode !== 0) console.log(`not ok the root is created: ${made.err}`)
const exitCode = await runChecks([...sameTexts, ...ownWays])
rmSync(home, { recursive: true })
process.exit(made.exitCode === 0 ? exitCode : 1)
