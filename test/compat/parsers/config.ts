/**
 * Compares configuration files with ZooKeeper's own parser: both refuse, or both start with the same settings, or one of
 * `configRules` accepts the difference. One JVM parses all files; ours are read as zkts-server reads them.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../../../src/config/config.ts'
import { plainHost } from '../../../src/config/host-text.ts'
import { readTextFile } from '../../../src/io/node-files.ts'
import { readConfig } from '../../../src/server/config-files.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { type Check, expectTrue } from '../checks.ts'
import { type ConfigCase, randomCase, typicalCases } from './config-cases.ts'
import { type ConfigDifference, configRules, rulesFor } from './config-rules.ts'

const intMax = 2 ** 31 - 1

type Settings = Readonly<Record<string, unknown>>

interface TheirAddress {
  readonly host: string
  readonly port: number
}

export function configChecks(zkConfig: readonly string[], seed: number, fileCount: number): readonly Check[] {
  const random = new SeededRandom(seed)
  const randomCases = Array.from({ length: fileCount }, (_, i) => randomCase(random, i + 1))
  const uses = new Map<string, number>()
  return [
    {
      title: `${typicalCases.length} typical configurations mean what they mean to ZooKeeper`,
      run: () => compareAll(zkConfig, typicalCases, uses),
    },
    {
      title: `${fileCount} random configurations mean what they mean to ZooKeeper (seed ${seed})`,
      run: () => compareAll(zkConfig, randomCases, uses),
    },
    {
      title: 'every rule about configurations describes a difference',
      async run() {
        const unused = configRules.filter(({ name }) => !uses.has(name)).map(({ name }) => name)
        expectTrue(unused.length === 0, `no file showed ${unused.join(', ')}`)
      },
    },
  ]
}

async function compareAll(
  zkConfig: readonly string[],
  cases: readonly ConfigCase[],
  uses: Map<string, number>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'zkts-config-'))
  try {
    const paths = cases.map((given, i) => writeCase(given, join(folder, String(i))))
    const theirs = askZooKeeper(zkConfig, paths, folder)
    const unexplained: string[] = []
    for (const [i, given] of cases.entries()) {
      const difference = await compare(given, paths[i]!, theirs[i]!)
      if (difference === null) continue
      const rules = rulesFor(difference)
      if (rules === null) unexplained.push(describe(difference, theirs[i]!))
      else for (const { name } of rules) uses.set(name, (uses.get(name) ?? 0) + 1)
    }
    const shown = unexplained.slice(0, 8).join('\n')
    expectTrue(unexplained.length === 0, `${unexplained.length} differ, and no rule says why, such as ${shown}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns the path of its zoo.cfg. */
export function writeCase(given: ConfigCase, folder: string): string {
  const put = (name: string, text: string): void =>
    writeFileSync(join(folder, name), text.replaceAll('@', folder), given.isLatin1 ? 'latin1' : 'utf8')
  mkdirSync(join(folder, 'data'), { recursive: true })
  put('zoo.cfg', given.text)
  if (given.dynamic !== undefined) put('zoo.cfg.dynamic', given.dynamic)
  if (given.myid !== undefined) put(join('data', 'myid'), given.myid)
  return join(folder, 'zoo.cfg')
}

function askZooKeeper(zkConfig: readonly string[], paths: readonly string[], folder: string): readonly Settings[] {
  const [list, hosts] = [join(folder, 'paths'), join(folder, 'hosts')]
  writeFileSync(list, paths.map((path) => `${path}\n`).join(''))
  writeFileSync(hosts, '127.0.0.1 localhost\n') // Java then asks no name server
  const [java, ...args] = zkConfig
  const printed = execFileSync(java!, [`-Djdk.net.hosts.file=${hosts}`, ...args, list], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return printed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Settings)
}

async function compare(given: ConfigCase, path: string, theirs: Settings): Promise<ConfigDifference | null> {
  const loaded = await readConfig(path, readTextFile)
  const theirRefusal = (theirs['refused'] as string | undefined) ?? null
  const ourRefusals = loaded.ok ? null : loaded.error.map((line) => line.replaceAll(path, 'zoo.cfg'))
  if (theirRefusal !== null && ourRefusals !== null) return null
  const fields = loaded.ok && theirRefusal === null ? differingFields(theirs, loaded.value.config) : []
  if ((theirRefusal === null) === (ourRefusals === null) && fields.length === 0) return null
  const own = loaded.ok ? ownSettings(loaded.value.config) : {}
  return { given, theirRefusal, ourRefusals, fields, areCapped: fields.every((field) => own[field] === intMax) }
}

function differingFields(theirs: Settings, config: Config): readonly string[] {
  const wanted = plain(theirs)
  const actual = ownSettings(config)
  return Object.keys(actual).filter((field) => !isDeepStrictEqual(actual[field], wanted[field]))
}

/** ZooKeeper's settings in our units and spellings. */
function plain(theirs: Settings): Settings {
  const tickTime = Number(theirs['tickTime'])
  const isEnsemble = theirs['mode'] === 'ensemble'
  const members = theirs['members'] as readonly (Settings & { host: string; client: TheirAddress | null })[]
  return {
    ...theirs,
    initLimit: isEnsemble ? Number(theirs['initLimit']) * tickTime : null,
    syncLimit: isEnsemble ? Number(theirs['syncLimit']) * tickTime : null,
    // A value below 1 means no minimum, no limit, or the system's choice.
    minSessionTimeout: Math.max(1, Number(theirs['minSessionTimeout'])),
    maxClientCnxns: Math.max(0, Number(theirs['maxClientCnxns'])),
    backlog: Number(theirs['backlog']) < 1 ? -1 : theirs['backlog'],
    client: plainAddress(theirs['client'] as TheirAddress | null),
    localSessions: isEnsemble && theirs['localSessions'],
    localSessionsUpgrading: isEnsemble && theirs['localSessionsUpgrading'],
    members: members.map((each) => ({ ...each, host: plainHost(each.host), client: plainAddress(each.client) })),
  }
}

function ownSettings(config: Config): Settings {
  const isEnsemble = config.mode === 'ensemble'
  return {
    mode: config.mode,
    serverId: isEnsemble ? config.serverId : null,
    client: plainAddress(config.clientAddress),
    dataDir: config.dataDir,
    dataLogDir: config.dataLogDir,
    tickTime: config.tickTimeMs,
    initLimit: isEnsemble ? config.initLimitMs : null,
    syncLimit: isEnsemble ? config.syncLimitMs : null,
    minSessionTimeout: config.minSessionTimeoutMs,
    maxSessionTimeout: config.maxSessionTimeoutMs,
    maxClientCnxns: config.maxClientConnectionsPerAddress,
    backlog: config.clientBacklog,
    quorumListenOnAllIPs: config.quorumListenOnAllIps,
    localSessions: config.localSessionsEnabled,
    localSessionsUpgrading: config.localSessionsUpgradingEnabled,
    reconfig: config.reconfigEnabled,
    members: config.members.map(({ id, host, quorumPort, electionPort, clientHost, clientPort }) => ({
      id,
      host: plainHost(host),
      quorumPort,
      electionPort,
      client: clientPort === null ? null : plainAddress({ host: clientHost ?? '0.0.0.0', port: clientPort }),
    })),
  }
}

/** The wildcards of IPv4 and IPv6 both serve all addresses. */
function plainAddress(address: TheirAddress | null): TheirAddress | null {
  if (address === null) return null
  const host = plainHost(address.host)
  return { host: host === '[::]' ? '0.0.0.0' : host, port: address.port }
}

function describe(difference: ConfigDifference, theirs: Settings): string {
  const { given, theirRefusal, ourRefusals, fields } = difference
  const wanted = fields.map((field) => `${field} (ZooKeeper: ${JSON.stringify(theirs[field])})`)
  return `${given.title} ${JSON.stringify({ ...given, title: undefined })}: ZooKeeper ${theirRefusal ?? 'starts'}; zkts ${
    ourRefusals?.join(' / ') ?? 'starts'
  }; other settings: ${wanted.join(', ')}`
}
