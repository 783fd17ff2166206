import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import type { Zxid } from '../../src/base/ids.ts'
import {
  checkpointThreadCloseMs,
  checkpointThreadRestartMsMin,
  refusalLinesPerSecondMax,
} from '../../src/base/limits.ts'
import { checkpointThread } from '../../src/io/checkpoint-thread.ts'
import type { Checkpoints, HistoryPoint } from '../../src/ports/checkpoints.ts'
import type { Log, LogFields } from '../../src/ports/log.ts'
import type { Timers } from '../../src/ports/timers.ts'
import { deeds } from './scripted-checkpoint-deeds.ts'

interface Rig {
  readonly checkpoints: Checkpoints
  readonly folder: string
  /** `level event` of each line, with its fields. */
  readonly lines: (readonly [string, LogFields])[]
  /** The delays of all timers that were started. They are over at once, except those that wait for a close. */
  readonly delays: number[]
  advance(deed: number): Promise<number>
}

/** The rig of the tests that end no thread: starting one takes most of the time of a test. */
const shared = await makeRig()
await shared.checkpoints.open()
afterAll(() => shared.dispose())

async function threadRig(): Promise<Rig> {
  const rig = await makeRig()
  onTestFinished(() => rig.dispose())
  return rig
}

async function makeRig(): Promise<Rig & { dispose(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'zkts-thread-'))
  const lines: Rig['lines'] = []
  const writer =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push([`${level} ${event}`, fields])
  const log: Log = {
    error: writer('error'),
    warn: writer('warn'),
    info: writer('info'),
    debug: writer('debug'),
    child: () => log,
  }
  const delays: number[] = []
  const timers: Timers = {
    after(delayMs, callback) {
      delays.push(delayMs)
      // What has to happen within the time of a close is given a part of it; a pause is over at once.
      const timer = setTimeout(callback, delayMs === checkpointThreadCloseMs ? 100 : 0)
      return () => clearTimeout(timer)
    },
    atTurnEnd: setImmediate,
  }
  const entry = new URL('./scripted-checkpoint-thread.ts', import.meta.url)
  const open = checkpointThread({ entry, log, timers, requiresDirectorySync: true })
  const checkpoints = open({ folder, logFolder: `${folder}/wal`, serverId: 1 })
  const dispose = async () => {
    await checkpoints.close()
    await rm(folder, { recursive: true })
  }
  const advance = async (deed: number) => (await checkpoints.advance(deed as Zxid)).znodeCount
  return { checkpoints, folder, lines, delays, advance, dispose }
}

test('calls are carried out by a thread, and answers keep their types', async () => {
  const { checkpoints } = shared
  expect(await checkpoints.open()).toEqual({ ok: true, value: null })
  expect(await checkpoints.clean()).toBeUndefined()
  expect(await checkpoints.discard()).toBeUndefined()
  expect(await checkpoints.sizeBytes()).toBe(77)
  expect(await checkpoints.verify()).toMatchObject({ ok: true, value: { facts: { zxid: 1 }, repaired: null } })
  expect(await checkpoints.advance(1 as Zxid)).toMatchObject({ zxid: 1, hash: 2 ** 32, origin: 'folded' })
})

test('chunks arrive as they were made, and any chunk may be asked for again', async () => {
  const { checkpoints } = shared
  const copy = await checkpoints.copy()
  expect(copy).toMatchObject({ facts: { zxid: 1 }, chunkCount: 2 })
  for (const number of [0, 1, 0]) {
    const chunk = await copy.chunk(number)
    expect(chunk).toHaveLength(number === 0 ? 1_000_000 : 2_000_000)
    expect(chunk!.buffer.byteLength).toBe(chunk!.length)
    expect(chunk!.every((byte) => byte === number + 1)).toBe(true)
  }
  expect(await copy.chunk(2)).toBeNull()
  await copy.close()
  await expect(copy.chunk(0)).rejects.toThrow('closed')
})

test('the memory of a chunk that is no longer used goes back to the thread', async () => {
  const copy = await shared.checkpoints.copy()
  const first = await copy.chunk(0)
  const second = await copy.chunk(1, first!)
  expect(first).toHaveLength(0)
  expect(second).toHaveLength(2_000_000)
  await copy.close()
})

test('a history arrives in parts, and what is not in the log is an answer', async () => {
  const { checkpoints } = shared
  const at = (zxid: number, hash: number): HistoryPoint => ({ zxid: zxid as Zxid, hash: hash as ChainHash })
  const missing = await checkpoints.history(at(9, 0), 12 as Zxid)
  expect(missing).toEqual({ ok: false, error: { kind: 'log-begins-later', oldest: 10 } })
  const opened = await checkpoints.history(at(4, 2 ** 40), 6 as Zxid)
  if (!opened.ok) throw new Error(opened.error.kind)
  for (const zxid of [5, 6]) {
    const part = await opened.value.next()
    expect(part).toMatchObject({ txnCount: 1, last: { zxid, hash: 2 ** 40 + zxid } })
    expect([part!.bytes.length, part!.bytes.buffer.byteLength]).toEqual([1_000, 1_000])
    expect(part!.bytes.every((byte) => byte === zxid)).toBe(true)
  }
  expect(await opened.value.next()).toBeNull()
  await opened.value.close()
  await expect(opened.value.next()).rejects.toThrow('closed')
})

test('a receiver gets the bytes of a chunk, and the caller keeps them', async () => {
  const { checkpoints } = shared
  const receiver = await checkpoints.receive()
  const buffer = new Uint8Array(100).fill(9)
  const chunk = buffer.fill(4, 10, 30).subarray(10, 30)
  expect(await receiver.add(4, chunk)).toBe(true)
  expect(await receiver.add(4, buffer)).toBe(false)
  expect(chunk[0]).toBe(4)
  const { facts: verified } = await checkpoints.copy()
  expect(await receiver.finish(verified)).toMatchObject({ zxid: 20, hash: verified.hash })
})

test('a call that fails rejects with message, code and kind, and the thread goes on', async () => {
  const { checkpoints, advance } = shared
  await expect(advance(deeds.failWithCode)).rejects.toMatchObject({
    message: 'no space left',
    code: 'ENOSPC',
    kind: 'damaged',
  })
  expect(await checkpoints.sizeBytes()).toBe(77)
})

test.each([
  ['an error that was not expected', deeds.throwOutside, 'not expected'],
  ['a heap that is full', deeds.fillTheHeap, 'memory limit'],
  ['a violated invariant', deeds.violateAnInvariant, 'never true'],
])(
  'after %s the call rejects, the log says why, and the next call has a thread that has opened',
  async (_why, deed, text) => {
    const { checkpoints, lines, advance } = await threadRig()
    await checkpoints.open()
    const firstThread = await advance(1)
    const copy = await checkpoints.copy()
    const receiver = await checkpoints.receive()
    await expect(advance(deed)).rejects.toThrow(text)
    expect(await advance(1)).toBeGreaterThan(firstThread)
    expect(lines).toEqual([
      [
        'error checkpoint-thread-ended',
        { err: expect.objectContaining({ message: expect.stringContaining(text) }), pauseMs: 1000 },
      ],
    ])
    await expect(copy.chunk(0)).rejects.toThrow('thread ended')
    await expect(receiver.add(1, Uint8Array.of(1))).rejects.toThrow('thread ended')
    await copy.close()
    await receiver.abort()
  },
)

test('the pause grows while threads end, and is short again after one has folded', async () => {
  const { checkpoints, delays, advance } = await threadRig()
  await checkpoints.open()
  const die = async () => expect(advance(deeds.throwOutside)).rejects.toThrow('thread ended')
  for (let i = 0; i < 2; i++) await die()
  await advance(1)
  await die()
  expect(delays).toEqual([1, 2, 1].map((factor) => factor * checkpointThreadRestartMsMin))
})

test('if the checkpoint cannot be opened after a restart, calls reject with the reason, until it can', async () => {
  const { checkpoints, folder, advance } = await threadRig()
  await checkpoints.open()
  await writeFile(`${folder}/damaged`, '')
  await expect(advance(deeds.throwOutside)).rejects.toThrow('not expected')
  const refusal = { message: `${folder} is damaged`, code: 'EDAMAGED' }
  await expect(advance(1)).rejects.toMatchObject(refusal)
  await expect(checkpoints.copy()).rejects.toMatchObject(refusal)
  await rm(`${folder}/damaged`)
  expect(await advance(1)).toBeGreaterThan(0)
})

test('a damaged checkpoint at the start is a value; once it is discarded, the next threads work', async () => {
  const { checkpoints, folder, advance } = await threadRig()
  await writeFile(`${folder}/damaged`, '')
  expect(await checkpoints.open()).toEqual({ ok: false, error: { kind: 'damaged', message: `${folder} is damaged` } })
  await checkpoints.discard()
  await expect(advance(deeds.throwOutside)).rejects.toThrow('not expected')
  expect(await advance(1)).toBeGreaterThan(0)
})

test('a checkpoint that is found damaged by a later thread can be discarded', async () => {
  const { checkpoints, folder, advance } = await threadRig()
  await checkpoints.open()
  await expect(advance(deeds.throwOutside)).rejects.toThrow('not expected')
  await writeFile(`${folder}/damaged`, '')
  await expect(advance(1)).rejects.toMatchObject({ code: 'EDAMAGED' })
  await checkpoints.discard()
  expect(await advance(1)).toBeGreaterThan(0)
})

test('lines of the thread go to the log of the server, a few a second of each event, and errors keep their code', async () => {
  const { lines, advance } = shared
  expect(lines).toEqual([])
  await advance(deeds.logManyLines)
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.length).toBeLessThan(100 * refusalLinesPerSecondMax)
  expect(lines[0]).toEqual(['info line', { i: 0, err: expect.objectContaining({ message: 'text', code: 'EIO' }) }])
  expect(lines[0]![1]['err']).toBeInstanceOf(Error)
})

test.each([
  ['does not answer', deeds.neverAnswer],
  ['never returns', deeds.loopForever],
])('a thread that %s is ended by a close, and the call rejects', async (_how, deed) => {
  const { checkpoints, lines, advance } = await threadRig()
  await checkpoints.open()
  const call = advance(deed)
  const rejected = expect(call).rejects.toThrow('ended')
  await checkpoints.close()
  await rejected
  await expect(advance(1)).rejects.toMatchObject({ code: 'ECLOSED' })
  expect(lines).toEqual([])
})

test('a thread that rests collects the garbage of its last call', async () => {
  const { checkpoints, lines, advance } = await threadRig()
  await checkpoints.open()
  await advance(deeds.leaveGarbage)
  while (lines.length === 0) await new Promise(setImmediate)
  expect(lines).toEqual([['info garbage-collected', {}]])
  expect(await checkpoints.sizeBytes()).toBe(77)
})

test('a closed thread does not keep the process running', async () => {
  const portCount = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
  const before = portCount()
  const { checkpoints } = await threadRig()
  await checkpoints.open()
  expect(portCount()).toBeGreaterThan(before)
  await checkpoints.close()
  while (portCount() > before) await new Promise(setImmediate)
})

test('checkpoints that were never used are closed without a thread', async () => {
  const { checkpoints, delays } = await threadRig()
  await checkpoints.close()
  await checkpoints.close()
  expect(delays).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'folding has a low priority, and the main thread and an opening thread have not',
  async () => {
    const { checkpoints } = await threadRig()
    await checkpoints.open()
    const before = lowCount()
    const ownPriority = getPriority()
    expect((await checkpoints.advance(deeds.tellPriority as Zxid)).sessionCount).toBe(10)
    expect(lowCount()).toBe(before + 1)
    expect(getPriority()).toBe(ownPriority)
  },
)

/** Threads of this process with the priority of folding. */
function lowCount(): number {
  return readdirSync('/proc/self/task').filter((thread) => {
    const text = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[16] === '10'
  }).length
}
