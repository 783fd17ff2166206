import { expect, test } from 'vitest'
import { answeredWords, answerFourLetterWord } from '../../src/admin/four-letter-words.ts'
import type { ConfigStatus, ConnectionStatus, ServerStatus, ServingStatus } from '../../src/admin/server-status.ts'
import { versionText } from '../../src/admin/server-version.ts'
import { type AdminWord, adminWords, adminWordsByDefault } from '../../src/base/admin-words.ts'
import type { ServerId, SessionId, Zxid } from '../../src/base/ids.ts'

const version = versionText('0.1.0', Date.UTC(2026, 6, 17, 9, 5))

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

const serving: ServingStatus = {
  mode: 'standalone',
  zxid: 0x1f8 as Zxid,
  znodeCount: 89,
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

const status: ServerStatus = {
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
  connections: [connection, asking],
  dataDirSizeBytes: 10,
  dataLogDirSizeBytes: 20,
  fileDescriptors: { openCount: 30, maxCount: 1024 },
  metrics: new Map([['fsync_count', 7]]),
}

const leading: ServerStatus = {
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

function answer(word: AdminWord, about: ServerStatus = status, whitelist: readonly AdminWord[] = adminWords): string {
  return answerFourLetterWord(word, whitelist, {
    status: about,
    environment: {
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
    },
    memory: { freeBytes: 366.9 * 1024 * 1024, maxBytes: 2 ** 30, totalBytes: 2 ** 29 },
  })
}

const counters = `Latency min/avg/max: 0/1.0049/30
Received: 635
Sent: 761
Connections: 2
Outstanding: 0
Zxid: 0x1f8
`

test('ruok and isro answer without a newline', () => {
  expect(answer('ruok')).toBe('imok')
  expect(answer('isro')).toBe('rw')
  expect(answer('isro', { ...status, serving: { ...serving, mode: 'read-only' } })).toBe('ro')
  expect(answer('isro', { ...status, serving: null })).toBe('null')
})

test('srvr prints the counters in the order of ZooKeeper', () => {
  expect(answer('srvr')).toBe(
    `Zookeeper version: 3.9.5-zkts-0.1.0, built on 2026-07-17 09:05 UTC\n${counters}Mode: standalone\nNode count: 89\n`,
  )
})

test('srvr of a leader ends with the proposal sizes', () => {
  expect(answer('srvr', leading)).toContain('Mode: leader\nNode count: 89\nProposal sizes last/min/max: 48/36/512\n')
})

test('srvr of a read-only server says so on its second line', () => {
  const readOnly = { ...status, serving: { ...serving, mode: 'read-only' as const } }
  expect(answer('srvr', readOnly).split('\n')[1]).toBe('READ-ONLY mode; serving only read-only clients')
})

test('stat lists the clients briefly before the counters', () => {
  expect(answer('stat')).toBe(`Zookeeper version: ${version}
Clients:
 /127.0.0.1:59906[1](queued=0,recved=6,sent=7)
 /127.0.0.1:59934[0](queued=0,recved=1,sent=0)

${counters}Mode: standalone
Node count: 89
`)
})

test('cons shows the session of a connection that has one', () => {
  expect(answer('cons')).toBe(
    ' /127.0.0.1:59906[1](queued=0,recved=6,sent=7,sid=0x1000020d5fc005d,lop=ADDW,est=1795197865644,to=8000,' +
      'lcxid=0x5,lzxid=0xffffffffffffffff,lresp=2458424,llat=0,minlat=0,avglat=0,maxlat=1)\n' +
      ' /127.0.0.1:59934[0](queued=0,recved=1,sent=0)\n\n',
  )
})

test('conf of a standalone server has twelve lines and server id 0', () => {
  expect(answer('conf')).toBe(`clientPort=2181
secureClientPort=-1
dataDir=/d
dataDirSize=10
dataLogDir=/l
dataLogSize=20
tickTime=2000
maxClientCnxns=60
minSessionTimeout=4000
maxSessionTimeout=40000
clientPortListenBacklog=-1
serverId=0
`)
})

test('conf of a member ends with the membership and no newline', () => {
  expect(answer('conf', leading).split('serverId=2\n')[1]).toBe(`initLimit=10
syncLimit=5
electionAlg=3
electionPort=3889
quorumPort=2889
peerType=0
membership: 
server.1=a:2888:3888:participant;0.0.0.0:2181
server.2=[::2]:2889:3889:participant;[::1]:2182
version=0`)
})

test('mntr prints whole numbers plainly and averages as doubles', () => {
  const lines = answer('mntr').split('\n')
  expect(lines.slice(0, 4)).toEqual([
    `zk_version\t${version}`,
    'zk_server_state\tstandalone',
    'zk_avg_latency\t1.0049',
    'zk_max_latency\t30',
  ])
  expect(lines).toContain('zk_uptime\t5000')
  expect(lines).toContain('zk_open_file_descriptor_count\t30')
  expect(lines).toContain('zk_fsync_count\t7')
  expect(lines.at(-1)).toBe('')
})

test('mntr of a leader counts its followers', () => {
  const lines = answer('mntr', leading).split('\n')
  for (const line of ['zk_peer_state\tleading - broadcast', 'zk_quorum_size\t2', 'zk_synced_followers\t1']) {
    expect(lines).toContain(line)
  }
})

test('envi names the version first, where clients look for it', () => {
  const lines = answer('envi').split('\n')
  expect(lines.slice(0, 2)).toEqual(['Environment:', `zookeeper.version=${version}`])
  expect(lines).toContain('jvm.memory.free=366MB')
})

test('a server without a leader says that it does not serve, where ZooKeeper does', () => {
  const looking = { ...status, serving: null }
  for (const word of ['srvr', 'stat', 'cons', 'conf', 'mntr'] as const) {
    expect(answer(word, looking)).toBe('This ZooKeeper instance is not currently serving requests\n')
  }
  expect(answer('ruok', looking)).toBe('imok')
  expect(answer('envi', looking)).toContain('Environment:')
})

test('a known word that is not enabled says so', () => {
  expect(answer('mntr', status, ['srvr'])).toBe('mntr is not executed because it is not in the whitelist.\n')
})

test('the words that answer by default are exactly those with an answer', () => {
  expect(answeredWords).toEqual(adminWordsByDefault)
})
