/**
 * The settings in effect under their keys, in the units of the keys: what `conf` shows beside the keys that ZooKeeper's
 * `conf` has. Written into a zoo.cfg they give the same `Config`, so an operator can compare two servers, and sees defaults.
 * Left out: keys of features that are off, keys that concern an ensemble on a standalone server, and `keysNotShown`.
 */
import type { Config } from './config.ts'
import { prometheusClass } from './metrics-endpoint.ts'
import type { StorageSettings } from './storage-settings.ts'

export type Setting = readonly [key: string, value: string]

/** Null: it is not shown. */
type Values = readonly (readonly [key: string, value: string | number | boolean | null])[]

/** Keys that are used, and the reason why `conf` does not show them under their name. */
export const keysNotShown: Readonly<Record<string, string>> = {
  'DigestAuthenticationProvider.superDigest': 'a hash of a password',
  'authProvider.N': 'names of Java classes; enforce.auth.schemes and ensembleAuthName show what they have an effect on',
  dynamicConfigFile: 'its server lines are shown',
  standaloneEnabled: 'the server lines are shown if there is an ensemble',
}

export function effectiveSettings(config: Config): readonly Setting[] {
  const settings: Values = [
    ['clientPortAddress', config.clientAddress.host],
    ['fsync.directories', config.requiresDirectorySync],
    ...storageSettings(config.storage),
    ['db.autocreate', config.dbAutocreate],
    ['maxCnxns', config.maxClientConnections],
    ['nio.sessionlessCnxnTimeout', config.connectRequestTimeoutMs],
    ['globalOutstandingLimit', config.outstandingRequestCountMax],
    ...clientLimitSettings(config),
    ['compatibility', 'zkts'],
    ['admin.enableServer', config.adminEndpoint !== null],
    ...adminSettings(config),
    ['4lw.commands.whitelist', config.fourLetterWords.join(', ')],
    ['linearizableReads', config.linearizableReads],
    ['extendedTypesEnabled', config.extendedTypesEnabled],
    ['enforceQuota', config.enforceQuota],
    ['keeper.compatibility', config.keeperCompatibility],
    ['keeper.availabilityZone', config.keeperAvailabilityZone],
    ['znode.container.checkIntervalMs', config.containerCheckIntervalMs],
    ['znode.container.maxPerMinute', config.containerDeletionsPerMinuteMax],
    ['znode.container.maxNeverUsedIntervalMs', config.containerNeverUsedMs],
    ['jvm.pause.monitor', config.pauseThresholds !== null],
    ['jvm.pause.warn-threshold.ms', config.pauseThresholds?.warnMs ?? null],
    ['jvm.pause.info-threshold.ms', config.pauseThresholds?.infoMs ?? null],
    ...metricsSettings(config),
    ...authSettings(config),
    ['reconfigEnabled', config.reconfigEnabled],
    ...(config.mode === 'ensemble' ? ensembleSettings(config) : []),
  ]
  return settings.flatMap(([key, value]) => (value === null ? [] : [[key, String(value)] as const]))
}

const hourMs = 3_600_000

function storageSettings({
  segmentSizeBytes,
  slowFlushMs,
  checkpointTriggers,
  logRetention,
  purgeIntervalMs,
}: StorageSettings): Values {
  const { txnCount, logSizeBytes, intervalMs } = checkpointTriggers
  const { checkpointCount, sizeBytes, durationMs } = logRetention
  return [
    ['txnLogSizeLimitInKb', segmentSizeBytes / 1024],
    ['fsync.warningthresholdms', slowFlushMs],
    ['snapCount', txnCount],
    ['snapSizeLimitInKb', (logSizeBytes ?? 0) / 1024],
    ['checkpointIntervalMs', intervalMs ?? 0],
    ['autopurge.snapRetainCount', checkpointCount],
    ['autopurge.purgeInterval', (purgeIntervalMs ?? 0) / hourMs],
    ['logRetentionSizeInKb', sizeBytes === null ? -1 : sizeBytes / 1024],
    ['logRetentionHours', durationMs === null ? -1 : durationMs / hourMs],
  ]
}

function clientLimitSettings({ clientLimits }: Config): Values {
  const { frameSizeBytesMax, largeRequests, requestThrottle, connectionThrottle: rate } = clientLimits
  return [
    ['jute.maxbuffer', frameSizeBytesMax],
    ['largeRequestThreshold', largeRequests?.thresholdSizeBytes ?? -1],
    ['largeRequestMaxBytes', largeRequests?.inFlightSizeBytesMax ?? null],
    ['request_throttle_max_requests', requestThrottle.inFlightCountMax],
    ['request_throttle_drop_stale', requestThrottle.dropsStale],
    ['request_stale_connection_check', requestThrottle.checksConnection],
    ['request_stale_latency_check', requestThrottle.checksLatency],
    ['throttled_op_wait_time', requestThrottle.waitMsMax],
    ['connection_throttle_tokens', rate === null ? 0 : rate.tokenCountMax / rate.newSessionTokens],
    ['connection_throttle_fill_time', rate?.fillTimeMs ?? null],
    ['connection_throttle_fill_count', rate === null ? null : rate.fillTokenCount / rate.newSessionTokens],
    ['connection_throttle_freeze_time', rate?.freezeTimeMs ?? null],
    ['connection_throttle_drop_increase', rate?.dropIncrease ?? null],
    ['connection_throttle_drop_decrease', rate?.dropDecrease ?? null],
    ['connection_throttle_decrease_ratio', rate?.decreaseRatio ?? null],
    // Weights of 1 have the effect of no weights.
    ['connection_throttle_weight_enabled', rate === null ? null : true],
    ['connection_throttle_global_session_weight', rate?.newSessionTokens ?? null],
    ['connection_throttle_renew_session_weight', rate?.returningSessionTokens ?? null],
    ['connection_throttle_local_session_weight', rate?.localSessionTokens ?? null],
  ]
}

function adminSettings({ adminEndpoint }: Config): Values {
  if (adminEndpoint === null) return []
  const { address, commandUrl, idleTimeoutMs, allowedHosts } = adminEndpoint
  return [
    ['admin.serverAddress', address.host],
    ['admin.serverPort', address.port],
    ['admin.commandURL', commandUrl],
    ['admin.idleTimeout', idleTimeoutMs],
    ['admin.allowedHosts', allowedHosts.length === 0 ? null : allowedHosts.join(',')],
  ]
}

function metricsSettings({ metricsEndpoint }: Config): Values {
  return [
    ['metricsProvider.className', metricsEndpoint === null ? null : prometheusClass],
    ['metricsProvider.httpHost', metricsEndpoint?.address.host ?? null],
    ['metricsProvider.httpPort', metricsEndpoint?.address.port ?? null],
    ['metricsProvider.exportJvmInfo', metricsEndpoint?.exportsProcess ?? null],
  ]
}

function authSettings({ auth }: Config): Values {
  const { schemes, digestAlgorithm, ensembleNames, requiredSchemes, skipsAcl } = auth
  return [
    ['DigestAuthenticationProvider.enabled', schemes.includes('digest')],
    ['DigestAuthenticationProvider.digestAlg', digestAlgorithm],
    ['enforce.auth.enabled', requiredSchemes.length > 0],
    ['enforce.auth.schemes', requiredSchemes.length > 0 ? requiredSchemes.join(',') : null],
    ['skipACL', skipsAcl ? 'yes' : 'no'],
    ['ensembleAuthName', ensembleNames?.join(',') ?? null],
  ]
}

function ensembleSettings(config: Config): Values {
  return [
    ['peerTimeoutMs', config.peerTimeoutMs],
    ['handOverSlowLeaderMs', config.handOverSlowLeaderMs],
    ['clientWaitForLeaderMs', config.clientWaitForLeaderMs],
    ['leader.maxConcurrentSnapSyncs', config.snapSyncsAtOnceMax],
    ['leader.snapSyncRateLimitInKb', config.snapSyncRateLimitKib],
    ['quorumListenOnAllIPs', config.quorumListenOnAllIps],
    ['localSessionsEnabled', config.localSessionsEnabled],
    ['localSessionsUpgradingEnabled', config.localSessionsUpgradingEnabled],
    ['readonlymode.enabled', config.readOnlyModeEnabled],
    ['digest.enabled', config.digestPolicy !== 'not-compared'],
    ['digest.stopOnMismatch', config.digestPolicy === 'stop'],
  ]
}
