import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { renderCheckpoint } from '../../src/admin/checkpoint-text.ts'
import { answerWhileStarting } from '../../src/admin/four-letter-words.ts'
import { adminWords, adminWordsByDefault } from '../../src/base/admin-words.ts'
import { err, ok } from '../../src/base/result.ts'
import { answer, ask, details, environment, leading, memory, serving, status, version } from './admin-sources.ts'

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

test('conf of a standalone server has the lines of ZooKeeper with server id 0, and the further settings', () => {
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
snapCount=100000
peerTimeoutMs=1500
`)
})

test('conf of a member ends with the membership and no newline', () => {
  expect(answer('conf', leading).split('serverId=2\n')[1]).toBe(`snapCount=100000
peerTimeoutMs=1500
initLimit=10
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
  expect(lines).toContain('zk_log_lines_lost\t7')
  expect(lines).toContain('zk_fsync_count\t7')
  expect(lines.at(-1)).toBe('')
})

test('mntr shows that writes wait for space on the disk, in whole milliseconds', () => {
  const rows = (diskFullMs: number | null): readonly string[] =>
    answer('mntr', { ...status, diskFullMs })
      .split('\n')
      .filter((line) => line.startsWith('zk_disk_full'))
  expect(rows(null)).toEqual(['zk_disk_full\t0', 'zk_disk_full_time\t0'])
  expect(rows(1234.5)).toEqual(['zk_disk_full\t1', 'zk_disk_full_time\t1234'])
})

test('mntr of a leader counts its followers', () => {
  const lines = answer('mntr', leading).split('\n')
  for (const line of ['zk_peer_state\tleading - broadcast', 'zk_quorum_size\t2', 'zk_synced_followers\t1']) {
    expect(lines).toContain(line)
  }
})

test('envi begins with the version, where clients look for it', () => {
  const lines = answer('envi').split('\n')
  expect(lines.slice(0, 2)).toEqual(['Environment:', `zookeeper.version=${version}`])
  expect(lines).toContain('os.memory.free=366MB')
})

test('a server without a leader answers the same words as ZooKeeper with "not serving"', () => {
  const looking = { ...status, serving: null }
  for (const word of adminWords) {
    if (['ckpt', 'rqld', 'ruok', 'isro', 'envi', 'gtmk', 'stmk', 'hash', 'ydld'].includes(word)) continue
    expect(answer(word, looking)).toBe('This ZooKeeper instance is not currently serving requests\n')
  }
  expect(answer('ruok', looking)).toBe('imok')
  expect(answer('envi', looking)).toContain('Environment:')
  expect(answer('gtmk', looking)).toBe('306')
  // The only word without a newline (ZK: DigestCommand).
  expect(answer('hash', looking)).toBe('This ZooKeeper instance is not currently serving requests')
  expect(ask({ word: 'srst', traceMask: null }, looking).action).toBeNull()
  expect(ask({ word: 'ckpt', traceMask: null }, looking).action).toEqual({ kind: 'make-checkpoint' })
})

test('while the server reads its data the words are answered as on one without a leader', () => {
  const looking = { ...status, serving: null }
  const sources = { status, environment, details: { memory: () => memory } }
  for (const word of adminWords) {
    if (['ckpt', 'rqld', 'stmk', 'ydld'].includes(word)) continue
    expect(answerWhileStarting(word, adminWords, sources)).toBe(answer(word, looking))
  }
  for (const word of ['ckpt', 'rqld', 'ydld'] as const) {
    expect(answerWhileStarting(word, adminWords, sources)).toContain('not currently serving')
  }
  expect(answerWhileStarting('ruok', ['srvr'], sources)).toBe(
    'ruok is not executed because it is not in the whitelist.\n',
  )
})

test('the outcome of a checkpoint is shown in lines', () => {
  const made = { zxid: 0x10000000f, znodeCount: 12, sessionCount: 3, sizeBytes: 4096, durationMs: 1.6 }
  const log = { removedFileCount: 2, removedSizeBytes: 100, sizeBytes: 50, keptBecause: 'it is needed' }
  expect(renderCheckpoint(ok({ ...made, log }))).toBe(
    'Zxid: 0x10000000f\nZnode count: 12\nSession count: 3\nSize in bytes: 4096\nDuration in ms: 2\n' +
      'Removed files of the log: 2\nRemoved bytes of the log: 100\nLog size in bytes: 50\n' +
      'The log is kept because: it is needed\n',
  )
  expect(renderCheckpoint(err('the disk is full'))).toBe('Checkpoint failed: the disk is full\n')
})

test('a word that is not in the whitelist is answered with the reason', () => {
  expect(ask({ word: 'mntr', traceMask: null }, status, ['srvr']).text).toBe(
    'mntr is not executed because it is not in the whitelist.\n',
  )
})

test('the words outside the default whitelist change something or list sessions and watches', () => {
  for (const word of adminWordsByDefault) expect(ask({ word, traceMask: null }).action).toBeNull()
  expect(adminWords.filter((word) => !adminWordsByDefault.includes(word))).toEqual([
    'ckpt',
    'crst',
    'dump',
    'rqld',
    'srst',
    'stmk',
    'wchc',
    'wchp',
    'ydld',
  ])
})

test('a word that is not in the whitelist has no effect', () => {
  expect(ask({ word: 'srst', traceMask: null }, status, ['srvr']).action).toBeNull()
})

test('the page of the words lists each of them and whether it needs the whitelist', () => {
  const page = readFileSync(new URL('../../docs/reference/words.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w{4})` \| .* \| (yes|no) \|$/gm)].map(([, word, isOn]) => [
    word,
    isOn === 'yes',
  ])
  expect(rows).toEqual(adminWords.map((word) => [word, adminWordsByDefault.includes(word)]))
})

test('the page of the metrics names every gauge that mntr prints', () => {
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const gauges = ask({ word: 'mntr', traceMask: null }, leading, adminWords, { ...details, metrics: () => new Map() })
    .text.split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0]!.slice('zk_'.length))
  expect(gauges.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})
