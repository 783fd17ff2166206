import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { effectiveSettings, keysNotShown } from '../../src/config/effective-settings.ts'
import { keys } from '../../src/config/keys.ts'
import { loadConfig } from '../../src/config/load-config.ts'

/** ZK: ZooKeeperServer.dumpConf, QuorumZooKeeperServer.dumpConf. */
const inZooKeeper =
  'clientPort dataDir dataLogDir tickTime maxClientCnxns minSessionTimeout maxSessionTimeout clientPortListenBacklog initLimit syncLimit server.N'.split(
    ' ',
  )
const standalone = ['dataDir=/data', 'dataLogDir=/log', 'clientPort=2181']
const member = [
  ...standalone,
  'initLimit=10',
  'syncLimit=5',
  ...[1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888`),
]
/** Of each key another value than its default, as far as one configuration can have them. */
const changed = [
  'fsync.directories=false',
  'txnLogSizeLimitInKb=1024',
  'fsync.warningthresholdms=7',
  'snapCount=12',
  'snapSizeLimitInKb=-1',
  'checkpointIntervalMs=0',
  'autopurge.snapRetainCount=5',
  'autopurge.purgeInterval=3',
  'logRetentionSizeInKb=-1',
  'logRetentionHours=6',
  'db.autocreate=false',
  'maxCnxns=9',
  'nio.sessionlessCnxnTimeout=800',
  'jute.maxbuffer=0x1000',
  'largeRequestThreshold=100',
  'largeRequestMaxBytes=1000',
  'request_throttle_max_requests=4',
  'request_throttle_drop_stale=false',
  'request_stale_connection_check=false',
  'request_stale_latency_check=true',
  'throttled_op_wait_time=50',
  'connection_throttle_tokens=30',
  'connection_throttle_fill_time=20',
  'connection_throttle_fill_count=2',
  'connection_throttle_freeze_time=10',
  'connection_throttle_drop_increase=0.5',
  'connection_throttle_drop_decrease=0.25',
  'connection_throttle_decrease_ratio=0.125',
  'connection_throttle_weight_enabled=true',
  'connection_throttle_global_session_weight=5',
  'connection_throttle_renew_session_weight=4',
  'connection_throttle_local_session_weight=3',
  'admin.serverAddress=0.0.0.0',
  'admin.serverPort=9',
  'admin.commandURL=/c',
  'admin.idleTimeout=77',
  'admin.allowedHosts=zk,zk2',
  '4lw.commands.whitelist=conf, ckpt',
  'linearizableReads=true',
  'extendedTypesEnabled=false',
  'enforceQuota=true',
  'keeper.compatibility=false',
  'keeper.availabilityZone=a',
  'znode.container.checkIntervalMs=11',
  'znode.container.maxPerMinute=12',
  'znode.container.maxNeverUsedIntervalMs=13',
  'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
  'metricsProvider.httpHost=127.0.0.1',
  'metricsProvider.httpPort=7070',
  'metricsProvider.exportJvmInfo=false',
  'jvm.pause.warn-threshold.ms=900',
  'jvm.pause.info-threshold.ms=90',
  'DigestAuthenticationProvider.digestAlg=SHA-256',
  'enforce.auth.enabled=true',
  'enforce.auth.schemes=digest',
  'skipACL=yes',
  'ensembleAuthName=one,two',
]
const changedOfMembers = [
  'peerTimeoutMs=350',
  'handOverSlowLeaderMs=70',
  'clientWaitForLeaderMs=900',
  'leader.maxConcurrentSnapSyncs=2',
  'leader.snapSyncRateLimitInKb=4096',
  'quorumListenOnAllIPs=true',
  'localSessionsEnabled=true',
  'localSessionsUpgradingEnabled=true',
  'readonlymode.enabled=true',
  'digest.enabled=true',
  'digest.stopOnMismatch=true',
]

function configOf(...lines: readonly string[]): Config {
  const loaded = loadConfig({ text: lines.join('\n'), dynamicText: null, myidText: '2\n' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value.config
}

function linesOf(config: Config, isShown: (key: string) => boolean = () => true): readonly string[] {
  return effectiveSettings(config).flatMap(([key, value]) => (isShown(key) ? [`${key}=${value}`] : []))
}

describe('the settings in effect', () => {
  test('have every key that is used and is not in the list of ZooKeeper, each once', () => {
    const config = configOf(...member, ...changed, ...changedOfMembers)
    const shown = effectiveSettings(config).map(([key]) => key)
    const used = Object.entries(keys).flatMap(([key, { support }]) => (support.kind === 'used' ? [key] : []))
    expect([...shown, ...inZooKeeper, ...Object.keys(keysNotShown)].sort()).toEqual([...used].sort())
  })

  test.each([
    ['of a standalone server without keys', standalone],
    ['of a standalone server', [...standalone, ...changed]],
    ['of a member without keys', member],
    ['of a member', [...member, ...changed, ...changedOfMembers]],
    [
      'of a server that measures no pauses and compares no trees',
      [...member, 'jvm.pause.monitor=false', 'digest.enabled=false'],
    ],
  ])('%s make the same configuration again', (_what, lines) => {
    const config = configOf(...lines)
    // A member shows its share of this limit.
    const isWhole = (key: string): boolean => config.mode === 'standalone' || key !== 'globalOutstandingLimit'
    const base = lines.filter((line) => inZooKeeper.includes(line.split('=')[0]!.replace(/\.\d$/, '.N')))
    expect(configOf(...base, ...linesOf(config, isWhole))).toEqual(config)
  })

  test('have the values that were written', () => {
    const lines = new Set(linesOf(configOf(...member, ...changed, ...changedOfMembers)))
    const written = [...changed, ...changedOfMembers]
    const others = written.filter((line) => !lines.has(line))
    // One number may be written in several ways. srvr is always answered, and isro with the read-only mode.
    expect(others).toEqual(['snapSizeLimitInKb=-1', 'jute.maxbuffer=0x1000', '4lw.commands.whitelist=conf, ckpt'])
    expect(lines).toContain('jute.maxbuffer=4096')
    expect(lines).toContain('snapSizeLimitInKb=0')
    expect(lines).toContain('4lw.commands.whitelist=ckpt, conf, isro, srvr')
  })

  test('do not show a credential', () => {
    const digest = 'super:UdxDQl4f9v5oITwcAsO9bmWgHSI='
    const config = configOf(...standalone, `DigestAuthenticationProvider.superDigest=${digest}`)
    expect(config.auth.superDigest).toBe(digest)
    expect(linesOf(config).join('\n')).not.toContain('UdxDQl')
  })
})
