/**
 * Keys of ZooKeeper 3.9 that have no effect in zkts. Each row says why, because its user will ask that.
 */
import { type KeyTraits, noEffect } from './key-traits.ts'

const grouped = 'all requests that arrive in one turn of the event loop are flushed together'
const noTls = 'TLS is not supported yet'
const noTlsPort = 'TLS is not supported yet; this port will not be opened'
const noSasl = 'SASL is not supported yet'
const noReconfig = 'dynamic reconfiguration is not supported yet'
const noObservers = 'observers are not supported yet'
const noThreads = 'zkts has no such threads'
const noCache = 'reads copy from the store and need no cache'
const noHttpSnapshots = 'there are none over HTTP; use zkts-cli backup and zkts-cli restore'
const valuesAtOnce = 'a value is noted where it arises, without a queue'
const ownElection = 'the election has no fixed waiting times'

export const keysWithoutEffect: Readonly<Record<string, KeyTraits>> = {
  // Ports and TLS
  secureClientPort: noEffect('port', '', 'TLS port for clients.', noTlsPort),
  secureClientPortAddress: noEffect('text', '', 'Address of the TLS port.', noTlsPort),
  'client.portUnification': noEffect('boolean', 'false', 'TLS and plain text on one port.', noTls),
  'client.certReload': noEffect('boolean', 'false', 'Reload certificates.', noTls),
  portUnification: noEffect('boolean', 'false', 'TLS and plain text between servers.', noTls),
  sslQuorumReloadCertFiles: noEffect('boolean', 'false', 'Reload certificates of the quorum port.', noTls),
  'ssl.N': noEffect('text', '', 'TLS of client ports: key stores, protocols, authentication.', noTls),
  'ssl.quorum.N': noEffect('text', '', 'TLS between servers; sslQuorum turns it on.', noTls),
  'fips-mode': noEffect('boolean', 'true', 'Restrict cryptography to FIPS.', noTls),
  'X509AuthenticationProvider.superUser': noEffect('text', '', 'Super user by certificate.', noTls),
  serverCnxnFactory: noEffect('text', 'NIO', 'Java class that serves connections.', 'there is one implementation'),
  'nio.numSelectorThreads': noEffect('count', '', 'Selector threads.', noThreads),
  'nio.numWorkerThreads': noEffect('count', '', 'Worker threads.', noThreads),
  'nio.directBufferBytes': noEffect('bytes', '65536', 'Size of direct buffers.', noThreads),
  'netty.server.outstandingHandshake.limit': noEffect('count', '-1', 'TLS handshakes at once.', noTls),
  'netty.advancedFlowControl.enabled': noEffect('boolean', 'false', 'Back-pressure of Netty.', 'it is always on'),

  // SASL and authorisation
  'quorum.auth.learner.saslLoginContext': noEffect('text', 'QuorumLearner', 'JAAS section.', noSasl),
  'quorum.auth.server.saslLoginContext': noEffect('text', 'QuorumServer', 'JAAS section.', noSasl),
  'quorum.auth.kerberos.servicePrincipal': noEffect('text', 'zkquorum/localhost', 'Kerberos principal.', noSasl),
  'kerberos.N': noEffect('text', '', 'Kerberos principals.', noSasl),
  superUser: noEffect('text', '', 'Super user by SASL.', noSasl),
  'SASLAuthenticationProvider.superPassword': noEffect('text', '', 'Password of the SASL super user.', noSasl),
  letAnySaslUserDoX: noEffect('text', '', 'Makes every SASL user equal.', noSasl),
  allowSaslFailedClients: noEffect('boolean', 'false', 'Keep clients whose SASL failed.', noSasl),
  'sasl.serverconfig': noEffect('text', 'Server', 'JAAS section.', noSasl),
  enableEagerACLCheck: noEffect(
    'boolean',
    'false',
    'Check ACLs before forwarding a write.',
    'a refused write costs no log record here; the leader checks every write, in its order',
  ),
  'audit.enable': noEffect('boolean', 'false', 'Audit log.', 'there is no audit log yet'),

  // Roles and membership
  version: noEffect('text', '', 'Version of a dynamic configuration, hexadecimal.', noReconfig),
  syncEnabled: noEffect('boolean', 'true', 'Observers write to disk.', noObservers),
  observerMasterPort: noEffect('port', '', 'Followers serve observers on this port.', noObservers),
  'observer.reconnectDelayMs': noEffect('ms', '0', 'Pause before an observer reconnects.', noObservers),
  'observer.election.DelayMs': noEffect('ms', '200', 'Pause before an observer elects.', noObservers),
  'observer.syncEnabled': noEffect('boolean', 'true', 'Observers write to disk.', noObservers),
  oraclePath: noEffect('path', '', 'File that breaks ties between two servers.', 'a majority always decides'),
  leaderServes: noEffect('boolean', 'yes', 'The leader accepts clients.', 'the leader always serves clients'),
  'multiAddress.reachabilityCheckEnabled': noEffect(
    'boolean',
    'true',
    'Probe the addresses.',
    'one address per server',
  ),
  'multiAddress.reachabilityCheckTimeoutMs': noEffect('ms', '1000', 'Limit of a probe.', 'one address per server'),

  // Election and links
  connectToLearnerMasterLimit: noEffect(
    'ticks',
    '0',
    'Time to connect to the leader; 0 = initLimit.',
    'initLimit covers it',
  ),
  cnxTimeout: noEffect('ms', '5000', 'Limit for connecting to the election port.', ownElection),
  electionPortBindRetry: noEffect(
    'count',
    '3',
    'Attempts to bind the election port.',
    'a port in use is an error at once',
  ),
  'fastleader.minNotificationInterval': noEffect('ms', '200', 'Pause between votes.', ownElection),
  'fastleader.maxNotificationInterval': noEffect('ms', '60000', 'Pause between votes.', ownElection),
  leaderConnectDelayDuringRetryMs: noEffect('ms', '100', 'Pause before dialling the leader again.', ownElection),
  'leader.maxConcurrentDiffSyncs': noEffect(
    'count',
    '100',
    'Log transfers at once.',
    'a window per learner limits the transfer',
  ),
  'quorum.cnxn.threads.size': noEffect('count', '20', 'Threads that accept peers.', noThreads),

  // Storage
  'snapshot.compression.method': noEffect(
    'text',
    '',
    'Compression of snapshots.',
    'the store of the checkpoint compresses its blocks itself',
  ),
  snapshotSizeFactor: noEffect(
    'text',
    '0.33',
    'When a learner gets the log instead of a snapshot.',
    'a copy of the state is sent instead of the log if the log is larger than 32 MiB and a third of the copy',
  ),
  'snapshot.trust.empty': noEffect(
    'boolean',
    'false',
    'Accept a log without a snapshot.',
    'recovery decides by a hash chain',
  ),
  'serializeLastProcessedZxid.enabled': noEffect(
    'boolean',
    'true',
    'Write the last zxid into snapshots.',
    'a checkpoint always contains its zxid and the digest of its tree',
  ),
  preAllocSize: noEffect(
    'KiB',
    '65536',
    'Log preallocation.',
    'the log is filled with zeros before it is written to, in steps of 64 KiB to 4 MiB',
  ),
  commitLogCount: noEffect('count', '500', 'Transactions kept for learners.', 'a limit in bytes and count is built in'),
  forceSync: noEffect(
    'boolean',
    'yes',
    'Flush before acknowledging.',
    'every write is flushed before it counts, always',
  ),
  flushDelay: noEffect('ms', '0', 'Wait to collect more writes.', grouped),
  maxWriteQueuePollTime: noEffect('ms', 'flushDelay/3', 'Wait to collect more writes.', grouped),
  maxBatchSize: noEffect('count', '1000', 'Writes per flush.', grouped),
  'closeSessionTxn.enabled': noEffect(
    'boolean',
    'true',
    'Name the ephemerals in the closing transaction.',
    'it always does',
  ),
  'datadir.autocreate': noEffect('boolean', 'true', 'Create folders.', 'missing folders are created'),

  // Tree
  emulate353TTLNodes: noEffect('boolean', 'false', 'Owner format of 3.5.3.', 'no data of that version is ever read'),
  watchManagerName: noEffect('text', '', 'Java class that keeps watches.', 'there is one implementation'),
  watcherCleanThreadsNum: noEffect('count', '2', 'Threads that drop dead watches.', noThreads),
  watcherCleanThreshold: noEffect('count', '1000', 'Dead watches before a sweep.', noThreads),
  watcherCleanIntervalInSeconds: noEffect('count', '600', 'Seconds between sweeps.', noThreads),
  maxInProcessingDeadWatchers: noEffect('count', '-1', 'Dead watches waiting.', noThreads),
  bitHashCacheSize: noEffect('count', '10', 'Cache of the watch manager.', noCache),
  maxResponseCacheSize: noEffect('count', '400', 'Cached replies.', noCache),
  maxGetChildrenResponseCacheSize: noEffect('count', '400', 'Cached lists of children.', noCache),

  // Load
  request_throttle_stall_time: noEffect(
    'ms',
    '100',
    'Pause before a full server is looked at again.',
    'a waiting request goes on as soon as another is answered',
  ),
  'request_throttler.shutdownTimeout': noEffect('ms', '10000', 'Limit for emptying the queue at the end.', noThreads),
  'jute.maxbuffer.extrasize': noEffect(
    'bytes',
    'jute.maxbuffer',
    'What a field of a stored record may have above jute.maxbuffer.',
    'the log has limits of its own, above those of requests',
  ),
  'commitProcessor.numWorkerThreads': noEffect('count', '', 'Threads that serve reads.', noThreads),
  'commitProcessor.maxReadBatchSize': noEffect('count', '-1', 'Reads between commits.', grouped),
  'commitProcessor.maxCommitBatchSize': noEffect('count', '1', 'Commits between reads.', grouped),

  // Monitoring
  'metricsProvider.numWorkerThreads': noEffect('count', '1', 'Threads that note values of summaries.', valuesAtOnce),
  'metricsProvider.maxQueueSize': noEffect('count', '1000000', 'Values that wait for these threads.', valuesAtOnce),
  'metricsProvider.workerShutdownTimeoutMs': noEffect('ms', '1000', 'Limit for ending them.', valuesAtOnce),
  'metricsProvider.N': noEffect(
    'text',
    '',
    'A setting of another class that exports metrics.',
    'only the settings of the Prometheus provider of ZooKeeper 3.9 exist here',
  ),
  'admin.rateLimiterIntervalInMS': noEffect('ms', '300000', 'Time between two snapshots over HTTP.', noHttpSnapshots),
  'admin.snapshot.enabled': noEffect('boolean', 'true', 'Snapshots over HTTP.', noHttpSnapshots),
  'admin.restore.enabled': noEffect('boolean', 'true', 'Restores over HTTP.', noHttpSnapshots),
  'jvm.pause.sleep.time.ms': noEffect(
    'ms',
    '500',
    'How often pauses are looked for.',
    'every tick of the event loop is measured, several in a second',
  ),
  'pathStats.N': noEffect('text', '', 'Statistics per path.', 'not kept'),
  'messageTracker.N': noEffect('text', '', 'Trace of messages between servers.', 'the debug log has them'),
}
