import { describe, expect, test } from 'vitest'
import { adoptData } from '../../../src/adoption/adopt-data.ts'
import { type ServerId, zeroEpoch } from '../../../src/base/ids.ts'
import { err, ok } from '../../../src/base/result.ts'
import type { Checkpoints } from '../../../src/ports/checkpoints.ts'
import type { ClusterId } from '../../../src/protocol/disk/log-record.ts'
import { SimKeyValues } from '../../simulator/sim-key-values.ts'
import { textBytes } from '../../support/conversation.ts'
import { createFrame } from '../../support/requests.ts'
import { standaloneConfig } from '../../support/server-rig.ts'
import { CheckpointRig, keepingConfig } from './checkpoint-rig.ts'

type Opened = Awaited<ReturnType<Checkpoints['open']>>

const full = (): Error => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })

const changed = (): Error =>
  Object.assign(new Error('an entry was changed on the disk: its checksum does not fit'), { code: 'EDAMAGED' })

describe('a server with checkpoints', () => {
  test('a killed server starts from its checkpoint and the log after it', async () => {
    const rig = new CheckpointRig()
    await rig.start()
    await rig.write(45)
    await rig.rig.run(1000)
    const made = rig.rig.events('checkpoint-made')
    expect(made.length).toBeGreaterThanOrEqual(3)
    rig.kill()
    await rig.start()
    expect(rig.rig.events('checkpoint-loaded')).toMatchObject([{ zxid: made.at(-1)!.zxid }])
    expect(await rig.metric('sum_startup_txns_loaded')).toBeLessThan(20)
    expect(await rig.metric('cnt_startup_snap_load_time')).toBe(1)
    await rig.expectAll()
  })

  test('the front of the log is removed, and the server starts without it again and again', async () => {
    const rig = new CheckpointRig()
    for (let round = 0; round < 3; round++) {
      await rig.start()
      await rig.write(60)
      await rig.rig.run(1500)
      rig.kill()
    }
    expect(rig.firstSegment()).toBeGreaterThan(1)
    expect(rig.segments().length).toBeLessThan(10)
    expect(rig.rig.events('log-purged').length).toBeGreaterThan(1)
    await rig.start()
    await rig.expectAll()
  })

  test('a server that closes makes a last checkpoint, so the next start reads no txn', async () => {
    const rig = new CheckpointRig()
    const server = await rig.start(standaloneConfig(['4lw.commands.whitelist=*']))
    await rig.write(7)
    await rig.rig.settle(server.close())
    await rig.start(standaloneConfig(['4lw.commands.whitelist=*']))
    expect(await rig.metric('sum_startup_txns_loaded')).toBe(0)
    await rig.expectAll()
  })

  test('a server that is killed at any moment of a checkpoint starts with all that it acknowledged', async () => {
    const answered: boolean[] = []
    for (let momentUs = 1; momentUs < 60_000; momentUs += 2900) {
      const rig = new CheckpointRig()
      let isBegun = false
      rig.change((real) => ({
        advance: (through) => {
          isBegun = true
          return real.advance(through)
        },
      }))
      await rig.start(standaloneConfig(['4lw.commands.whitelist=*']))
      await rig.write(9)
      const asking = await rig.rig.connect('10.0.1.9')
      asking.send(textBytes('ckpt'))
      await rig.rig.scheduler.runUntil(rig.rig.scheduler.nowUs + 2_000_000, () => isBegun)
      await rig.rig.run(momentUs / 1000)
      rig.kill()
      await rig.start()
      await rig.expectAll()
      answered.push(asking.text !== '')
    }
    // The first kill was before the end of the checkpoint, the last one after it.
    expect([answered[0], answered.at(-1)]).toEqual([false, true])
  })

  test('a request for a checkpoint is answered with its zxid once it is durable', async () => {
    const rig = new CheckpointRig()
    await rig.start(standaloneConfig(['4lw.commands.whitelist=*']))
    await rig.write(3)
    expect(await rig.ask('ckpt')).toMatch(
      /^Zxid: 0x1000000[0-9a-f]+\nZnode count: \d+\nSession count: \d+\nSize in bytes: \d+\nDuration in ms: \d+\nRemoved files of the log: \d+\n/,
    )
    rig.kill()
    await rig.start(standaloneConfig(['4lw.commands.whitelist=*']))
    expect(await rig.metric('sum_startup_txns_loaded')).toBe(0)
    await rig.expectAll()
  })

  test('dirs counts the checkpoint in the data folder', async () => {
    const rig = new CheckpointRig()
    await rig.start()
    await rig.write(12)
    await rig.rig.run(1000)
    const sizes = /^datadir_size: (\d+)\nlogdir_size: (\d+)\n$/.exec(await rig.ask('dirs'))!
    const checkpointSizeBytes = rig.rig.events('checkpoint-made').at(-1)!.sizeBytes as number
    expect(checkpointSizeBytes).toBeGreaterThan(0)
    expect(Number(sizes[1])).toBe(Number(sizes[2]) + checkpointSizeBytes)
  })
})

describe('a damaged checkpoint', () => {
  const damaged = {
    ok: false,
    error: { kind: 'damaged', message: '/data/checkpoint/store-1: a file is missing' },
  } as const

  test('a server whose log is whole reads the log and makes the checkpoint again', async () => {
    const rig = await CheckpointRig.withWholeLog(25)
    let isDamaged = true
    rig.change((real) => ({
      open: async () => {
        const opened = await real.open()
        return isDamaged ? damaged : opened
      },
    }))
    const before = rig.rig.events('checkpoint-made').length
    await rig.start(keepingConfig)
    expect(rig.rig.events('checkpoint-damaged')).toMatchObject([{ text: damaged.error.message }])
    await rig.expectAll()
    await rig.rig.run(1000)
    expect(rig.rig.events('checkpoint-made')).toHaveLength(before + 1)
    rig.kill()
    isDamaged = false
    await rig.start(keepingConfig)
    expect(rig.rig.events('checkpoint-loaded')).toHaveLength(1)
    await rig.expectAll()
  })

  test('a server whose log has lost its front refuses to start, and changes nothing', async () => {
    const rig = await CheckpointRig.withoutLogFront()
    const before = rig.disk.paths()
    let isDamaged = true
    rig.change((real) => ({
      open: async () => {
        const opened = await real.open()
        return isDamaged ? damaged : opened
      },
    }))
    const refusal = await rig.refusal()
    expect(refusal.kind).toBe('corrupt')
    expect(refusal.message).toMatch(
      /^dataDir: \/data\/checkpoint\/store-1: a file is missing\. The log no longer begins with its first segment/,
    )
    expect(refusal.message).toContain('from a backup')
    rig.kill()
    expect(rig.disk.paths()).toEqual(before)
    isDamaged = false
    await rig.start()
    await rig.expectAll()
  })

  test('a checkpoint whose chunks are wrong counts as damaged', async () => {
    const rig = await CheckpointRig.withWholeLog(15)
    rig.change((real) => ({
      copy: async () => {
        const copy = await real.copy()
        return {
          ...copy,
          chunk: async (number) => {
            const chunk = await copy.chunk(number)
            if (chunk !== null) chunk[chunk.length - 1]! ^= 1
            return chunk
          },
          close: () => copy.close(),
        }
      },
    }))
    await rig.start(keepingConfig)
    expect(rig.rig.events('checkpoint-damaged')).toHaveLength(1)
    await rig.expectAll()
  })

  describe.each([
    ['the copy is begun', { copy: (): Promise<never> => Promise.reject(changed()) }],
    ['a chunk is read', { chunk: (): Promise<never> => Promise.reject(changed()) }],
  ])(
    'that is noticed when %s',
    (_when, { copy, chunk }: { copy?: () => Promise<never>; chunk?: () => Promise<never> }) => {
      const damage = (rig: CheckpointRig): void =>
        rig.change((real) => ({
          copy: copy ?? (async () => ({ ...(await real.copy()), chunk: chunk!, close: async () => {} })),
        }))

      test('is replaced from a log that is whole', async () => {
        const rig = await CheckpointRig.withWholeLog(15)
        damage(rig)
        await rig.start(keepingConfig)
        expect(rig.rig.events('checkpoint-damaged')).toMatchObject([{ text: changed().message }])
        await rig.expectAll()
      })

      test('stops a server whose log has lost its front', async () => {
        const rig = await CheckpointRig.withoutLogFront()
        damage(rig)
        const refusal = await rig.refusal()
        expect(refusal.kind).toBe('corrupt')
        expect(refusal.message).toMatch(/checksum does not fit\. The log no longer begins with its first segment/)
      })
    },
  )

  test('a checkpoint of another cluster, of a newer version, or in use is refused although the log is whole', async () => {
    const rig = new CheckpointRig()
    const server = await rig.start()
    await rig.write(15)
    await rig.rig.settle(server.close())
    let answer: ((opened: Opened) => Opened) | null = null
    rig.change((real) => ({ open: async () => answer!(await real.open()) }))
    for (const kind of ['foreign', 'locked'] as const) {
      answer = () => err({ kind, message: `/data/checkpoint: ${kind}` })
      expect(await rig.refusal()).toEqual({ kind, message: `dataDir: /data/checkpoint: ${kind}` })
    }
    answer = (opened) => (opened.ok ? ok({ ...opened.value!, clusterId: 7 }) : opened)
    const refusal = await rig.refusal()
    expect(refusal.kind).toBe('foreign')
    expect(refusal.message).toContain('is of cluster 0x7, but /data/identity says cluster 0x')
  })

  test('a checkpoint that the disk does not read is refused as a fault of the disk', async () => {
    const rig = new CheckpointRig()
    const server = await rig.start()
    await rig.write(15)
    await rig.rig.settle(server.close())
    rig.change(() => ({
      open: () => Promise.reject(Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' })),
    }))
    expect(await rig.refusal()).toMatchObject({
      kind: 'io',
      message: expect.stringContaining('this user may not use it'),
    })
  })
})

describe('a checkpoint that fails', () => {
  test('a full disk delays the purge and no write, until a later try succeeds', async () => {
    const rig = new CheckpointRig()
    let failure: Error | null = full()
    rig.change((real) => ({
      advance: (through) => (failure === null ? real.advance(through) : Promise.reject(failure)),
    }))
    await rig.start()
    await rig.write(80)
    await rig.rig.run(25_000)
    expect(rig.rig.events('checkpoint-failed')).toHaveLength(1)
    expect(rig.rig.events('checkpoint-failed')[0]!.advice).toContain('Free space')
    expect(await rig.metric('snapshot_error_count')).toBeGreaterThanOrEqual(2)
    expect(rig.firstSegment()).toBe(1)
    expect(await rig.ask('ckpt')).toMatch(/^Checkpoint failed: \/data\/checkpoint: the disk is full/)
    failure = null
    await rig.write(60)
    await rig.rig.run(25_000)
    await rig.write(60)
    await rig.rig.run(2000)
    expect(rig.firstSegment()).toBeGreaterThan(1)
    rig.kill()
    await rig.start()
    await rig.expectAll()
  })

  test('a log on a full disk is made smaller by a checkpoint that an operator asks for', async () => {
    const rig = new CheckpointRig()
    const config = standaloneConfig([
      'dataLogDir=/log',
      'snapCount=1000000',
      'txnLogSizeLimitInKb=4',
      'logRetentionSizeInKb=0',
      'autopurge.snapRetainCount=3',
      '4lw.commands.whitelist=*',
    ])
    await rig.start(config)
    for (let i = 0; i < 3; i++) {
      await rig.write(30)
      expect(await rig.ask('ckpt')).toMatch(/^Zxid: /)
    }
    const logSegments = (): number => rig.disk.paths().filter((path) => path.startsWith('/log/wal/')).length
    await rig.write(30)
    const before = logSegments()
    Object.assign(rig.disk.faults, { full: true, fullBelow: '/log/' })
    const client = await rig.client()
    for (let i = 0; i < 100; i++) client.send(createFrame(i, `/waits${i}`, 'x'.repeat(100)))
    await rig.rig.run(3000)
    expect(await rig.metric('disk_full')).toBe(1)
    expect(await rig.ask('ckpt')).toMatch(/^Zxid: /)
    await rig.rig.run(500)
    expect(logSegments()).toBeLessThan(before)
    Object.assign(rig.disk.faults, { full: false })
    await rig.rig.run(2000)
    await rig.write(5)
    rig.kill()
    await rig.start(config)
    await rig.expectAll()
  })

  test('a worker that ends is reported with its reason, and the server goes on', async () => {
    const rig = new CheckpointRig()
    rig.change(() => ({ advance: () => Promise.reject(new Error('the checkpoint thread ended: out of memory')) }))
    const server = await rig.start()
    await rig.write(25)
    expect(rig.rig.events('checkpoint-failed')).toHaveLength(1)
    await rig.rig.settle(server.close())
    await rig.start()
    await rig.expectAll()
  })
})

describe('a log that does not fit its checkpoint', () => {
  /** The disk of a server that has made a checkpoint, and a change of it. */
  async function changed(change: (rig: CheckpointRig) => Promise<void>) {
    const rig = new CheckpointRig()
    const server = await rig.start()
    await rig.write(15)
    await rig.rig.settle(server.close())
    await change(rig)
    return rig
  }

  async function removeAll(rig: CheckpointRig, ...prefixes: readonly string[]): Promise<void> {
    for (const path of rig.disk.paths()) {
      if (prefixes.some((prefix) => path.startsWith(prefix))) await rig.rig.settle(rig.disk.remove(path))
    }
  }

  test('a missing log beside a checkpoint is refused, with or without the identity', async () => {
    const rig = await changed((made) => removeAll(made, '/data/wal/'))
    expect((await rig.refusal()).message).toContain(
      'remove /data/identity and /data/checkpoint; then this server starts',
    )
    await removeAll(rig, '/data/identity')
    const { kind, message } = await rig.refusal()
    expect(kind).toBe('corrupt')
    expect(message).toContain('/data/wal holds no log, but there is a checkpoint of 0x1000000')
    expect(message).toContain('move the content of dataDir and dataLogDir away, except myid')
    await removeAll(rig, '/data/checkpoint/')
    await rig.start()
  })

  /** The newest file of the log has only txns after the checkpoint. */
  async function withNewFile(): Promise<{ readonly rig: CheckpointRig; readonly newest: string }> {
    const rig = new CheckpointRig()
    await rig.start(standaloneConfig(['txnLogSizeLimitInKb=4', '4lw.commands.whitelist=*']))
    await rig.write(30)
    expect(await rig.ask('ckpt')).toMatch(/^Zxid: /)
    const count = rig.segments().length
    while (rig.segments().length === count) await rig.write(1)
    await rig.write(2)
    rig.kill()
    return { rig, newest: rig.segments().at(-1)! }
  }

  test('a log without its newest file is refused, and the file is named, although the checkpoint has what is before', async () => {
    const { rig, newest } = await withNewFile()
    await rig.rig.settle(rig.disk.rename(newest, '/aside'))
    const { kind, message } = await rig.refusal()
    expect(kind).toBe('corrupt')
    expect(message).toContain(`the one whose name ends with ${/-\w+\.log$/.exec(newest)![0]} is missing or was emptied`)
    await rig.rig.settle(rig.disk.rename('/aside', newest))
    await rig.start()
    await rig.expectAll()
  })

  test('a store that no file names is mentioned where the log has lost its front', async () => {
    const rig = await CheckpointRig.withoutLogFront()
    rig.disk.removeAtOnce('/data/checkpoint/current')
    const { message } = await rig.refusal()
    expect(message).toContain(
      '/data/checkpoint has store-1, but the file /data/checkpoint/current, which names the store',
    )
  })

  test('a log whose newest file was emptied is refused, and not taken for one that a crash left', async () => {
    const { rig, newest } = await withNewFile()
    rig.disk.removeAtOnce(newest)
    rig.disk.placeAtOnce(newest)
    expect(await rig.refusal()).toMatchObject({ kind: 'corrupt', message: expect.stringContaining('was emptied') })
  })

  test('an operator who accepts the loss adopts the log without its newest file, and the server starts', async () => {
    const { rig, newest } = await withNewFile()
    rig.disk.removeAtOnce(newest)
    const { message } = await rig.refusal()
    expect(message).toContain('run "zkts-cli data adopt --config FILE"')
    expect(message).toContain('accept the loss, add --new-cluster.')
    const adopted = await rig.rig.settle(
      adoptData({
        disk: rig.disk,
        stores: new SimKeyValues(rig.disk),
        dataDir: '/data',
        dataLogDir: '/data',
        serverId: 1 as ServerId,
        members: [1 as ServerId],
        segmentSizeBytes: 4096,
        adoption: { kind: 'new-cluster', clusterId: 4711 as ClusterId, epochMin: zeroEpoch },
      }),
    )
    expect(adopted.ok).toBe(true)
    await rig.start()
  })

  test('a log that is older than the checkpoint is refused, and nothing is changed', async () => {
    const rig = new CheckpointRig()
    const first = await rig.start()
    await rig.write(5)
    await rig.rig.settle(first.close())
    rig.disk.copyFolder('/data/wal', '/old')
    const second = await rig.start(keepingConfig)
    await rig.write(15)
    await rig.rig.settle(second.close())
    await removeAll(rig, '/data/wal/', '/data/identity')
    for (const path of rig.disk.paths()) {
      if (path.startsWith('/old/')) await rig.rig.settle(rig.disk.rename(path, path.replace('/old', '/data/wal')))
    }
    const before = rig.disk.paths()
    const { kind, message } = await rig.refusal()
    expect(kind).toBe('corrupt')
    expect(message).toMatch(/the log in \/data\/wal ends at 0x1000000\w+, before the checkpoint of 0x2000000/)
    expect(rig.disk.paths()).toEqual(before)
  })
})
