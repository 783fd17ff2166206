/**
 * The steps of a transfer against checkpoints in memory: what a leader reads and keeps, what a learner stores, and what
 * happens when a disk is full, a copy is damaged, or a step fails.
 */
import { expect, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import { diskFullRetryMs } from '../../src/base/limits.ts'
import { err, ok } from '../../src/base/result.ts'
import type { CheckpointFacts, Checkpoints } from '../../src/ports/checkpoints.ts'
import { ReplicatedState, type StateContents } from '../../src/replica/applying/replicated-state.ts'
import type { ReplicaEvent } from '../../src/replica/contract.ts'
import { CheckpointTransfers } from '../../src/server/checkpoints/checkpoint-transfers.ts'
import { TransferPace } from '../../src/server/checkpoints/transfer-pace.ts'
import type { CopyStep } from '../../src/zab/zab-contract.ts'
import { RecordingLog, VirtualTime } from '../storage/storage-rig.ts'

const zxid = 40 as Zxid
const facts: CheckpointFacts = {
  zxid,
  hash: 7 as ChainHash,
  origin: 'folded',
  clusterId: 1,
  epoch: 1,
  znodeCount: 1,
  sessionCount: 0,
  digest: '',
  digestVersion: 1,
}
const chunks = [new Uint8Array(1024 * 64).fill(1), new Uint8Array(1024 * 64).fill(2)]

function fault(code: string): Error {
  return Object.assign(new Error(`the disk says ${code}`), { code })
}

class Rig {
  readonly time = new VirtualTime()
  readonly log = new RecordingLog()
  readonly events: ReplicaEvent[] = []
  readonly holds = new Set<{ readonly after: Zxid }>()
  readonly stored: Uint8Array[] = []
  readonly replaced: (CheckpointFacts | null)[] = []
  /** What the next calls do instead. */
  fails: Error | null = null
  isDamaged = false
  verifies = true
  unreadable: number | null = null // the first byte of a chunk
  readonly loaded: number[] = [] // the first byte of each chunk
  sizeFails = false
  openCopies = 0
  aborted = 0
  readonly transfers: CheckpointTransfers

  constructor(kibPerSecond = 64) {
    const clock = { monotonicMs: () => this.time.nowMs, wallMs: () => 0 }
    const checkpoints = this.#checkpoints()
    const { tree, sessions, lastHash } = new ReplicatedState()
    const contents: StateContents = { tree, sessions, lastHash }
    this.transfers = new CheckpointTransfers({
      access: {
        checkpoints,
        copy: () => checkpoints.copy(),
        newLoader: () => ({
          add: (chunk) => {
            this.loaded.push(chunk[0]!)
            return chunk[0] === this.unreadable ? 'a record is missing' : null
          },
          finish: () => (this.verifies ? ok({ ...contents, facts }) : err('the digest differs')),
        }),
        holdLog: (after) => {
          const hold = { after }
          this.holds.add(hold)
          return () => this.holds.delete(hold)
        },
        replaced: (received) => this.replaced.push(received),
      },
      turn: { feed: (event) => this.events.push(event), isStopped: false },
      clock,
      timers: this.time.timers,
      log: this.log,
      pace: new TransferPace(kibPerSecond, clock, this.time.timers),
    })
  }

  run(step: CopyStep, forMs = 10_000): Promise<void> {
    this.transfers.run(step)
    return this.time.run(() => false, this.time.nowMs + forMs)
  }

  answers(): readonly unknown[] {
    return this.events.splice(0).map((event) => {
      if (event.kind === 'copy-answer') return event.answer
      return event.kind === 'persist-failed' ? event.cause : event.kind
    })
  }

  get heldAfter(): readonly number[] {
    return [...this.holds].map(({ after }) => after)
  }

  #checkpoints(): Checkpoints {
    const mayFail = async (): Promise<void> => {
      if (this.fails !== null) throw this.fails
    }
    return {
      open: async () => ok(facts),
      clean: async () => {},
      discard: async () => {},
      advance: async () => facts,
      verify: async () => ok({ facts, repaired: null }),
      copy: async () => {
        await mayFail()
        this.openCopies++
        return {
          facts,
          hasChecksums: true,
          chunkCount: null,
          chunk: async (number) => {
            await mayFail()
            return chunks[number] ?? null
          },
          close: async () => {
            this.openCopies--
          },
        }
      },
      receive: async () => {
        await mayFail()
        return {
          add: async (number, chunk) => {
            await mayFail()
            if (this.isDamaged) return false
            this.stored[number] = chunk
            return true
          },
          finish: async () => {
            await mayFail()
            return facts
          },
          abort: async () => {
            this.aborted++
          },
        }
      },
      history: () => Promise.reject(new Error('no backup is taken here')),
      sizeBytes: async () => {
        if (this.sizeFails) throw fault('EIO')
        return 123
      },
      close: async () => {},
    }
  }
}

const read = (number: number, syncId = 9): CopyStep => ({
  kind: 'read',
  copyId: 1,
  number,
  learner: 3 as ServerId,
  syncId,
})

test('a leader opens a copy, keeps the log after it, reads its chunks, and releases both', async () => {
  const rig = new Rig()
  rig.transfers.run({ kind: 'open', copyId: 1 })
  expect(rig.heldAfter).toEqual([0])
  await rig.time.run()
  expect(rig.answers()).toEqual([{ kind: 'opened', copyId: 1, zxid, hash: facts.hash, sizeBytes: 123 }])
  expect(rig.heldAfter).toEqual([zxid])
  await rig.run(read(1))
  await rig.run(read(2))
  const of = { kind: 'chunk', copyId: 1, learner: 3, syncId: 9 }
  expect(rig.answers()).toEqual([
    { ...of, number: 1, chunk: chunks[1] },
    { ...of, number: 2, chunk: null },
  ])
  await rig.run({ kind: 'close', copyId: 1 })
  expect(rig.heldAfter).toEqual([])
  expect(rig.openCopies).toBe(0)
})

test('chunks for all learners together leave at the limited rate', async () => {
  const rig = new Rig(64) // a chunk each second
  await rig.run({ kind: 'open', copyId: 1 })
  rig.answers()
  const beganAtMs = rig.time.nowMs
  for (const number of [0, 1, 0]) rig.transfers.run(read(number))
  const counts: number[] = []
  for (const atMs of [500, 1500, 2500]) {
    await rig.time.run(() => false, beganAtMs + atMs)
    counts.push(rig.events.length)
  }
  expect(counts).toEqual([1, 2, 3])
})

test('a learner that begins a new attempt does not wait for the chunks of its earlier one', async () => {
  const rig = new Rig(64) // a chunk each second
  await rig.run({ kind: 'open', copyId: 1 })
  rig.answers()
  const beganAtMs = rig.time.nowMs
  for (const number of [0, 1, 0]) rig.transfers.run(read(number))
  await rig.time.run(() => false, beganAtMs + 500)
  expect(rig.answers()).toMatchObject([{ number: 0, syncId: 9 }])
  rig.transfers.run(read(1, 10))
  await rig.time.run(() => false, beganAtMs + 1500)
  expect(rig.answers()).toMatchObject([{ number: 1, syncId: 10 }])
  await rig.time.run()
  expect(rig.answers()).toEqual([])
})

test('a copy that was closed while it was opened or read gives no answer and holds nothing', async () => {
  const rig = new Rig()
  rig.transfers.run({ kind: 'open', copyId: 1 })
  rig.transfers.run({ kind: 'close', copyId: 1 })
  await rig.time.run()
  expect([rig.answers(), rig.heldAfter, rig.openCopies]).toEqual([[], [], 0])
  await rig.run({ kind: 'open', copyId: 1 })
  rig.answers()
  rig.transfers.run(read(0))
  rig.transfers.run({ kind: 'close', copyId: 1 })
  await rig.time.run()
  expect([rig.answers(), rig.heldAfter, rig.openCopies]).toEqual([[], [], 0])
})

test('a copy that was closed while it was opened holds nothing, also if the last step of opening it fails', async () => {
  const rig = new Rig()
  rig.sizeFails = true
  rig.transfers.run({ kind: 'open', copyId: 1 })
  rig.transfers.run({ kind: 'close', copyId: 1 })
  await rig.time.run()
  expect([rig.answers(), rig.heldAfter, rig.openCopies]).toEqual([[], [], 0])
})

test('a checkpoint that cannot be read fails the copy with the reason, once', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'open', copyId: 1 })
  rig.answers()
  rig.fails = fault('EIO')
  rig.transfers.run(read(0))
  await rig.run(read(1))
  expect(rig.answers()).toEqual([{ kind: 'failed', copyId: 1, reason: 'the disk says EIO' }])
  expect([rig.heldAfter, rig.openCopies]).toEqual([[], 0])
  await rig.run({ kind: 'open', copyId: 2 })
  expect(rig.answers()).toEqual([{ kind: 'failed', copyId: 2, reason: 'the disk says EIO' }])
  expect(rig.heldAfter).toEqual([])
})

test('the log is held for learners from where the last step says', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'hold-log', after: 10 as Zxid })
  expect(rig.heldAfter).toEqual([10])
  await rig.run({ kind: 'hold-log', after: 5 as Zxid })
  expect(rig.heldAfter).toEqual([5])
  await rig.run({ kind: 'hold-log', after: null })
  expect(rig.heldAfter).toEqual([])
})

const add = (number: number, ticket = 4): CopyStep => ({ kind: 'add', ticket, number, chunk: chunks[number]! })

test('a learner stores chunks, verifies the copy, and hands over the loaded state', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'receive', ticket: 4 })
  await rig.run(add(0))
  await rig.run(add(1))
  expect(rig.answers()).toEqual([
    { kind: 'added', ticket: 4, number: 0, isGood: true },
    { kind: 'added', ticket: 4, number: 1, isGood: true },
  ])
  expect(rig.stored).toEqual(chunks)
  await rig.run({ kind: 'finish', ticket: 4 })
  expect(rig.answers()).toEqual(['copy-received'])
  expect(rig.openCopies).toBe(0)
  expect(rig.replaced).toEqual([])
  rig.transfers.logRestarted(zxid)
  expect(rig.replaced).toEqual([facts])
  rig.transfers.logRestarted(0 as Zxid)
  expect(rig.replaced).toEqual([facts, null])
})

test('a damaged chunk is reported and not stored', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'receive', ticket: 4 })
  rig.isDamaged = true
  await rig.run(add(0))
  expect(rig.answers()).toEqual([{ kind: 'added', ticket: 4, number: 0, isGood: false }])
  expect(rig.log.count('checkpoint-chunk-damaged')).toBe(1)
})

test('a full disk delays a chunk until space returns, with one line for each', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'receive', ticket: 4 })
  rig.fails = fault('ENOSPC')
  await rig.run(add(0), 3.5 * diskFullRetryMs)
  expect(rig.answers()).toEqual([])
  expect(rig.log.count('disk-full')).toBe(1)
  rig.fails = null
  await rig.time.run(() => false, rig.time.nowMs + 2 * diskFullRetryMs)
  expect(rig.answers()).toEqual([{ kind: 'added', ticket: 4, number: 0, isGood: true }])
  expect(rig.log.count('disk-space-returned')).toBe(1)
})

test('a disk that fails and a copy that is damaged are refused with the reason, and removed', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'receive', ticket: 4 })
  rig.fails = fault('EIO')
  await rig.run(add(0))
  expect(rig.answers()).toEqual([{ kind: 'refused', ticket: 4, reason: 'the disk says EIO' }])
  rig.fails = null
  rig.verifies = false
  await rig.run({ kind: 'receive', ticket: 5 })
  await rig.run({ kind: 'finish', ticket: 5 })
  expect(rig.answers()).toEqual([
    {
      kind: 'refused',
      ticket: 5,
      reason: 'the copy of a checkpoint that was received is not usable: the digest differs. It is asked for again.',
    },
  ])
  expect(rig.aborted).toBe(2)
})

test('a chunk is loaded once it is stored, and the next one is stored meanwhile', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'receive', ticket: 4 })
  await rig.run(add(0))
  expect(rig.loaded).toEqual([])
  rig.isDamaged = true
  await rig.run(add(1))
  expect(rig.loaded).toEqual([1])
  rig.isDamaged = false
  await rig.run(add(1))
  expect(rig.loaded).toEqual([1])
  await rig.run({ kind: 'finish', ticket: 4 })
  expect(rig.loaded).toEqual([1, 2])
})

test('a chunk whose entries cannot be loaded ends the transfer', async () => {
  const rig = new Rig()
  rig.unreadable = 2
  const reason = 'the copy of a checkpoint that was received is not usable: a record is missing. It is asked for again.'
  await rig.run({ kind: 'receive', ticket: 4 })
  await rig.run(add(0))
  await rig.run(add(1))
  rig.answers()
  await rig.run({ kind: 'finish', ticket: 4 })
  expect(rig.answers()).toEqual([{ kind: 'refused', ticket: 4, reason }])
  rig.unreadable = 1
  await rig.run({ kind: 'receive', ticket: 5 })
  await rig.run(add(0, 5))
  rig.answers()
  await rig.run(add(1, 5))
  expect(rig.answers()).toEqual([{ kind: 'refused', ticket: 5, reason }])
  expect(rig.aborted).toBe(2)
})

test('steps of a copy that was abandoned have no answer', async () => {
  const rig = new Rig()
  await rig.run({ kind: 'receive', ticket: 4 })
  rig.transfers.run(add(0))
  await rig.run({ kind: 'abort', ticket: 4 })
  await rig.run(add(1))
  await rig.run({ kind: 'finish', ticket: 4 })
  expect(rig.answers()).toEqual([])
  expect(rig.aborted).toBe(1)
})

test('a server that closes closes its copies', async () => {
  const rig = new Rig()
  expect(rig.transfers.close()).toBeNull()
  await rig.run({ kind: 'open', copyId: 1 })
  await rig.run({ kind: 'receive', ticket: 4 })
  await rig.run({ kind: 'hold-log', after: 5 as Zxid })
  await rig.transfers.close()
  expect([rig.heldAfter, rig.openCopies, rig.aborted]).toEqual([[], 0, 1])
})

test('a server without a checkpoint refuses both ends of a transfer', async () => {
  const time = new VirtualTime()
  const events: ReplicaEvent[] = []
  const clock = { monotonicMs: () => 0, wallMs: () => 0 }
  const transfers = new CheckpointTransfers({
    access: null,
    turn: { feed: (event) => events.push(event), isStopped: false },
    clock,
    timers: time.timers,
    log: new RecordingLog(),
    pace: new TransferPace(1, clock, time.timers),
  })
  transfers.run({ kind: 'open', copyId: 1 })
  transfers.run({ kind: 'receive', ticket: 4 })
  transfers.run({ kind: 'hold-log', after: 5 as Zxid })
  const reason = 'this server keeps no checkpoint'
  expect(events.map((event) => event.kind === 'copy-answer' && event.answer)).toEqual([
    { kind: 'failed', copyId: 1, reason },
    { kind: 'refused', ticket: 4, reason },
  ])
})
