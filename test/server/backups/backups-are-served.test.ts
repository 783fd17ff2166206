import { expect, test } from 'vitest'
import type { ChainHash } from '../../../src/base/chain-hash.ts'
import type { Epoch, ServerId, SessionId, Zxid } from '../../../src/base/ids.ts'
import { backupIdleMs, durableLogMsMax, openBackupsMax } from '../../../src/base/limits.ts'
import { ok } from '../../../src/base/result.ts'
import { type Backup, BackupError, type BackupPoint } from '../../../src/client/backup.ts'
import type { Client } from '../../../src/client/types.ts'
import { newMetrics } from '../../../src/metrics/server-metrics.ts'
import type { OpenCheckpoints } from '../../../src/ports/checkpoints.ts'
import { backupStatuses } from '../../../src/protocol/client/backup-records.ts'
import type { ClusterId } from '../../../src/protocol/disk/log-record.ts'
import type { ReplicaEvent } from '../../../src/replica/contract.ts'
import { Backups } from '../../../src/server/backups/backups.ts'
import { TransferPace } from '../../../src/server/checkpoints/transfer-pace.ts'
import { localKeyPath } from '../../../src/storage/local-key-file.ts'
import { connectedClient } from '../../client/client-ports.ts'
import { simCheckpoints } from '../../simulator/sim-checkpoints.ts'
import type { SimDisk } from '../../simulator/sim-disk.ts'
import { RecordingLog, VirtualTime } from '../../storage/storage-rig.ts'
import { RestoredBackup } from '../../support/restored-backup.ts'
import { ServerRig, standaloneConfig } from '../../support/server-rig.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const smallLog = ['snapCount=40', 'txnLogSizeLimitInKb=4', 'logRetentionSizeInKb=0']

/** A server in a simulation, and a client that has shown its local key. */
class BackupRig {
  readonly rig = new ServerRig()
  readonly disk: SimDisk
  client!: Client

  constructor() {
    this.disk = this.rig.disk()
    this.rig.checkpointsOn = (disk) => simCheckpoints(disk, { chunkSizeBytesMax: 700 })
  }

  static async started(...lines: readonly string[]): Promise<BackupRig> {
    const self = new BackupRig()
    await self.rig.started(standaloneConfig(lines), self.disk)
    self.client = await self.operator()
    return self
  }

  async operator(): Promise<Client> {
    const client = await connectedClient(this.rig)
    await this.rig.settle(client.addAuth('local', this.disk.contents(localKeyPath('/data'))))
    return client
  }

  async write(count: number, size = 100): Promise<void> {
    const data = new Uint8Array(size).fill(120)
    for (let i = 0; i < count; i++) await this.rig.settle(this.client.create(`/n${this.#count++}`, data))
  }
  #count = 0

  /** Enough for a few checkpoints, and for a log whose front is removed unless a backup keeps it. */
  async writeMany(): Promise<void> {
    for (let i = 0; i < 4; i++) {
      await this.write(45)
      await this.rig.run(1_000)
    }
  }

  open(after?: BackupPoint): Promise<Backup> {
    return this.rig.settle(this.client.openBackup(after === undefined ? {} : { after }))
  }

  async restored(backup: Backup): Promise<RestoredBackup> {
    const restored = new RestoredBackup(backup.facts.start, backup.facts.hasCheckpoint)
    const read = async (): Promise<void> => {
      for await (const piece of backup) restored.add(piece)
    }
    await this.rig.settle(read())
    return restored
  }

  refusal(opened: Promise<unknown>): Promise<BackupError> {
    const failed = opened.then(
      () => Promise.reject(new Error('the backup was opened')),
      (error: unknown) => (error instanceof BackupError ? error : Promise.reject(error)),
    )
    return this.rig.settle(failed)
  }

  purgedThrough(): number {
    return Math.max(0, ...this.rig.events('log-purged').map(({ throughZxid }) => Number(throughZxid)))
  }

  reasons(): readonly unknown[] {
    return this.rig.events('backup-ended').map(({ reason }) => reason)
  }
}

test('a backup has the checkpoint and the txns after it, up to what was written before it was begun', async () => {
  const self = await BackupRig.started(...smallLog)
  await self.write(70)
  await self.rig.run(1_000)
  await self.write(30)
  const backup = await self.open()
  expect(backup.facts).toMatchObject({ hasCheckpoint: true, serverId: 1 })
  await self.write(3)
  const restored = await self.restored(backup)
  expect(restored.end).toMatchObject({ zxid: backup.facts.through, serverId: 1, epoch: 1 })
  expect(restored.end!.clusterId).toBe(backup.facts.clusterId)
  expect(restored.kinds.filter((kind) => kind === 'chunk').length).toBeGreaterThan(3)
  expect(restored.kinds.filter((kind) => kind === 'txns').length).toBeGreaterThan(2)
  expect(restored.state.tree.aclOf('/n99')).not.toBeNull()
  expect(restored.state.tree.aclOf('/n100')).toBeNull()
  expect((await self.rig.metrics()).get('backup_count')).toBe(1)
})

test('a server without a checkpoint makes one for the first backup', async () => {
  const self = await BackupRig.started()
  await self.write(5)
  expect(self.rig.events('checkpoint-made')).toHaveLength(0)
  const restored = await self.restored(await self.open())
  expect(self.rig.events('checkpoint-made')).toHaveLength(1)
  expect(restored.state.tree.aclOf('/n4')).not.toBeNull()
})

test('a backup continues an earlier one, and the two lead to the state of the server', async () => {
  const self = await BackupRig.started()
  await self.write(5)
  const first = await self.restored(await self.open())
  await self.write(5)
  const next = await self.open(first.end!)
  expect(next.facts).toMatchObject({ hasCheckpoint: false, start: { zxid: first.end!.zxid } })
  const read = async (): Promise<void> => {
    for await (const piece of next) {
      if (piece.kind === 'txns') for (const txn of piece.txns) first.state.restore(txn)
      if (piece.kind === 'end') expect(piece.hash).toBe(first.state.lastHash)
    }
  }
  await self.rig.settle(read())
  expect(first.state.tree.aclOf('/n9')).not.toBeNull()
})

test('a backup that continues one with nothing after it has only its end', async () => {
  const self = await BackupRig.started()
  await self.write(2)
  const { end } = await self.restored(await self.open())
  const restored = await self.restored(await self.open(end!))
  expect(restored.kinds).toEqual(['end'])
  expect(restored.end).toMatchObject({ zxid: end!.zxid, hash: end!.hash, txnCount: 0 })
})

test('a backup does not continue from before the log, and the error says where the log begins', async () => {
  const self = await BackupRig.started(...smallLog)
  await self.write(2)
  const { end } = await self.restored(await self.open())
  await self.writeMany()
  expect(self.rig.events('log-purged').length).toBeGreaterThan(0)
  const { refusal, oldest } = await self.refusal(self.client.openBackup({ after: end! }))
  expect(refusal).toBe('log-begins-later')
  expect(oldest).toBeGreaterThan(end!.zxid)
})

test('a backup does not continue from a point with another hash', async () => {
  const self = await BackupRig.started()
  await self.write(2)
  const { end } = await self.restored(await self.open())
  const other = { zxid: end!.zxid, hash: (end!.hash + 1) as ChainHash }
  const atTheEnd = await self.refusal(self.client.openBackup({ after: other }))
  await self.write(2)
  const before = await self.refusal(self.client.openBackup({ after: other }))
  expect([atTheEnd.refusal, before.refusal]).toEqual(['other-history', 'other-history'])
})

test('a server that has less than an earlier backup continues it once it has caught up, and says so if it has not', async () => {
  const self = await BackupRig.started()
  await self.write(2)
  const { end } = await self.restored(await self.open())
  const later = { zxid: (end!.zxid + 40) as Zxid, hash: end!.hash }
  const opened = self.client.openBackup({ after: later })
  await self.rig.run(durableLogMsMax / 2)
  expect(self.rig.events('backup-failed')).toHaveLength(0)
  const { refusal, message } = await self.refusal(opened)
  expect(refusal).toBe('history-ends-earlier')
  expect(message).toMatch(/^this server has the history up to 0x1.*Ask another server/)
})

test('the log from the checkpoint of a backup on is kept while it is open, and removed after it', async () => {
  const self = await BackupRig.started(...smallLog)
  await self.write(60)
  const backup = await self.open()
  await self.writeMany()
  expect(self.rig.events('checkpoint-made').length).toBeGreaterThan(3)
  const { zxid } = backup.facts.start
  expect(self.purgedThrough()).toBeLessThanOrEqual(zxid)
  expect((await self.restored(backup)).end).not.toBeNull()
  await self.writeMany()
  expect(self.purgedThrough()).toBeGreaterThan(zxid)
})

test('a server serves a number of backups at once, and others when these have ended', async () => {
  const self = await BackupRig.started()
  const open: Backup[] = []
  for (let i = 0; i < openBackupsMax; i++) open.push(await self.open())
  expect((await self.refusal(self.client.openBackup())).refusal).toBe('too-many')
  expect(self.rig.events('backup-refused')).toHaveLength(1)
  await self.rig.settle(open[0]!.close())
  await self.rig.settle((await self.open()).close())
  expect(self.reasons()).toEqual(['closed', 'closed'])
})

test('a backup that is not read for a time is closed, and its reader gets to know it', async () => {
  const self = await BackupRig.started()
  const backup = await self.open()
  await self.rig.run(backupIdleMs + 2_000)
  expect(self.reasons()).toEqual(['idle'])
  expect((await self.refusal(self.restored(backup))).refusal).toBe('closed')
})

test('backups whose clients have lost their connection make room for others, the one that waits longest first', async () => {
  const self = await BackupRig.started()
  for (let i = 0; i < openBackupsMax; i++) {
    await self.open()
    await self.rig.run(100)
    self.client = await self.operator()
  }
  expect((await self.refusal(self.client.openBackup())).refusal).toBe('too-many')
  for (let i = 0; i < 200; i++) self.rig.network.resetAny() // so that it is each of them
  await self.rig.run(2_000)
  expect(self.reasons()).toEqual([])
  await self.open()
  expect(self.rig.events('backup-ended')).toMatchObject([
    { backupId: self.rig.events('backup-begun')[0]!['backupId'], reason: 'replaced' },
  ])
})

test('a client that has lost its connection comes back and reads its backup to the end', async () => {
  const self = await BackupRig.started()
  await self.write(5)
  const backup = await self.open()
  self.rig.network.resetAny()
  expect((await self.restored(backup)).end).not.toBeNull()
  expect(self.client.state.kind).toBe('connected')
  expect(self.reasons()).toEqual(['closed'])
})

test('a session that ends takes its backups with it', async () => {
  const self = await BackupRig.started()
  await self.open()
  await self.rig.settle(self.client.close())
  expect(self.reasons()).toEqual(['session-ended'])
})

test('ending the iteration closes the backup', async () => {
  const self = await BackupRig.started()
  const backup = await self.open()
  const read = async (): Promise<void> => {
    for await (const piece of backup) if (piece.kind === 'chunk') break
  }
  await self.rig.settle(read())
  expect(self.reasons()).toEqual(['closed'])
})

test('a session does not reach the backup of another, nor a part that is neither the last nor the next', async () => {
  const time = new VirtualTime()
  const events: ReplicaEvent[] = []
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => 0 }
  const point = { zxid: 7 as Zxid, hash: 3 as ChainHash }
  const backups = new Backups({
    source: {
      checkpoints: {
        history: () => Promise.reject(new Error('no log is read here')),
        sizeBytes: async () => 0,
      },
      copy: () => Promise.reject(new Error('no checkpoint is copied here')),
      makeCheckpoint: async () => {},
      holdLog: () => () => {},
      storage: { sizeBytes: 0, closedSegments: () => [], durablePointUpTo: () => point },
      lastApplied: () => point.zxid,
      server: () => ({ serverId: 1 as ServerId, clusterId: 5 as ClusterId, epoch: 2 as Epoch }),
      clock,
      timers: time.timers,
    },
    turn: { feed: (event) => void events.push(event), now: () => ({ monotonicMs: time.nowMs, wallMs: 0 }) },
    timers: time.timers,
    pace: new TransferPace(1_000, clock, time.timers),
    log: new RecordingLog(),
    metrics: newMetrics(),
    firstId: 2 ** 31 - 1,
  })
  const ask = async (sessionId: bigint, number: number): Promise<string | undefined> => {
    const own = { sequence: number, sessionId: sessionId as SessionId }
    backups.run({ ...own, kind: 'read', backupId: 1, number })
    await time.run(() => events.length > 0, time.nowMs + 1_000)
    const event = events.shift()
    if (event?.kind !== 'backup-answer' || event.answer === null || !('status' in event.answer)) return undefined
    return backupStatuses[event.answer.status]
  }
  backups.run({ sequence: 0, sessionId: 8n as SessionId, kind: 'open', after: point })
  expect(events.shift()).toEqual({ kind: 'backup-answer', sequence: 0, answer: { backupId: 1 } })
  expect([await ask(9n, 0), await ask(8n, 1)]).toEqual(['closed', 'closed'])
  expect([await ask(8n, 0), await ask(8n, 0), await ask(8n, 1), await ask(8n, 0)]).toEqual([
    'part',
    'part',
    'part', // the end
    'closed',
  ])
  expect([await ask(9n, 1), await ask(8n, 2)]).toEqual(['closed', 'closed'])
})

test('pings are answered while a backup waits for its checkpoint', async () => {
  const self = new BackupRig()
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow: (disk: SimDisk) => OpenCheckpoints = (disk) => (options) => {
    const checkpoints = simCheckpoints(disk)(options)
    const advance = checkpoints.advance.bind(checkpoints)
    checkpoints.advance = (through) => gate.then(() => advance(through))
    return checkpoints
  }
  self.rig.checkpointsOn = slow
  await self.rig.started(standaloneConfig(), self.disk)
  self.client = await self.operator()
  const opened = self.client.openBackup()
  await self.rig.run(30_000)
  expect(self.client.state.kind).toBe('connected')
  release()
  expect((await self.restored(await self.rig.settle(opened))).end).not.toBeNull()
})

test('a backup fails with the reason if the checkpoint cannot be read', async () => {
  const self = new BackupRig()
  self.rig.checkpointsOn = (disk) => (options) => {
    const checkpoints = simCheckpoints(disk)(options)
    checkpoints.copy = () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }))
    return checkpoints
  }
  await self.rig.started(standaloneConfig(), self.disk)
  self.client = await self.operator()
  const { refusal, message } = await self.refusal(self.client.openBackup())
  expect([refusal, message]).toEqual(['failed', 'EIO: i/o error, read'])
  expect(self.rig.events('backup-failed')).toMatchObject([{ status: 'failed', reason: 'EIO: i/o error, read' }])
})

test('a copy that cannot be closed does not keep the log files of its backup open', async () => {
  const self = new BackupRig()
  let openCount = 0
  self.rig.checkpointsOn = (disk) => (options) => {
    const checkpoints = simCheckpoints(disk)(options)
    const [copyOf, historyOf] = [checkpoints.copy.bind(checkpoints), checkpoints.history.bind(checkpoints)]
    checkpoints.copy = async (hasChecksums) => {
      const copy = await copyOf(hasChecksums)
      const { facts, chunkCount } = copy
      const close = () => Promise.reject(Object.assign(new Error('EIO: i/o error, close'), { code: 'EIO' }))
      return { facts, chunkCount, hasChecksums: copy.hasChecksums, chunk: (number) => copy.chunk(number), close }
    }
    checkpoints.history = async (after, through) => {
      const opened = await historyOf(after, through)
      if (!opened.ok) return opened
      const { value } = opened
      openCount++
      return ok({ next: () => value.next(), close: () => value.close().finally(() => openCount--) })
    }
    return checkpoints
  }
  await self.rig.started(standaloneConfig(), self.disk)
  self.client = await self.operator()
  await self.write(3)
  await self.rig.settle((await self.open()).close())
  await self.write(3)
  const backup = await self.open()
  expect(openCount).toBe(1)
  await self.rig.settle(backup.close())
  await self.rig.run(100)
  expect(openCount).toBe(0)
  expect(self.rig.events('backup-not-closed').length).toBeGreaterThan(0)
})

test('a server closes although the first checkpoint, for which a backup waits, is never finished', async () => {
  const self = new BackupRig()
  self.rig.checkpointsOn = (disk) => (options) => {
    const checkpoints = simCheckpoints(disk)(options)
    checkpoints.advance = () => new Promise(() => {})
    return checkpoints
  }
  const server = await self.rig.started(standaloneConfig(), self.disk)
  self.client = await self.operator()
  const opened = self.refusal(self.client.openBackup()).catch(() => {})
  await self.rig.run(1_000)
  await self.rig.settle(server.close())
  await self.rig.settle(opened)
  expect(self.reasons()).toEqual(['server-closes'])
})

test('a server closes although a chunk, which a backup reads, never comes', async () => {
  const self = new BackupRig()
  let isHanging = false
  self.rig.checkpointsOn = (disk) => (options) => {
    const checkpoints = simCheckpoints(disk)(options)
    const copyOf = checkpoints.copy.bind(checkpoints)
    checkpoints.copy = async (hasChecksums) => {
      const copy = await copyOf(hasChecksums)
      const { facts, chunkCount } = copy
      const chunk: typeof copy.chunk = (number) => (isHanging ? new Promise(() => {}) : copy.chunk(number))
      return { facts, chunkCount, hasChecksums: copy.hasChecksums, chunk, close: () => copy.close() }
    }
    return checkpoints
  }
  const server = await self.rig.started(standaloneConfig(), self.disk)
  self.client = await self.operator()
  await self.write(3)
  const backup = await self.open()
  isHanging = true
  const read = self.restored(backup).catch(() => {})
  await self.rig.run(1_000)
  await self.rig.settle(server.close())
  await self.rig.settle(read)
  expect(self.reasons()).toEqual(['server-closes'])
})

test('a server that closes ends its backups', async () => {
  const self = new BackupRig()
  const server = await self.rig.started(standaloneConfig(), self.disk)
  self.client = await self.operator()
  await self.open()
  await self.rig.settle(server.close())
  expect(self.reasons()).toEqual(['server-closes'])
})

test('a server that cannot write its local key serves, and says so', async () => {
  const self = new BackupRig()
  const { rig, disk } = self
  const open = disk.open.bind(disk)
  disk.open = (path, mode) =>
    mode === 'create-private'
      ? Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
      : open(path, mode)
  await rig.started(standaloneConfig(), disk)
  expect(rig.events('local-key-not-written')).toMatchObject([{ path: '/data/local-key' }])
  const client = await connectedClient(rig)
  await expect(rig.settle(client.openBackup())).rejects.toMatchObject({
    errorName: 'no-auth',
    message: expect.stringContaining('the file local-key in the data folder of this server'),
  })
  const refused = client.addAuth('local', bytesOf('x'))
  await expect(rig.settle(refused)).rejects.toMatchObject({ errorName: 'auth-failed' })
})

test('a server that starts on a full disk writes its local key when space returns', async () => {
  const { rig, disk } = new BackupRig()
  const first = await rig.started(standaloneConfig(), disk)
  await rig.settle(first.close())
  disk.removeAtOnce(localKeyPath('/data')) // the random numbers of the second start are those of the first
  disk.faults.full = true
  const server = await rig.started(standaloneConfig(), disk)
  await rig.run(5000)
  expect(rig.events('local-key-not-written')).toHaveLength(1)
  expect(disk.paths()).not.toContain(localKeyPath('/data'))
  disk.faults.full = false
  await rig.run(2000)
  const key = new TextDecoder().decode(disk.contents(localKeyPath('/data')))
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  const client = await connectedClient(rig)
  await rig.settle(client.addAuth('local', bytesOf(key)))
  await rig.settle((await rig.settle(client.openBackup())).close())
  await rig.settle(server.close())
})

test('each start of a server has another local key, which is 32 random bytes as hex', async () => {
  const keys: string[] = []
  const { rig, disk } = new BackupRig()
  for (let i = 0; i < 2; i++) {
    // A draft is what a crash in the midst of writing leaves.
    disk.placeAtOnce('/data/local-key.next')
    const server = await rig.started(standaloneConfig(), disk)
    keys.push(new TextDecoder().decode(disk.contents(localKeyPath('/data'))))
    await rig.settle(server.close())
  }
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/)
})
