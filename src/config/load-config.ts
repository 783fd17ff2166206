/**
 * The texts of zoo.cfg, its dynamic part and myid become a `Config`, or a list of everything that is wrong.
 * Owns: defaults, ranges, and the relations between settings. Takes text and reads no files.
 * Assumes: all members of an ensemble were given the same server lines; nothing here can check that.
 */
import { type AdminWord, adminWords, adminWordsByDefault, isAdminWord } from '../base/admin-words.ts'
import type { ServerId } from '../base/ids.ts'
import { connectRequestTimeoutMs } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import { readAuth } from './auth-settings.ts'
import { checkEntries } from './check-entries.ts'
import type { Config, EnsembleMember } from './config.ts'
import type { ConfigProblem, ConfigRemark } from './config-problem.ts'
import { readMembers } from './members.ts'
import { parseConfigText } from './properties-text.ts'
import { outstandingShareOf, readClientLimits } from './read-client-limits.ts'
import { parsePort, wholeNumber } from './server-line.ts'
import { Settings } from './settings.ts'
import { nearestWord } from './suggest-key.ts'

export interface ConfigTexts {
  /** Null: there is no file; the server is standalone on the loopback address. */
  readonly text: string | null
  /** Of the file that `dynamicConfigFile` names; null if it names none. */
  readonly dynamicText: string | null
  /** Of `dataDir`/myid; null if there is none. */
  readonly myidText: string | null
}

export interface ParsedConfig {
  readonly config: Config
  readonly remarks: readonly ConfigRemark[]
}

/** Without a file. The loopback address, so that trying it out opens nothing to the network. */
const textWithoutFile = 'dataDir=./data\nclientPort=2181\nclientPortAddress=127.0.0.1\n'

const peerTimeoutMsDefault = 1500
const durationMsMax = 2 ** 31 - 1
const standaloneServerId = 1 as ServerId

/** What must be read before `loadConfig` can be called. */
export function filesNamedIn(text: string | null): {
  readonly dataDir: string | null
  readonly dynamicConfigFile: string | null
} {
  const { entries } = parseConfigText(text ?? textWithoutFile)
  const last = (key: string): string | null => entries.findLast((entry) => entry.key === key)?.value || null
  return { dataDir: last('dataDir'), dynamicConfigFile: last('dynamicConfigFile') }
}

export function loadConfig(texts: ConfigTexts): Result<ParsedConfig, readonly ConfigProblem[]> {
  const checked = checkEntries(texts.text ?? textWithoutFile, texts.dynamicText)
  const remarks: ConfigRemark[] = [...checked.remarks]
  const settings = new Settings(checked.byKey)
  settings.problems.push(...checked.problems)
  const members = readMembers(checked.serverEntries, settings.problems)

  const standaloneEnabled = settings.flag('standaloneEnabled', true)
  // ZK: QuorumPeerConfig.isDistributed. One server line alone does not make an ensemble unless told.
  const isEnsemble = members.length > 1 || (members.length === 1 && !standaloneEnabled)
  if (!standaloneEnabled && members.length === 0) {
    settings.refuse('standaloneEnabled', 'an ensemble has no server lines', 'add server.1=host:2888:3888;2181')
  }
  const serverId = isEnsemble ? readMyid(texts.myidText, members, settings) : standaloneServerId
  const self = selfIn(members, isEnsemble, serverId, texts.myidText)
  const config = buildConfig({ settings, members, self, isEnsemble, serverId, remarks })
  return settings.problems.length > 0 ? err(settings.problems) : ok({ config, remarks })
}

interface BuildInput {
  readonly settings: Settings
  readonly members: readonly EnsembleMember[]
  readonly self: EnsembleMember | null
  readonly isEnsemble: boolean
  readonly serverId: ServerId
  readonly remarks: ConfigRemark[]
}

function buildConfig({ settings, members, self, isEnsemble, serverId, remarks }: BuildInput): Config {
  const dataDir = settings.text('dataDir')
  if (dataDir === null) settings.refuse('dataDir', 'it is required', 'write dataDir=/var/lib/zookeeper')
  const times = readTimes(settings, isEnsemble)
  return Object.freeze({
    serverId,
    mode: isEnsemble ? 'ensemble' : 'standalone',
    members: isEnsemble ? members : [],
    dataDir: dataDir ?? '',
    dataLogDir: settings.text('dataLogDir') ?? dataDir ?? '',
    requiresDirectorySync: settings.flag('fsync.directories', true),
    clientAddress: readClientAddress(settings, self),
    clientBacklog: settings.number('clientPortListenBacklog', -1, 65535) ?? -1,
    quorumListenOnAllIps: settings.flag('quorumListenOnAllIPs', false),
    ...times,
    // Below 0 there is no limit either (ZK: NIOServerCnxnFactory, ServerCnxnFactory).
    maxClientConnectionsPerAddress: Math.max(0, settings.number('maxClientCnxns', -1, 1_000_000) ?? 60),
    maxClientConnections: Math.max(0, settings.number('maxCnxns', -1, 1_000_000) ?? 0),
    connectRequestTimeoutMs: settings.number('nio.sessionlessCnxnTimeout', 1, durationMsMax) ?? connectRequestTimeoutMs,
    outstandingRequestCountMax: outstandingShareOf(
      settings.number('globalOutstandingLimit', 1, 10_000_000) ?? 1000,
      isEnsemble ? members.length : 1,
    ),
    clientLimits: readClientLimits(settings),
    fourLetterWords: readWhitelist(settings, remarks),
    linearizableReads: settings.flag('linearizableReads', false),
    extendedTypesEnabled: settings.flag('extendedTypesEnabled', true),
    enforceQuota: settings.flag('enforceQuota', false),
    keeperCompatibility: settings.flag('keeper.compatibility', true),
    keeperAvailabilityZone: settings.text('keeper.availabilityZone'),
    ...readSessionModes(settings, isEnsemble),
    ...readContainers(settings),
    auth: readAuth(settings, remarks),
    reconfigEnabled: readReconfigEnabled(settings, isEnsemble, remarks),
  } satisfies Config)
}

/** Standalone it changes which error a reconfig gets, as in ZooKeeper; an ensemble cannot do yet what it promises. */
function readReconfigEnabled(settings: Settings, isEnsemble: boolean, remarks: ConfigRemark[]): boolean {
  const key = 'reconfigEnabled'
  const isEnabled = settings.flag(key, false)
  const entry = settings.entry(key)
  if (isEnabled && isEnsemble && entry !== null) {
    const wrong = 'dynamic reconfiguration is not supported yet; reconfig is answered with Unimplemented'
    remarks.push({ ...entry, severity: 'warning', wrong, write: null })
  }
  return isEnabled
}

/** A standalone server knows neither, whatever its file says (ZK: ZooKeeperServer has its own session tracker). */
function readSessionModes(
  settings: Settings,
  isEnsemble: boolean,
): Pick<Config, 'localSessionsEnabled' | 'localSessionsUpgradingEnabled' | 'readOnlyModeEnabled'> {
  const local = settings.flag('localSessionsEnabled', false)
  const upgrading = settings.flag('localSessionsUpgradingEnabled', false)
  const readOnly = settings.flag('readonlymode.enabled', false)
  return {
    localSessionsEnabled: isEnsemble && local,
    localSessionsUpgradingEnabled: isEnsemble && upgrading,
    readOnlyModeEnabled: isEnsemble && readOnly,
  }
}

function readContainers(
  settings: Settings,
): Pick<Config, 'containerCheckIntervalMs' | 'containerDeletionsPerMinuteMax' | 'containerNeverUsedMs'> {
  return {
    containerCheckIntervalMs: settings.number('znode.container.checkIntervalMs', 1, durationMsMax) ?? 60_000,
    containerDeletionsPerMinuteMax: settings.number('znode.container.maxPerMinute', 1, 10_000_000) ?? 10_000,
    containerNeverUsedMs: settings.number('znode.container.maxNeverUsedIntervalMs', 0, durationMsMax) ?? 300_000,
  }
}

type Times = Pick<
  Config,
  | 'tickTimeMs'
  | 'initLimitMs'
  | 'syncLimitMs'
  | 'minSessionTimeoutMs'
  | 'maxSessionTimeoutMs'
  | 'peerTimeoutMs'
  | 'heartbeatIntervalMs'
>

function readTimes(settings: Settings, isEnsemble: boolean): Times {
  const tickTimeMs = settings.number('tickTime', 1, 3_600_000) ?? 3000
  const initLimitMs = readLimit(settings, 'initLimit', 10, isEnsemble) * tickTimeMs
  const syncLimitMs = readLimit(settings, 'syncLimit', 5, isEnsemble) * tickTimeMs
  const minSessionTimeoutMs = readSessionTimeout(settings, 'minSessionTimeout', 2 * tickTimeMs)
  const maxSessionTimeoutMs = readSessionTimeout(settings, 'maxSessionTimeout', 20 * tickTimeMs)
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const blamed = settings.has('minSessionTimeout') ? 'minSessionTimeout' : 'maxSessionTimeout'
    settings.refuse(
      blamed,
      `the shortest session timeout, ${minSessionTimeoutMs} ms, is above the longest, ${maxSessionTimeoutMs} ms`,
      'raise maxSessionTimeout or lower minSessionTimeout',
    )
  }
  const peerTimeoutMs =
    settings.number('peerTimeoutMs', 50, durationMsMax) ?? Math.min(peerTimeoutMsDefault, syncLimitMs)
  if (peerTimeoutMs > syncLimitMs) {
    settings.refuse('peerTimeoutMs', `above syncLimit x tickTime, ${syncLimitMs} ms`, `write at most ${syncLimitMs}`)
  }
  // Four chances to be heard before the timeout; half a tick at most, since followers report live sessions in them.
  const heartbeatIntervalMs = Math.max(1, Math.floor(Math.min(tickTimeMs / 2, peerTimeoutMs / 4)))
  return {
    tickTimeMs,
    initLimitMs,
    syncLimitMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    peerTimeoutMs,
    heartbeatIntervalMs,
  }
}

function readLimit(settings: Settings, key: 'initLimit' | 'syncLimit', otherwise: number, isRequired: boolean): number {
  if (isRequired && !settings.has(key))
    settings.refuse(key, 'it is required in an ensemble', `write ${key}=${otherwise}`)
  return settings.number(key, 1, 100_000) ?? otherwise
}

/** -1 means the default, as in ZooKeeper. */
function readSessionTimeout(settings: Settings, key: string, otherwiseMs: number): number {
  const value = settings.number(key, -1, durationMsMax)
  if (value === 0) settings.refuse(key, 'a session cannot last 0 ms', 'write milliseconds, or -1 for the default')
  return value === null || value === -1 ? otherwiseMs : value
}

function readClientAddress(settings: Settings, self: EnsembleMember | null): Config['clientAddress'] {
  const portText = settings.text('clientPort')
  const port = portText === null ? null : parsePort(portText)
  if (portText !== null && port === null) settings.refuse('clientPort', 'no port', 'write a number from 1 to 65535')
  const host = settings.text('clientPortAddress')
  const linePort = self === null ? null : self.clientPort
  if (portText === null && linePort === null) {
    const wrong = settings.has('secureClientPort')
      ? 'there is a TLS client port only, and TLS is not supported yet'
      : 'there is no port for clients'
    settings.refuse('clientPort', wrong, 'write clientPort=2181')
  }
  if (port !== null && linePort !== null && port !== linePort) {
    settings.refuse(
      'clientPort',
      `the server line of this server says ${linePort}`,
      'remove one of the two, or make them equal',
    )
  }
  const lineHost = self === null ? null : self.clientHost
  if (host !== null && lineHost !== null && host !== lineHost) {
    settings.refuse(
      'clientPortAddress',
      `the server line of this server says ${lineHost}`,
      'remove one of the two, or make them equal',
    )
  }
  return { host: host ?? lineHost ?? '0.0.0.0', port: port ?? linePort ?? 2181 }
}

function readWhitelist(settings: Settings, remarks: ConfigRemark[]): readonly AdminWord[] {
  const key = '4lw.commands.whitelist'
  if (!settings.has(key)) return adminWordsByDefault
  const asked = (settings.text(key) ?? '').split(',').map((word) => word.trim())
  if (asked.includes('*')) return adminWords
  for (const word of asked) {
    if (word === '' || isAdminWord(word)) continue
    const nearest = nearestWord(word, adminWords)
    remarks.push({
      severity: 'warning',
      source: 'zoo.cfg',
      line: null,
      key,
      value: word,
      wrong: 'there is no such four-letter word',
      write: nearest === null ? `write some of ${adminWords.join(', ')}` : `did you mean ${nearest}?`,
    })
  }
  // Its own scripts ask srvr, and clients that seek a read-write server ask isro (ZK: FourLetterCommands.isEnabled).
  const always = settings.text('readonlymode.enabled')?.toLowerCase() === 'true' ? ['srvr', 'isro'] : ['srvr']
  return adminWords.filter((word) => asked.includes(word) || always.includes(word))
}

function readMyid(text: string | null, members: readonly EnsembleMember[], settings: Settings): ServerId {
  const known = members.map((member) => member.id).join(', ')
  const refuse = (value: string | null, wrong: string): ServerId => {
    const write = `write the number of this server, one of ${known}, into the file myid in dataDir`
    settings.problems.push({ source: 'myid', line: value === null ? null : 1, key: null, value, wrong, write })
    return standaloneServerId
  }
  if (text === null)
    return refuse(null, 'the file is missing, so this server does not know which of the server lines it is')
  // ZooKeeper refuses blanks around the number; nothing is gained by that.
  const firstLine = (text.split(/\r\n|\n|\r/)[0] ?? '').trim()
  const id = wholeNumber(firstLine)
  if (id === null) return refuse(firstLine, `"${firstLine}" is not a number`)
  if (!members.some((member) => member.id === id)) return refuse(firstLine, `there is no server.${firstLine} line`)
  return id as ServerId
}

/** The member that this server is. Standalone, myid only serves to pick a client port from the server lines. */
function selfIn(
  members: readonly EnsembleMember[],
  isEnsemble: boolean,
  serverId: ServerId,
  myidText: string | null,
): EnsembleMember | null {
  if (isEnsemble) return members.find((member) => member.id === serverId) ?? null
  const ownId = wholeNumber((myidText ?? '').trim())
  return members.find((member) => member.id === ownId) ?? members[0] ?? null
}
