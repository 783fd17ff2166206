/**
 * Makes a `Config` from the texts of zoo.cfg, its dynamic part and myid, or a list of everything that is wrong.
 * Owns: defaults, ranges, and the relations between settings. Takes text and reads no files.
 * Assumes: all members of an ensemble have the same server lines. This module cannot check that.
 */
import { type AdminWord, adminWords, adminWordsByDefault, isAdminWord } from '../base/admin-words.ts'
import type { ServerId } from '../base/ids.ts'
import { connectRequestTimeoutMs, snapSyncKibPerSecond } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import { readAuth } from './auth-settings.ts'
import { checkEntries } from './check-entries.ts'
import { asZkts, asZooKeeper, type Compatibility } from './compatibility.ts'
import type { Config, EnsembleMember, PauseThresholds } from './config.ts'
import { type ConfigProblem, type ConfigRemark, inFileOrder } from './config-problem.ts'
import { isAddress, isAnyAddress, isHost, isSameHost, withoutBrackets } from './host-text.ts'
import { type MembersRead, readMembers } from './members.ts'
import { readMetricsEndpoint } from './metrics-endpoint.ts'
import { parseConfigText } from './properties-text.ts'
import { readAdminEndpoint } from './read-admin-endpoint.ts'
import { outstandingShareOf, readClientLimits } from './read-client-limits.ts'
import { readStorageSettings } from './read-storage-settings.ts'
import { parseClientPort, wholeNumber } from './server-line.ts'
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

/** Used without a file. It is the loopback address, so that a first try opens no port to the network. */
const textWithoutFile = 'dataDir=./data\nclientPort=2181\nclientPortAddress=127.0.0.1\n'

const peerTimeoutMsDefault = 1500
const clientWaitForLeaderMsDefault = 4000
/**
 * Long enough that a garbage collection of a large heap is no reason, and a third of the default peerTimeoutMs, after which the
 * other servers depose a leader in any case.
 */
const handOverSlowLeaderMsDefault = 500
/** The largest int of Java: ZooKeeper's settings are ints, and so is a timeout on the wire. */
const intMax = 2 ** 31 - 1
const intMin = -(2 ** 31)
const standaloneServerId = 1 as ServerId

/** What must be read before `loadConfig` can be called. */
export function filesNamedIn(text: string | null): {
  readonly dataDir: string | null
  readonly dataLogDir: string | null
  readonly dynamicConfigFile: string | null
} {
  const { entries } = parseConfigText(text ?? textWithoutFile)
  const last = (key: string): string | null => entries.findLast((entry) => entry.key === key)?.value || null
  return { dataDir: last('dataDir'), dataLogDir: last('dataLogDir'), dynamicConfigFile: last('dynamicConfigFile') }
}

export function loadConfig(texts: ConfigTexts): Result<ParsedConfig, readonly ConfigProblem[]> {
  const checked = checkEntries(texts.text ?? textWithoutFile, texts.dynamicText)
  const remarks: ConfigRemark[] = [...checked.remarks]
  const settings = new Settings(checked.byKey)
  settings.problems.push(...checked.problems)
  const read = readMembers(checked.serverEntries, settings.problems)
  const { members } = read
  const lineCount = members.length + read.refusedIds.length

  const standaloneEnabled = settings.flag('standaloneEnabled', true)
  // ZK: QuorumPeerConfig.isDistributed. One server line makes a standalone server unless standaloneEnabled is false.
  const isEnsemble = lineCount > 1 || (lineCount === 1 && !standaloneEnabled)
  if (!standaloneEnabled && lineCount === 0) {
    settings.refuse('standaloneEnabled', 'an ensemble has no server lines', 'add server.1=host:2888:3888;2181')
  }
  const serverId = isEnsemble ? readMyid(texts.myidText, read, settings) : standaloneServerId
  const self = isEnsemble
    ? (members.find((member) => member.id === serverId) ?? null)
    : standaloneSelf(members, settings, texts.myidText)
  const isOwnLineRefused = self === null && read.refusedIds.length > 0
  const config = buildConfig({ settings, members, self, isOwnLineRefused, isEnsemble, serverId, remarks })
  remarks.push(...settings.remarks)
  if (settings.problems.length > 0) return err(inFileOrder(settings.problems))
  return ok({ config, remarks: inFileOrder(remarks) })
}

interface BuildInput {
  readonly settings: Settings
  readonly members: readonly EnsembleMember[]
  readonly self: EnsembleMember | null
  readonly isOwnLineRefused: boolean // it could have named a port
  readonly isEnsemble: boolean
  readonly serverId: ServerId
  readonly remarks: ConfigRemark[]
}

function buildConfig(input: BuildInput): Config {
  const { settings, members, self, isOwnLineRefused, isEnsemble, serverId, remarks } = input
  const dataDir = settings.text('dataDir')
  if (!settings.has('dataDir')) settings.refuseMissing('dataDir', 'it is required', 'write dataDir=/var/lib/zookeeper')
  const compatibility = readCompatibility(settings)
  const times = readTimes(settings, isEnsemble, compatibility)
  return Object.freeze({
    serverId,
    mode: isEnsemble ? 'ensemble' : 'standalone',
    members: isEnsemble ? members : [],
    dataDir: dataDir ?? '',
    dataLogDir: settings.text('dataLogDir') ?? dataDir ?? '',
    requiresDirectorySync: settings.flag('fsync.directories', true),
    storage: readStorageSettings(settings),
    clientAddress: readClientAddress(settings, self, isOwnLineRefused),
    // Below 1 it is the system's choice (ZK: java.net.ServerSocket.bind).
    clientBacklog: backlogOf(settings.number('clientPortListenBacklog', intMin, intMax) ?? -1),
    quorumListenOnAllIps: settings.flag('quorumListenOnAllIPs', false),
    ...times,
    // Below 0 there is no limit either (ZK: NIOServerCnxnFactory, ServerCnxnFactory).
    maxClientConnectionsPerAddress: Math.max(0, settings.number('maxClientCnxns', intMin, intMax) ?? 60),
    maxClientConnections: Math.max(0, settings.integer('maxCnxns', intMin, intMax) ?? 0),
    connectRequestTimeoutMs: settings.integer('nio.sessionlessCnxnTimeout', 1, intMax) ?? connectRequestTimeoutMs,
    outstandingRequestCountMax: outstandingShareOf(
      // Below 1 each connection may have one request in flight (ZK: ZooKeeperServer.shouldThrottle).
      Math.max(1, settings.integer('globalOutstandingLimit', intMin, intMax) ?? 1000),
      isEnsemble ? members.length : 1,
    ),
    clientLimits: readClientLimits(settings),
    compatibility,
    adminEndpoint: readAdminEndpoint(settings),
    fourLetterWords: readWhitelist(settings, compatibility, remarks),
    // Below 1 ZooKeeper fails when a learner comes (ZK: LearnerSyncThrottler).
    snapSyncsAtOnceMax: settings.integer('leader.maxConcurrentSnapSyncs', 1, intMax) ?? 10,
    snapSyncRateLimitKib: settings.integer('leader.snapSyncRateLimitInKb', 1, intMax) ?? snapSyncKibPerSecond,
    dbAutocreate: settings.flag('db.autocreate', true),
    linearizableReads: settings.flag('linearizableReads', false),
    extendedTypesEnabled: settings.flag('extendedTypesEnabled', !compatibility.refusesTtlZnodes),
    enforceQuota: settings.flag('enforceQuota', false),
    keeperCompatibility: settings.flag('keeper.compatibility', !compatibility.servesNoKeeperDialect),
    keeperAvailabilityZone: settings.text('keeper.availabilityZone'),
    ...readSessionModes(settings, isEnsemble),
    ...readContainers(settings),
    digestPolicy: readDigestPolicy(settings),
    metricsEndpoint: readMetricsEndpoint(settings),
    pauseThresholds: readPauseThresholds(settings),
    auth: readAuth(settings, remarks),
    reconfigEnabled: readReconfigEnabled(settings, isEnsemble, remarks),
  } satisfies Config)
}

function readCompatibility(settings: Settings): Compatibility {
  const key = 'compatibility'
  const value = settings.text(key) ?? 'zkts'
  if (value === 'strict') return asZooKeeper
  if (value !== 'zkts') settings.refuse(key, 'there is no such compatibility', 'write strict or zkts')
  return asZkts
}

/** On a standalone server it changes the error of reconfig, as in ZooKeeper. An ensemble cannot be reconfigured yet. */
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

/** A standalone server ignores both (ZK: ZooKeeperServer has its own session tracker). */
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
    containerCheckIntervalMs: settings.integer('znode.container.checkIntervalMs', 1, intMax) ?? 60_000,
    containerDeletionsPerMinuteMax: settings.integer('znode.container.maxPerMinute', 1, intMax) ?? 10_000,
    containerNeverUsedMs:
      settings.integer('znode.container.maxNeverUsedIntervalMs', 0, Number.MAX_SAFE_INTEGER) ?? 300_000,
  }
}

function readDigestPolicy(settings: Settings): Config['digestPolicy'] {
  const isCompared = settings.flag('digest.enabled', true)
  const stops = settings.flag('digest.stopOnMismatch', false)
  if (!isCompared) return 'not-compared'
  return stops ? 'stop' : 'report'
}

/** Any whole number, as in ZooKeeper: with one below 0 each tick gets a line. */
function readPauseThresholds(settings: Settings): PauseThresholds | null {
  const thresholds = {
    warnMs: settings.number('jvm.pause.warn-threshold.ms', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? 10_000,
    infoMs: settings.number('jvm.pause.info-threshold.ms', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? 1000,
  }
  return settings.flag('jvm.pause.monitor', true) ? thresholds : null
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
  | 'handOverSlowLeaderMs'
  | 'clientWaitForLeaderMs'
>

function readTimes(settings: Settings, isEnsemble: boolean, compatibility: Compatibility): Times {
  const tickTimeMs = settings.number('tickTime', 1, intMax) ?? 3000
  const ticks = (count: number): number => Math.min(intMax, count * tickTimeMs)
  const initLimitMs = ticks(readLimit(settings, 'initLimit', 10, isEnsemble))
  const syncLimitMs = ticks(readLimit(settings, 'syncLimit', 5, isEnsemble))
  // A minimum of 0 or below means no minimum.
  const minSessionTimeoutMs = Math.max(1, readSessionTimeout(settings, 'minSessionTimeout', ticks(2)))
  const maxSessionTimeoutMs = readSessionTimeout(settings, 'maxSessionTimeout', ticks(20))
  // A maximum below 1 was refused before.
  if (maxSessionTimeoutMs > 0 && minSessionTimeoutMs > maxSessionTimeoutMs) {
    const blamed = settings.has('minSessionTimeout') ? 'minSessionTimeout' : 'maxSessionTimeout'
    settings.refuse(
      blamed,
      `the shortest session timeout, ${minSessionTimeoutMs} ms, is above the longest, ${maxSessionTimeoutMs} ms`,
      'raise maxSessionTimeout or lower minSessionTimeout',
    )
  }
  const peerTimeoutMs = settings.number('peerTimeoutMs', 50, intMax) ?? Math.min(peerTimeoutMsDefault, syncLimitMs)
  if (peerTimeoutMs > syncLimitMs) {
    settings.refuse('peerTimeoutMs', `above syncLimit x tickTime, ${syncLimitMs} ms`, `write at most ${syncLimitMs}`)
  }
  // Four heartbeats fit into the timeout. Half a tick at most, since their replies report live sessions.
  const heartbeatIntervalMs = Math.max(1, Math.floor(Math.min(tickTimeMs / 2, peerTimeoutMs / 4)))
  return {
    tickTimeMs,
    initLimitMs,
    syncLimitMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    peerTimeoutMs,
    heartbeatIntervalMs,
    handOverSlowLeaderMs:
      settings.number('handOverSlowLeaderMs', 0, intMax) ??
      (compatibility.leaderChangesClose ? 0 : Math.min(handOverSlowLeaderMsDefault, Math.floor(peerTimeoutMs / 2))),
    clientWaitForLeaderMs: readClientWait(settings, compatibility),
  }
}

/** Where moves of sessions are no txns, a connection that a session has left must not outlive the leader. */
function readClientWait(settings: Settings, { leaderChangesClose }: Compatibility): number {
  const waitMs = settings.number('clientWaitForLeaderMs', 0, intMax)
  if (!leaderChangesClose) return waitMs ?? clientWaitForLeaderMsDefault
  if (waitMs !== null && waitMs > 0) {
    const wrong = 'with compatibility=strict a leader change closes connections, as in ZooKeeper'
    settings.refuse('clientWaitForLeaderMs', wrong, 'remove the line, or write 0')
  }
  return 0
}

/** A standalone server does not use it; ZooKeeper then only requires a number. */
function readLimit(settings: Settings, key: 'initLimit' | 'syncLimit', otherwise: number, isRequired: boolean): number {
  if (!isRequired) return Math.max(1, settings.number(key, intMin, intMax) ?? otherwise)
  if (!settings.has(key)) settings.refuseMissing(key, 'it is required in an ensemble', `write ${key}=${otherwise}`)
  return settings.number(key, 1, intMax) ?? otherwise
}

/** -1 means the default, as in ZooKeeper. */
function readSessionTimeout(settings: Settings, key: string, otherwiseMs: number): number {
  const isMaximum = key === 'maxSessionTimeout'
  const value = settings.number(key, intMin, intMax)
  if (isMaximum && value !== null && value < 1 && value !== -1) {
    settings.refuse(key, `a session cannot last ${value} ms`, 'write milliseconds, or -1 for the default')
  }
  return value === null || value === -1 ? otherwiseMs : value
}

function backlogOf(count: number): number {
  return count < 1 ? -1 : count
}

function readClientAddress(
  settings: Settings,
  self: EnsembleMember | null,
  isOwnLineRefused: boolean,
): Config['clientAddress'] {
  const port = readOwnClientPort(settings)
  const linePort = self === null ? null : self.clientPort
  if (!settings.has('clientPort') && linePort === null) {
    if (isOwnLineRefused) return { host: '0.0.0.0', port: 2181 }
    const wrong = settings.has('secureClientPort')
      ? 'there is a TLS client port only, and TLS is not supported yet'
      : 'there is no port for clients'
    settings.refuseMissing('clientPort', wrong, 'write clientPort=2181')
  } else if (!settings.has('clientPort') && settings.has('clientPortAddress')) {
    settings.refuse('clientPortAddress', 'it has an effect only with clientPort', `write clientPort=${linePort}`)
  }
  if (port !== null && linePort !== null && port !== linePort) {
    settings.refuse(
      'clientPort',
      `the server line of this server says ${linePort}`,
      'remove one of the two, or make them equal',
    )
  }
  return { host: readClientHost(settings, self), port: port ?? linePort ?? 2181 }
}

function readOwnClientPort(settings: Settings): number | null {
  const text = settings.text('clientPort')
  const port = text === null ? null : parseClientPort(text)
  if (text !== null && port === null) settings.refuse('clientPort', 'no port', 'write a number from 0 to 65535')
  return port
}

/** ZK: QuorumPeerConfig.setupClientPort: the server line counts, and clientPortAddress must not contradict it. */
function readClientHost(settings: Settings, self: EnsembleMember | null): string {
  const key = 'clientPortAddress'
  const text = settings.text(key)
  if (settings.has(key) && text === null) {
    // Java reads an empty text as the loopback address.
    settings.refuse(key, 'there is no address', 'write 0.0.0.0 for every address, or remove the line')
  } else if (text !== null && !isHost(withoutBrackets(text))) {
    settings.refuse(
      key,
      'neither an address nor a name',
      'write clientPortAddress=0.0.0.0 or =::1, with an equals sign',
    )
  }
  const host = text === null ? null : withoutBrackets(text)
  const lineHost = self === null ? null : self.clientHost
  if (host === null || lineHost === null) return host ?? lineHost ?? '0.0.0.0'
  if (isAnyAddress(host) || isSameHost(host, lineHost)) return lineHost
  if (isAddress(host) && isAddress(lineHost)) {
    settings.refuse(key, `the server line of this server says ${lineHost}`, 'remove one of the two, or make them equal')
  } else {
    settings.warn(key, `clients are served on ${lineHost}, as the server line of this server says`, 'remove this line')
  }
  return lineHost
}

function readWhitelist(
  settings: Settings,
  { whitelistsSrvrAlone }: Compatibility,
  remarks: ConfigRemark[],
): readonly AdminWord[] {
  const key = '4lw.commands.whitelist'
  if (!settings.has(key) && !whitelistsSrvrAlone) return adminWordsByDefault
  const asked = (settings.text(key) ?? '').split(',').map((word) => word.trim())
  if (asked.includes('*')) return adminWords
  for (const word of asked) {
    if (word === '' || isAdminWord(word)) continue
    const nearest = nearestWord(word, adminWords)
    remarks.push({
      severity: 'warning',
      source: 'zoo.cfg',
      line: settings.entry(key)?.line ?? null,
      key,
      value: word,
      wrong: 'there is no such four-letter word',
      write: nearest === null ? `write some of ${adminWords.join(', ')}` : `did you mean ${nearest}?`,
    })
  }
  // ZooKeeper's own scripts ask srvr, and clients that seek a read-write server ask isro (ZK: FourLetterCommands.isEnabled).
  const always = settings.text('readonlymode.enabled')?.toLowerCase() === 'true' ? ['srvr', 'isro'] : ['srvr']
  return adminWords.filter((word) => asked.includes(word) || always.includes(word))
}

function readMyid(text: string | null, { members, refusedIds }: MembersRead, settings: Settings): ServerId {
  const ids = [...members.map((member) => member.id), ...refusedIds.filter((id) => id !== null)].sort((a, b) => a - b)
  const known = ids.join(', ')
  const refuse = (value: string | null, wrong: string): ServerId => {
    const write = `write the number of this server, one of ${known}, into the file myid in dataDir`
    settings.problems.push({ source: 'myid', line: value === null ? null : 1, key: null, value, wrong, write })
    return standaloneServerId
  }
  if (text === null)
    return refuse(null, 'the file is missing, so this server does not know which of the server lines it is')
  const firstLine = firstLineOf(text)
  const id = idInMyid(text)
  if (id === null) return refuse(firstLine, `"${firstLine}" is not a number`)
  const isKnown = ids.some((each) => each === id) || refusedIds.includes(null)
  if (!isKnown) return refuse(firstLine, `there is no server.${firstLine} line`)
  return id as ServerId
}

/** Standalone, myid only serves to pick a client port from the server lines; without clientPort the first line will do. */
function standaloneSelf(
  members: readonly EnsembleMember[],
  settings: Settings,
  myidText: string | null,
): EnsembleMember | null {
  const ownId = myidText === null ? null : idInMyid(myidText)
  if (myidText !== null && ownId === null) {
    const value = firstLineOf(myidText)
    const wrong = `"${value}" is not a number`
    const write = 'write the number of this server, or remove the file, which a standalone server does not need'
    settings.problems.push({ source: 'myid', line: 1, key: null, value, wrong, write })
  }
  const named = members.find((member) => member.id === ownId)
  return named ?? (settings.has('clientPort') ? null : (members[0] ?? null))
}

function idInMyid(text: string): number | null {
  return wholeNumber(firstLineOf(text))
}

/** ZooKeeper refuses blanks around the number. That helps no operator, so they are trimmed. */
function firstLineOf(text: string): string {
  return (text.split(/\r\n|\n|\r/)[0] ?? '').trim()
}
