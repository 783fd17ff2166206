/**
 * Every configuration key that zkts reads or ZooKeeper 3.9 knows. docs/reference/config.md lists the same rows, and
 * a test compares them in both directions. The keys without effect have their own file because of its length.
 * If a key is missing, its user gets an "unknown key" warning instead of an answer.
 */
import { adminKeys } from './admin-keys.ts'
import { clientLimitKeys } from './client-limit-keys.ts'
import { type KeyTraits, refused, used } from './key-traits.ts'
import { keysWithoutEffect } from './keys-without-effect.ts'
import { storageKeys } from './storage-keys.ts'

const keysUsed: Readonly<Record<string, KeyTraits>> = {
  dataDir: used('path', '', 'Folder of myid, and of the log unless dataLogDir is set; required in a file.'),
  dataLogDir: used('path', 'dataDir', 'Folder of the log; a disk of its own makes writes faster.'),
  'fsync.directories': used(
    'boolean',
    'true',
    'A data folder whose file system cannot flush a folder is refused; false = it is used, and a power loss may take a new file of the log with it.',
    'Not in ZooKeeper.',
  ),
  ...storageKeys,
  clientPort: used('port', '', 'Port for clients; required unless the server line names one. 0 = any that is free.'),
  clientPortAddress: used('text', '0.0.0.0', 'Address to serve clients on; 0.0.0.0 = all, IPv6 included.'),
  tickTime: used('ms', '3000', 'The time unit that the limits below count in.'),
  minSessionTimeout: used('ms', '2 ticks', 'Shortest session timeout a client can get.'),
  maxSessionTimeout: used('ms', '20 ticks', 'Longest session timeout a client can get.'),
  maxClientCnxns: used('count', '60', 'Connections from one address; 0 or -1 = no limit.'),
  maxCnxns: used('count', '0', 'Connections in total; 0 or -1 = no limit.'),
  clientPortListenBacklog: used('count', '-1', "Connections the kernel queues; -1 = the system's default."),
  'nio.sessionlessCnxnTimeout': used('ms', '10000', 'A connection that sends no connect request is closed after this.'),
  globalOutstandingLimit: used(
    'count',
    '1000',
    'Requests in flight above which sockets are read no further; of three members or more, each has the share of one follower.',
  ),
  'leader.maxConcurrentSnapSyncs': used(
    'count',
    '10',
    'Learners to which a leader sends a copy of its state at once; others wait.',
    'ZooKeeper counts observers only, and sends them away; here a voter goes first.',
  ),
  'leader.snapSyncRateLimitInKb': used(
    'KiB',
    '65536',
    'Rate at which a leader sends copies of its state, per second and to all learners together.',
    'Not in ZooKeeper.',
  ),
  'db.autocreate': used(
    'boolean',
    'true',
    'A server without data counts in a quorum. With false it does not vote until a leader that has a quorum without it has brought it up, or a file initialize was in dataDir when it started ("zkts-cli data initialize" makes it).',
    'The only member of an ensemble, and a standalone server, refuse to start without data; ZooKeeper serves an empty tree then.',
  ),
  ...clientLimitKeys,
  ...adminKeys,
  initLimit: used('ticks', '', 'Time a member may take to find and join a leader; required in ensembles.'),
  syncLimit: used('ticks', '', 'Time that a member may lag; required in ensembles.'),
  quorumListenOnAllIPs: used(
    'boolean',
    'false',
    'Bind the quorum port to every address instead of that of the own server line; the election port is never opened.',
  ),
  standaloneEnabled: used('boolean', 'true', 'With one server line: run standalone, not as an ensemble of one.'),
  dynamicConfigFile: used('path', '', 'File with the server lines, if they are not in zoo.cfg.'),
  '4lw.commands.whitelist': used(
    'text',
    'conf, cons, dirs, envi, gtmk, hash, isro, mntr, ruok, srvr, stat, wchs; srvr with compatibility=strict',
    'Four-letter words that are answered; * = all.',
    'ZooKeeper answers only srvr unless set. The words that only read are harmless and answered by default.',
  ),
  extendedTypesEnabled: used(
    'boolean',
    'true; false with compatibility=strict',
    'Znodes with a time to live may be created.',
    'In ZooKeeper a system property, and off unless set.',
  ),
  enforceQuota: used(
    'boolean',
    'false',
    'Writes over a hard quota are refused with QuotaExceeded; otherwise they are only logged.',
    'Usage is kept, and what exceeds a soft quota is logged, in either case; ZooKeeper logs nothing unless this is on.',
  ),
  'znode.container.checkIntervalMs': used(
    'ms',
    '60000',
    'How often the leader looks for containers and TTL znodes to delete.',
  ),
  'znode.container.maxPerMinute': used('count', '10000', 'Containers and TTL znodes deleted in a minute at most.'),
  'znode.container.maxNeverUsedIntervalMs': used(
    'ms',
    '300000',
    'A container that never had a child is deleted after this; 0 = never.',
    'ZooKeeper 3.9 and older keep it for ever unless set.',
  ),
  'DigestAuthenticationProvider.superDigest': used(
    'text',
    '',
    'user:base64(hash(user:password)) of the super user, in the hash of digestAlg.',
  ),
  'DigestAuthenticationProvider.digestAlg': used(
    'text',
    'SHA1',
    'Hash of the digest scheme: MD5, SHA-1, SHA-224 to SHA-512, SHA-512/224, SHA-512/256, SHA3-224 to SHA3-512.',
    'The same on all servers; digest ACLs made with another hash match no client.',
  ),
  'DigestAuthenticationProvider.enabled': used(
    'boolean',
    'true',
    'The digest scheme is on; when it is off, its ACLs are refused and match no client.',
  ),
  'enforce.auth.enabled': used('boolean', 'false', 'Refuse clients that did not authenticate.'),
  'enforce.auth.schemes': used(
    'text',
    '',
    'With enforce.auth.enabled: schemes, of which a client must have authenticated with one.',
    'A scheme that does not exist is an error, as in ZooKeeper.',
  ),
  skipACL: used('text', 'no', 'yes = every client may do everything; anything else = ACLs are checked.'),
  ensembleAuthName: used(
    'text',
    '',
    'Names of this ensemble; a client that gives another with the scheme ensemble is disconnected.',
    'Switches the scheme on by itself; ZooKeeper also needs the authProvider line.',
  ),
  'authProvider.N': used(
    'text',
    '',
    'Class of a scheme to switch on: EnsembleAuthenticationProvider or KeyAuthenticationProvider of org.apache.zookeeper.server.auth.',
    'Java classes cannot be loaded: those of ZooKeeper for SASL and x509 get a warning, any other is an error.',
  ),
  reconfigEnabled: used(
    'boolean',
    'false',
    'The error of reconfig: ReconfigDisabled, or Unimplemented with true.',
    'Dynamic reconfiguration is not supported yet.',
  ),
  localSessionsEnabled: used(
    'boolean',
    'false',
    'Ensembles only: a new session exists only on the server that its client connected to, and costs no write.',
  ),
  localSessionsUpgradingEnabled: used(
    'boolean',
    'false',
    'A local session becomes a global one when it creates an ephemeral znode, instead of being refused.',
  ),
  'readonlymode.enabled': used(
    'boolean',
    'false',
    'Ensembles only: a server without a leader serves reads to clients that accept it.',
    'In ZooKeeper a system property only.',
  ),
  'server.N': used(
    'text',
    '',
    'One member, N from 0 to 254: host:quorumPort:electionPort[:participant][;[clientHost:]clientPort].',
  ),
  peerTimeoutMs: used(
    'ms',
    'min(1500, syncLimit)',
    'A peer that sends nothing for this long counts as dead, and a leader that no quorum answers for this long stops; at most syncLimit x tickTime.',
    'Not in ZooKeeper, which waits for syncLimit.',
  ),
  handOverSlowLeaderMs: used(
    'ms',
    'min(500, peerTimeoutMs / 2); 0 with compatibility=strict',
    'A leader that is slow for this long hands over to another server, if that happens three times within 60 times as long, half a minute by default: its event loop stood still, or its log was not durable while a quorum of the others had committed; 0 = never.',
    'Not in ZooKeeper. A server that sends nothing for peerTimeoutMs loses the leadership in any case.',
  ),
  clientWaitForLeaderMs: used(
    'ms',
    '4000',
    'While this server has no leader, its clients stay connected and their requests wait, this long at most, and no longer than a third of the session timeout; 0 = connections close at once, as they always do with compatibility=strict.',
    'Not in ZooKeeper, which closes them at once.',
  ),
  compatibility: used(
    'text',
    'zkts',
    'strict = the server treats clients as ZooKeeper 3.9.5 does, in each rule of differences.md where that harms no client, for test suites that pin such rules; zkts = the rules of zkts.',
    'Not in ZooKeeper. The same on all servers of an ensemble: stop all of them to change it. With different values clients find different rules, and the log says so (compatibility-differs). Set it when all of them run a version that has the key: a refused write becomes a record of the log, which older versions cannot read.',
  ),
  'keeper.compatibility': used(
    'boolean',
    'true; false with compatibility=strict',
    'The server executes the operations 500 to 507 of ClickHouse Keeper and shows its znodes under /keeper.',
    'Not in ZooKeeper.',
  ),
  'keeper.availabilityZone': used(
    'text',
    '',
    'The data of /keeper/availability_zone; ClickHouse can prefer the servers of its own zone.',
    'Not in ZooKeeper.',
  ),
  'digest.enabled': used(
    'boolean',
    'true',
    'Followers compare their tree with that of the leader at each heartbeat; a mismatch is counted and logged at error.',
    'The digest itself is always kept, for the word hash.',
  ),
  'digest.stopOnMismatch': used(
    'boolean',
    'false',
    'A follower whose tree differs from that of the leader stops. Off, since the leader may be the wrong one: then all followers stop.',
    'Not in ZooKeeper, which only reports.',
  ),
  'jvm.pause.monitor': used(
    'boolean',
    'true',
    'Pauses of the event loop are measured at every tick: a long turn, garbage collection, a process that was stopped.',
    'Off in ZooKeeper unless set.',
  ),
  'jvm.pause.warn-threshold.ms': used('ms', '10000', 'A longer pause gets a line at warn.'),
  'jvm.pause.info-threshold.ms': used('ms', '1000', 'A longer pause gets a line at info.'),
  'metricsProvider.className': used(
    'text',
    'org.apache.zookeeper.metrics.impl.DefaultMetricsProvider',
    'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider = metrics for Prometheus and health are served over HTTP (metrics.md).',
    'The class is a name only: Java classes cannot be loaded, and one that is not in ZooKeeper is an error.',
  ),
  'metricsProvider.httpHost': used('text', '0.0.0.0', 'Address of that HTTP port; 0.0.0.0 = all, IPv6 included.'),
  'metricsProvider.httpPort': used('port', '7000', 'That HTTP port. 0 = any that is free.'),
  'metricsProvider.exportJvmInfo': used(
    'boolean',
    'true',
    'Metrics of the process are served as well: processor time, memory, garbage collection, delay of the event loop.',
    'In ZooKeeper those of the JVM.',
  ),
  linearizableReads: used(
    'boolean',
    'false',
    'Every read sees all writes that were committed before it, at the cost of a round trip to the leader.',
    'Not in ZooKeeper, where each read would need a sync before it.',
  ),
}

const unauthenticatedPeers =
  'ignoring it would leave the connections between servers open to anyone who reaches the port'
const plaintextPeers = 'TLS between servers is not supported yet, and ignoring it would send everything in plain text'

const keysRefused: Readonly<Record<string, KeyTraits>> = {
  electionAlg: refused(
    'count',
    '3',
    'Election algorithm.',
    ['3'],
    'only 3 exists; the others were removed from ZooKeeper',
  ),
  peerType: refused(
    'text',
    'participant',
    'Role of this server.',
    ['participant'],
    'observers are not supported yet, and a server that votes against its configuration would change the quorum',
  ),
  'group.N': refused('text', '', 'Group of a hierarchical quorum.', [], 'hierarchical quorums are not supported yet'),
  'weight.N': refused(
    'count',
    '1',
    'Weight of a server in the quorum.',
    ['1'],
    'weights other than 1 are not supported yet',
  ),
  'multiAddress.enabled': refused(
    'boolean',
    'false',
    'Several addresses per server.',
    ['false'],
    'one address per server is supported',
  ),
  sslQuorum: refused('boolean', 'false', 'TLS between servers.', ['false'], plaintextPeers),
  'quorum.auth.enableSasl': refused('boolean', 'false', 'SASL between servers.', ['false'], unauthenticatedPeers),
  'quorum.auth.serverRequireSasl': refused(
    'boolean',
    'false',
    'Refuse peers without SASL.',
    ['false'],
    unauthenticatedPeers,
  ),
  'quorum.auth.learnerRequireSasl': refused(
    'boolean',
    'false',
    'Authenticate to the leader.',
    ['false'],
    unauthenticatedPeers,
  ),
  sessionRequireClientSASLAuth: refused(
    'boolean',
    'false',
    'Refuse clients without SASL.',
    ['false'],
    'SASL is not supported yet, and ignoring it would let every client in',
  ),
}

export const keys: Readonly<Record<string, KeyTraits>> = { ...keysUsed, ...keysRefused, ...keysWithoutEffect }

const families = [
  { pattern: /^server\.(.+)$/, key: 'server.N' },
  { pattern: /^group\.(.+)$/, key: 'group.N' },
  { pattern: /^weight\.(.+)$/, key: 'weight.N' },
  { pattern: /^authProvider\.(.+)$/, key: 'authProvider.N' },
  { pattern: /^metricsProvider\.(.+)$/, key: 'metricsProvider.N' },
  { pattern: /^kerberos\.(.+)$/, key: 'kerberos.N' },
  { pattern: /^ssl\.quorum\.(.+)$/, key: 'ssl.quorum.N' },
  { pattern: /^ssl\.(.+)$/, key: 'ssl.N' },
  { pattern: /^pathStats\.(.+)$/, key: 'pathStats.N' },
  { pattern: /^messageTracker\.(.+)$/, key: 'messageTracker.N' },
] as const

/** The row for a key as written; families such as `server.7` share one. Null = neither zkts nor ZooKeeper knows it. */
export function traitsOfKey(key: string): KeyTraits | null {
  if (Object.hasOwn(keys, key)) return keys[key] ?? null
  const family = families.find(({ pattern }) => pattern.test(key))
  return family === undefined ? null : (keys[family.key] ?? null)
}
