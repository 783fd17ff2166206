/**
 * Starts a dozen configurations on both servers: both must start in the same mode, or
 * both must end by themselves. Only this test covers the checks that come after parsing.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../support/free-ports.ts'
import { type Check, expectEqual } from '../checks.ts'
import { fourLetterWord } from '../servers.ts'
import { writeCase } from './config.ts'
import type { ConfigCase } from './config-cases.ts'

interface StartedCase extends ConfigCase {
  readonly outcome: 'standalone' | 'leader' | 'ends'
}

/** `<client>`, `<quorum>` and `<election>` stand for free ports. */
const alone = 'dataDir=@/data\nadmin.enableServer=false\n4lw.commands.whitelist=*\n'
const ensemble = `${alone}tickTime=500\ninitLimit=10\nsyncLimit=5\nstandaloneEnabled=false\n`

const startedCases: readonly StartedCase[] = [
  { title: 'the smallest file', text: `${alone}clientPort=<client>\n`, outcome: 'standalone' },
  {
    title: 'odd spacing and ends of lines',
    text: `# x\\\r\n  ${alone.replaceAll('\n', ' \r\n')}\tclientPort : <client> \r\n`,
    outcome: 'standalone',
  },
  {
    title: 'numbers with signs and zeros',
    text: `${alone}clientPort=+0<client>\ntickTime=+02000\n`,
    outcome: 'standalone',
  },
  {
    title: 'an IPv4 address',
    text: `${alone}clientPort=<client>\nclientPortAddress=127.0.0.1\n`,
    outcome: 'standalone',
  },
  {
    title: 'every address, by that of IPv6',
    text: `${alone}clientPort=<client>\nclientPortAddress=[::]\n`,
    outcome: 'standalone',
  },
  {
    title: 'one server line',
    text: `${alone}clientPort=<client>\nserver.5=127.0.0.1:<quorum>:<election>\n`,
    outcome: 'standalone',
  },
  {
    title: 'an ensemble of server 0',
    text: `${ensemble}server.0=127.0.0.1:<quorum>:<election>;127.0.0.1:<client>\n`,
    myid: '0\n',
    outcome: 'leader',
  },
  {
    title: 'every address beside that of the server line',
    text: `${ensemble}clientPort=<client>\nclientPortAddress=0.0.0.0\nserver.1=127.0.0.1:<quorum>:<election>;127.0.0.1:<client>\n`,
    myid: '1\n',
    outcome: 'leader',
  },
  {
    title: 'a dynamic file',
    text: `${ensemble}dynamicConfigFile=@/zoo.cfg.dynamic\n`,
    dynamic: 'server.7=127.0.0.1:<quorum>:<election>:participant;<client>\n',
    myid: '+07',
    outcome: 'leader',
  },
  {
    title: 'an address that this machine does not have',
    text: `${alone}clientPort=<client>\nclientPortAddress=192.0.2.1\n`,
    outcome: 'ends',
  },
  {
    title: 'a data folder that is a file',
    text: `${alone.replace('@/data', '@/zoo.cfg')}clientPort=<client>\n`,
    outcome: 'ends',
  },
  {
    title: 'a number that names no server line',
    text: `${ensemble}server.1=127.0.0.1:<quorum>:<election>;<client>\nserver.2=127.0.0.1:1:2\n`,
    myid: '3\n',
    outcome: 'ends',
  },
]

const startTimeoutMs = 50_000

/** `zooKeeper` starts QuorumPeerMain, `zkts` zkts-server; the path of a zoo.cfg is appended. */
export function startedChecks(zooKeeper: readonly string[], zkts: readonly string[]): readonly Check[] {
  return startedCases.map((given) => ({
    title: `${given.title}: both ${given.outcome === 'ends' ? 'end at the start' : `start as ${given.outcome}`}`,
    async run() {
      const outcomes = await Promise.all([started(zooKeeper, given), started(zkts, given)])
      expectEqual(outcomes, [given.outcome, given.outcome], 'ZooKeeper and zkts')
    },
  }))
}

async function started(command: readonly string[], given: StartedCase): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'zkts-started-'))
  const ports = { client: await freePort(), quorum: await freePort(), election: await freePort() }
  const withPorts = (text: string): string =>
    text.replaceAll(/<(client|quorum|election)>/g, (_all, name: keyof typeof ports) => String(ports[name]))
  const path = writeCase(
    {
      ...given,
      text: withPorts(given.text),
      ...(given.dynamic !== undefined && { dynamic: withPorts(given.dynamic) }),
    },
    folder,
  )
  const log = openSync(join(folder, 'log'), 'a')
  const [program, ...args] = command
  const child = spawn(program!, [...args, path], { cwd: folder, stdio: ['ignore', log, log] })
  closeSync(log)
  const exit = new Promise<'ends'>((resolve) => child.once('exit', () => resolve('ends')))
  try {
    return await Promise.race([exit, modeOf(child, ports.client, () => readFileSync(join(folder, 'log'), 'utf8'))])
  } finally {
    child.kill('SIGKILL')
    await exit
    rmSync(folder, { recursive: true, force: true })
  }
}

async function modeOf(child: ChildProcess, port: number, log: () => string): Promise<string> {
  const deadline = performance.now() + startTimeoutMs
  while (child.exitCode === null && child.signalCode === null) {
    const mode = /^Mode: (.*)$/m.exec(await fourLetterWord(port, 'srvr'))?.[1]
    if (mode !== undefined) return mode
    if (performance.now() > deadline) return `neither serves nor ends: ${log().slice(-500)}`
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return 'ends'
}
