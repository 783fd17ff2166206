/**
 * The data of four-letter words for two servers: a standalone one with two connections, and a leader of an ensemble.
 */
import type { AdminDetails } from '../../src/admin/admin-details.ts'
import { answerFourLetterWord, type WordAnswer, type WordQuestion } from '../../src/admin/four-letter-words.ts'
import type {
  ConfigStatus,
  ConnectionStatus,
  EnvironmentFacts,
  MemoryStatus,
  ServerStatus,
  ServingStatus,
} from '../../src/admin/server-status.ts'
import { versionText } from '../../src/admin/server-version.ts'
import { type AdminWord, adminWords } from '../../src/base/admin-words.ts'
import type { ServerId, SessionId, Zxid } from '../../src/base/ids.ts'

export const version = versionText('0.1.0', Date.UTC(2026, 6, 17, 9, 5))

const connection: ConnectionStatus = {
  remoteAddress: '127.0.0.1',
  remotePort: 59906,
  interestOps: 1,
  outstandingRequests: 0,
  packetsReceived: 6,
  packetsSent: 7,
  session: {
    sessionId: 0x1000020d5fc005dn as SessionId,
    lastOp: 'ADDW',
    establishedAtWallMs: 1795197865644,
    timeoutMs: 8000,
    lastXid: 5,
    lastZxid: null,
    lastResponseAtMs: 2458424.7,
    lastLatencyMs: 0.4,
    latency: { minMs: 0, avgMs: 0.6, maxMs: 1.2 },
  },
}

const asking: ConnectionStatus = {
  ...connection,
  remotePort: 59934,
  interestOps: 0,
  packetsReceived: 1,
  packetsSent: 0,
  session: null,
}

export const serving: ServingStatus = {
  mode: 'standalone',
  zxid: 0x1f8 as Zxid,
  nodeCount: 89,
  ephemeralCount: 3,
  watchCount: 4,
  approximateDataSizeBytes: 1234,
  globalSessionCount: 2,
  localSessionCount: 0,
  leader: null,
}

const config: ConfigStatus = {
  mode: 'standalone',
  members: [],
  dataDir: '/d',
  dataLogDir: '/l',
  clientAddress: { host: '0.0.0.0', port: 2181 },
  clientBacklog: -1,
  tickTimeMs: 2000,
  initLimitMs: 20_000,
  syncLimitMs: 10_000,
  minSessionTimeoutMs: 4000,
  maxSessionTimeoutMs: 40_000,
  maxClientConnectionsPerAddress: 60,
}

export const status: ServerStatus = {
  serverId: 1 as ServerId,
  config,
  version,
  serving,
  uptimeMs: 5000.5,
  latency: { minMs: 0, avgMs: 1.00491, maxMs: 30 },
  packetsReceived: 635,
  packetsSent: 761,
  outstandingRequests: 0,
  authFailedCount: 0,
  connectionDropProbability: 0,
  responses: { lastBytes: 20, minBytes: 20, maxBytes: 96 },
  connectionCount: 2,
  dataDirSizeBytes: 10,
  dataLogDirSizeBytes: 20,
  diskFullMs: null,
  lastCheckpoint: null,
  isCheckpointDamaged: false,
  lostLogLineCount: 7,
}

export const leading: ServerStatus = {
  ...status,
  serverId: 2 as ServerId,
  config: {
    ...config,
    mode: 'ensemble',
    members: [
      {
        id: 1 as ServerId,
        host: 'a',
        quorumPort: 2888,
        electionPort: 3888,
        role: 'participant',
        clientHost: null,
        clientPort: 2181,
      },
      {
        id: 2 as ServerId,
        host: '::2',
        quorumPort: 2889,
        electionPort: 3889,
        role: 'participant',
        clientHost: '::1',
        clientPort: 2182,
      },
    ],
  },
  serving: {
    ...serving,
    mode: 'leader',
    leader: {
      learnerCount: 1,
      syncedFollowerCount: 1,
      syncedNonVotingFollowerCount: 0,
      syncedObserverCount: 0,
      pendingSyncCount: 0,
      uptimeMs: 99.9,
      proposals: { lastBytes: 48, minBytes: 36, maxBytes: 512 },
    },
  },
}

const bucketAtMs = Date.UTC(2026, 10, 20, 18, 4, 35, 900)
const sessionId = 0x1000020d5fc005dn as SessionId
const otherSessionId = 0xff00020d5fc0001n as SessionId

export const details: AdminDetails = {
  furtherSettings: () => [
    ['snapCount', '100000'],
    ['peerTimeoutMs', '1500'],
  ],
  connections: () => [connection, asking],
  metrics: () => new Map([['fsync_count', 7]]),
  sessions: () => ({
    local: null,
    global: { kind: 'expiring', buckets: [{ expiresAtWallMs: bucketAtMs, members: [sessionId, otherSessionId] }] },
  }),
  ephemerals: () => [{ sessionId, paths: ['/m1/e', '/m1/f'] }],
  connectionExpiry: () => [
    {
      expiresAtWallMs: bucketAtMs + 2000,
      members: [
        { remoteAddress: '127.0.0.1', remotePort: 59906, sessionId },
        { remoteAddress: '::1', remotePort: 59924, sessionId: null },
      ],
    },
  ],
  watchCounts: () => ({ connectionCount: 2, pathCount: 3, watchCount: 4 }),
  watchersByPath: () => [
    ['/a', [sessionId, otherSessionId]],
    ['/b', [sessionId]],
  ],
  pathsByWatcher: () => [
    [sessionId, ['/a', '/b']],
    [otherSessionId, ['/a']],
  ],
  digests: () => [
    { zxid: 0x80 as Zxid, digest: 1371985504n },
    { zxid: 0x100000080 as Zxid, digest: -5n },
  ],
  traceMask: () => 306n,
  memory: () => memory,
  fileDescriptors: () => ({ openCount: 30, maxCount: 1024 }),
}

export const environment: EnvironmentFacts = {
  hostName: 'h',
  nodeVersion: 'v20.19.0',
  nodeExecutable: '/usr/bin/node',
  temporaryFolder: '/t',
  osName: 'Linux',
  osArch: 'x64',
  osVersion: '6.1',
  userName: 'u',
  userHome: '/home/u',
  userDir: '/srv',
}

export const memory: MemoryStatus = { freeBytes: 366.9 * 1024 * 1024, maxBytes: 2 ** 30, totalBytes: 2 ** 29 }

export function ask(
  question: WordQuestion,
  about: ServerStatus = status,
  whitelist: readonly AdminWord[] = adminWords,
  withDetails: AdminDetails = details,
): WordAnswer {
  return answerFourLetterWord(question, whitelist, { status: about, details: withDetails, environment })
}

export function answer(word: AdminWord, about: ServerStatus = status): string {
  return ask({ word, traceMask: null }, about).text
}
