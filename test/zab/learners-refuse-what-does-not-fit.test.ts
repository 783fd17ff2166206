/**
 * One learner, and messages by hand from a leader that breaks the rules: each time the learner gives up and looks
 * again.
 */
import { describe, expect, test } from 'vitest'
import { type ChainHash, emptyChainHash } from '../../src/base/chain-hash.ts'
import { zeroZxid } from '../../src/base/ids.ts'
import type { Log, LogFields } from '../../src/ports/log.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { ZabMessage } from '../../src/protocol/peer/peer-message.ts'
import { Zab } from '../../src/zab/zab.ts'
import type { CopyAnswer, RecoveredHistory, ZabEffect } from '../../src/zab/zab-contract.ts'
import { epoch, historyOf, leader, nothingRecovered, self, settings, silentLog, zxid } from '../support/zab-settings.ts'

const history = historyOf([4])
const entries = history.map(({ zxid: at, payload }) => ({ zxid: at, payload }))

class FedLearner {
  readonly zab: Zab
  readonly lines: { readonly level: string; readonly event: string; readonly fields: LogFields }[] = []
  nowMs = 0
  effects: ZabEffect[] = []

  constructor(recovered: Partial<RecoveredHistory> = {}) {
    this.zab = new Zab(settings, { ...nothingRecovered, ...recovered }, this.#log())
    this.#note(this.zab.handle({ kind: 'start' }, 0))
    this.#note(this.zab.handle({ kind: 'peer-connected', peer: leader }, 0))
    const vote = { round: 1, leader, epoch: epoch(1), zxid: zeroZxid, cannotWin: false } as const
    this.hear({ kind: 'vote', state: 'leading', ...vote })
  }

  get syncId(): number {
    const info = this.effects.flatMap((effect) =>
      effect.kind === 'send' && effect.message.kind === 'follower-info' ? [effect.message.syncId] : [],
    )
    return info.at(-1)!
  }

  hear(message: ZabMessage): void {
    this.#note(this.zab.handle({ kind: 'message', from: leader, message }, this.nowMs))
    this.#note(this.zab.handle({ kind: 'turn-ended' }, this.nowMs))
  }

  /** The messages that bring a learner to a phase. */
  discover(): void {
    this.hear({ kind: 'new-epoch', syncId: this.syncId, epoch: epoch(1), clusterId: 77 as ClusterId })
  }

  startSync(): void {
    this.discover()
    this.hear({ kind: 'sync-start', syncId: this.syncId, zxid: zeroZxid, hash: emptyChainHash })
  }

  serve(): void {
    this.startSync()
    this.append(0, 1)
    const at = { epoch: epoch(1), clusterId: 77 as ClusterId, lastZxid: entries[0]!.zxid }
    this.hear({ kind: 'new-leader', syncId: this.syncId, ...at })
    this.hear({ kind: 'up-to-date', syncId: this.syncId, committed: zeroZxid, recordsMoves: true })
  }

  append(from: number, to: number, committed = zeroZxid): void {
    const previous = from === 0 ? { zxid: zeroZxid, hash: emptyChainHash } : history[from - 1]!
    const range = { previousZxid: previous.zxid, previousHash: previous.hash, entries: entries.slice(from, to) }
    this.hear({ kind: 'append', syncId: this.syncId, ...range, committed })
  }

  answer(answer: CopyAnswer): void {
    this.#note(this.zab.handle({ kind: 'copy-answer', answer }, this.nowMs))
  }

  /** The link comes back, and the same server leads. */
  meetAgain(): void {
    this.#note(this.zab.handle({ kind: 'peer-connected', peer: leader }, this.nowMs))
    this.hear({ kind: 'vote', state: 'leading', round: 1, leader, epoch: epoch(1), zxid: zeroZxid, cannotWin: false })
  }

  steps(): readonly string[] {
    return this.effects.flatMap((effect) => (effect.kind === 'copy-step' ? [effect.step.kind] : []))
  }

  sent<K extends ZabMessage['kind']>(kind: K): readonly ZabMessage[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'send' && effect.message.kind === kind ? [effect.message] : [],
    )
  }

  loseLink(): void {
    this.#note(this.zab.handle({ kind: 'peer-disconnected', peer: leader, wasSilent: false }, this.nowMs))
  }

  tick(afterMs: number): void {
    this.nowMs += afterMs
    this.#note(this.zab.handle({ kind: 'tick' }, this.nowMs))
  }

  delivered(): readonly number[] {
    return this.effects.flatMap((effect) => (effect.kind === 'deliver' ? [effect.entry.zxid] : []))
  }

  persisted(): readonly string[] {
    return this.effects.flatMap((effect) => (effect.kind === 'persist' ? effect.records.map(({ kind }) => kind) : []))
  }

  #log(): Log {
    const at =
      (level: string) =>
      (event: string, fields: LogFields = {}) => {
        this.lines.push({ level, event, fields })
      }
    return { ...silentLog, warn: at('warn'), error: at('error') }
  }

  #note(effects: readonly ZabEffect[]): void {
    this.effects.push(...effects)
  }
}

describe('a learner that is offered a copy of the state', () => {
  const committed = history[1]!
  const held = {
    acceptedEpoch: epoch(1),
    currentEpoch: epoch(1),
    clusterId: 77 as ClusterId,
    committed: committed.zxid,
    committedHash: committed.hash,
  }
  const at = { copyId: 5, zxid: zxid(1, 9), hash: 7 as ChainHash, sizeBytes: 1 }

  function offered(recovered: Partial<RecoveredHistory> = held, offer = at): FedLearner {
    const learner = new FedLearner(recovered)
    learner.discover()
    learner.hear({ kind: 'checkpoint-offer', syncId: learner.syncId, ...offer })
    return learner
  }

  /** All chunks are stored: the copy is being finished. */
  function finishing(recovered: Partial<RecoveredHistory> = held, offer = at): FedLearner {
    const learner = offered(recovered, offer)
    learner.hear({ kind: 'checkpoint-chunk', syncId: learner.syncId, copyId: 5, number: 0, chunk: Uint8Array.of(1) })
    learner.answer({ kind: 'added', ticket: 1, number: 0, isGood: true })
    learner.hear({ kind: 'checkpoint-end', syncId: learner.syncId, copyId: 5, chunkCount: 1 })
    expect(learner.steps()).toEqual(['receive', 'add', 'finish'])
    return learner
  }

  const received = { kind: 'received', ticket: 1, zxid: at.zxid, hash: at.hash } as const
  const installed = { kind: 'install', zxid: at.zxid, hash: at.hash }

  test.each([zeroZxid, zxid(1, 1), committed.zxid])('a copy of what it has committed is refused: %i', (offeredZxid) => {
    const learner = offered(held, { ...at, zxid: offeredZxid })
    expect(learner.zab.state).toBe('looking')
    expect(learner.steps()).toEqual([])
  })

  test('a copy is refused that ends within what it may have acknowledged', () => {
    const uncommitted = { ...held, committed: zxid(1, 1), committedHash: history[0]!.hash, tail: history.slice(1) }
    for (const offeredZxid of [zxid(1, 2), zxid(1, 3)]) {
      const learner = offered(uncommitted, { ...at, zxid: offeredZxid })
      expect(learner.zab.state).toBe('looking')
      expect(learner.steps()).toEqual([])
    }
    expect(offered(uncommitted).steps()).toEqual(['receive'])
  })

  test('a copy may end before a tail that the leader does not have', () => {
    const other = historyOf([3, 1], 3, 1)
    const learner = new FedLearner({ ...held, committed: zeroZxid, committedHash: emptyChainHash, tail: other })
    learner.discover()
    learner.hear({ kind: 'sync-start', syncId: learner.syncId, zxid: zxid(1, 9), hash: 7 as ChainHash })
    expect(learner.sent('sync-from')).toMatchObject([{ zxid: zxid(1, 3) }])
    learner.hear({ kind: 'checkpoint-offer', syncId: learner.syncId, ...at })
    expect(learner.steps()).toEqual(['receive'])
  })

  test('a copy that was finished after its txns had come in another attempt is not installed', () => {
    const third = history[2]!
    const learner = finishing(held, { ...at, zxid: third.zxid, hash: third.hash })
    learner.loseLink()
    learner.meetAgain()
    learner.discover()
    learner.hear({ kind: 'sync-start', syncId: learner.syncId, zxid: committed.zxid, hash: committed.hash })
    learner.append(2, 4)
    learner.answer({ kind: 'received', ticket: 1, zxid: third.zxid, hash: third.hash })
    expect(learner.effects.filter(({ kind }) => kind === 'install')).toEqual([])
    expect(learner.zab.state).toBe('following')
    expect(learner.zab.lastZxid).toBe(zxid(1, 4))
  })

  test('the received copy is the history from which it goes on, and its log keeps the cluster id', () => {
    const learner = finishing()
    learner.answer(received)
    expect(learner.effects).toContainEqual(installed)
    expect(learner.effects).toContainEqual({ ...installed, kind: 'restart-log', clusterId: 77 })
    expect(learner.zab.lastZxid).toBe(at.zxid)
    expect(learner.sent('sync-from')).toMatchObject([{ zxid: at.zxid, hash: at.hash }])
    // The answer to a request that left before it was known where the copy ends.
    learner.hear({ kind: 'checkpoint-end', syncId: learner.syncId, copyId: 5, chunkCount: 2 })
    expect(learner.zab.state).toBe('following')
  })

  test('a copy that was finished while it looked is installed, and it votes with the later history', () => {
    const learner = finishing()
    learner.loseLink()
    learner.effects = []
    learner.answer(received)
    expect(learner.effects).toContainEqual(installed)
    expect(learner.zab.state).toBe('looking')
    expect(learner.zab.lastZxid).toBe(at.zxid)
  })

  test('a copy that was finished in another attempt ends that attempt, which named another history', () => {
    const learner = finishing()
    learner.loseLink()
    learner.meetAgain()
    learner.discover()
    learner.answer(received)
    expect(learner.effects).toContainEqual(installed)
    expect(learner.effects.at(-1)).not.toMatchObject({ kind: 'stop' })
    expect(learner.lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(learner.sent('follower-info')).toHaveLength(3)
    expect(learner.sent('follower-info').at(-1)).toMatchObject({ lastZxid: at.zxid })
  })

  test('while a copy is being finished, a leader of another cluster is not followed', () => {
    const learner = finishing({ acceptedEpoch: epoch(1) })
    learner.loseLink()
    learner.meetAgain()
    learner.hear({ kind: 'new-epoch', syncId: learner.syncId, epoch: epoch(2), clusterId: 78 as ClusterId })
    expect(learner.zab.state).toBe('looking')
  })

  test('a server without a cluster gives up what it has installed when it loses its leader', () => {
    const learner = finishing({ acceptedEpoch: epoch(1) })
    learner.answer(received)
    learner.effects = []
    learner.loseLink()
    expect(learner.effects).toContainEqual({ kind: 'install', zxid: zeroZxid, hash: emptyChainHash })
    expect(learner.zab.lastZxid).toBe(zeroZxid)
  })

  test('a copy that is refused ends the attempt, and the answer to a copy that was abandoned changes nothing', () => {
    const learner = finishing()
    learner.answer({ kind: 'refused', ticket: 1, reason: 'the digest differs' })
    expect(learner.zab.state).toBe('looking')
    expect(learner.lines.at(-1)).toMatchObject({ event: 'gave-up-following' })
    learner.answer(received)
    expect(learner.effects).not.toContainEqual(installed)
  })

  test('another copy replaces the one that was received in part', () => {
    const learner = offered()
    learner.loseLink()
    learner.meetAgain()
    learner.discover()
    learner.hear({ kind: 'checkpoint-offer', syncId: learner.syncId, ...at, copyId: 6 })
    expect(learner.steps()).toEqual(['receive', 'abort', 'receive'])
  })

  test('a copy that makes no progress is given up after initLimit, and one that is being stored is not', () => {
    const waiting = offered()
    waiting.tick(settings.initLimitMs)
    expect(waiting.zab.state).toBe('looking')
    const storing = finishing()
    for (let i = 0; i < 9; i++) storing.tick(settings.initLimitMs)
    expect(storing.zab.state).toBe('following')
  })

  test('txns in the middle of a copy are refused', () => {
    const learner = offered()
    learner.append(2, 3)
    expect(learner.zab.state).toBe('looking')
  })
})

describe('a learner whose history differs from the leader', () => {
  const tail = historyOf([3])
  const held = { acceptedEpoch: epoch(1), currentEpoch: epoch(1), clusterId: 77 as ClusterId, tail }

  test('a learner logs which txns it cuts from its log', () => {
    const learner = new FedLearner(held)
    learner.discover()
    learner.hear({ kind: 'sync-start', syncId: learner.syncId, zxid: tail[0]!.zxid, hash: tail[0]!.hash })
    const fields = { peerId: leader, firstZxid: '0x100000002', lastZxid: '0x100000003', txnCount: 2 }
    expect(learner.lines).toMatchObject([{ level: 'warn', event: 'history-cut', fields }])
    expect(learner.effects).toContainEqual({ kind: 'truncate-log', zxid: zxid(1, 1) })
  })

  test('a learner logs nothing when the leader starts at its last txn', () => {
    const learner = new FedLearner(held)
    learner.discover()
    learner.hear({ kind: 'sync-start', syncId: learner.syncId, zxid: tail[2]!.zxid, hash: tail[2]!.hash })
    expect(learner.zab.state).toBe('following')
    expect(learner.lines).toEqual([])
  })

  test('another txn with the zxid of its own is logged at error with both ways out, and nothing is cut', () => {
    const learner = new FedLearner(held)
    learner.discover()
    learner.hear({ kind: 'sync-start', syncId: learner.syncId, zxid: tail[2]!.zxid, hash: 1 as never })
    expect(learner.zab.state).toBe('looking')
    const fields = { peerId: leader, zxid: '0x100000003' }
    expect(learner.lines).toMatchObject([{ level: 'error', event: 'history-contradicted', fields }])
    const text = String(learner.lines[0]!.fields['text'])
    expect(text).toContain('If this server holds it: stop server')
    expect(text).toContain(`If server ${leader} holds it: do the same with this server`)
    expect(text).toContain('may be the only copy')
    expect(learner.effects.filter(({ kind }) => kind === 'truncate-log')).toEqual([])
  })
})

describe('a learner', () => {
  test('a stream that follows another zxid than its last is not logged', () => {
    const learner = new FedLearner()
    learner.startSync()
    learner.append(1, 2)
    expect(learner.zab.state).toBe('looking')
    expect(learner.persisted()).not.toContain('txn')
  })

  test('a stream that follows another history with the same zxid is not logged', () => {
    const learner = new FedLearner()
    learner.serve()
    const foreign = { previousZxid: entries[0]!.zxid, previousHash: 123 as typeof emptyChainHash }
    learner.hear({
      kind: 'append',
      syncId: learner.syncId,
      ...foreign,
      entries: entries.slice(1, 2),
      committed: zeroZxid,
    })
    expect(learner.zab.state).toBe('looking')
    expect(learner.zab.lastZxid).toBe(entries[0]!.zxid)
  })

  test('a batch with a gap inside, or of an epoch to come, is not logged', () => {
    for (const bad of [zxid(1, 3), zxid(2, 1)]) {
      const learner = new FedLearner()
      learner.startSync()
      const range = { previousZxid: zeroZxid, previousHash: emptyChainHash, committed: zeroZxid }
      const batch = [entries[0]!, { zxid: bad, payload: new Uint8Array(1) }]
      learner.hear({ kind: 'append', syncId: learner.syncId, ...range, entries: batch })
      expect(learner.zab.state).toBe('looking')
    }
  })

  test('an epoch older than the one it has accepted is joined without being counted, and the promise stays', () => {
    const learner = new FedLearner({ acceptedEpoch: epoch(4), acceptedLeader: leader })
    learner.discover()
    const persist = learner.effects.find((effect) => effect.kind === 'persist')
    expect(persist).toMatchObject({ records: [{ kind: 'accepted-epoch', epoch: 4, leader }] })
    expect(persist).toMatchObject({ whenDurable: [{ message: { kind: 'ack-epoch', countable: false } }] })
  })

  test('an epoch that it accepted from another leader is joined without being counted', () => {
    const learner = new FedLearner({ acceptedEpoch: epoch(1), acceptedLeader: self })
    learner.discover()
    const persist = learner.effects.find((effect) => effect.kind === 'persist')
    expect(persist).toMatchObject({ records: [{ kind: 'accepted-epoch', epoch: 1, leader: self }] })
    expect(persist).toMatchObject({ whenDurable: [{ message: { kind: 'ack-epoch', countable: false } }] })
  })

  test('a stream that ends before the announced zxid makes no epoch current', () => {
    const learner = new FedLearner()
    learner.startSync()
    learner.append(0, 1)
    const promised = { epoch: epoch(1), clusterId: 77 as ClusterId, lastZxid: entries[1]!.zxid }
    learner.hear({ kind: 'new-leader', syncId: learner.syncId, ...promised })
    expect(learner.zab.state).toBe('looking')
    expect(learner.persisted()).not.toContain('current-epoch')
  })

  test('messages of another attempt are ignored', () => {
    const learner = new FedLearner()
    learner.startSync()
    const before = learner.effects.length
    const range = { previousZxid: zxid(1, 2), previousHash: emptyChainHash, entries, committed: zxid(1, 3) }
    learner.hear({ kind: 'append', syncId: learner.syncId + 1, ...range })
    learner.hear({ kind: 'up-to-date', syncId: learner.syncId - 1, committed: zeroZxid, recordsMoves: true })
    expect(learner.effects.length).toBe(before)
    expect(learner.zab.state).toBe('following')
  })

  test('a commit beyond its history is carried out as far as the history goes', () => {
    const learner = new FedLearner()
    learner.serve()
    learner.hear({
      kind: 'heartbeat',
      syncId: learner.syncId,
      sequence: 1,
      committed: zxid(1, 3),
      digest: '',
      digestVersion: 0,
    })
    expect(learner.delivered()).toEqual([zxid(1, 1)])
    learner.append(1, 3, zxid(1, 2))
    expect(learner.delivered()).toEqual([zxid(1, 1), zxid(1, 2)])
  })

  test('a repeated commit delivers nothing again', () => {
    const learner = new FedLearner()
    learner.serve()
    for (let sequence = 1; sequence < 4; sequence++) {
      learner.hear({
        kind: 'heartbeat',
        syncId: learner.syncId,
        sequence,
        committed: zxid(1, 1),
        digest: '',
        digestVersion: 0,
      })
    }
    expect(learner.delivered()).toEqual([zxid(1, 1)])
  })

  test('a message that only learners send ends the attempt', () => {
    const learner = new FedLearner()
    learner.serve()
    learner.hear({ kind: 'ack', syncId: learner.syncId, durable: zeroZxid })
    expect(learner.zab.state).toBe('looking')
  })

  test('a synchronisation that makes no progress is given up', () => {
    const learner = new FedLearner()
    learner.startSync()
    learner.tick(settings.initLimitMs - 1)
    expect(learner.zab.state).toBe('following')
    learner.append(0, 1)
    learner.tick(settings.initLimitMs - 1)
    expect(learner.zab.state).toBe('following')
    learner.tick(2)
    expect(learner.zab.state).toBe('looking')
  })

  test('a closed link to the leader ends serving at once', () => {
    const learner = new FedLearner()
    learner.serve()
    learner.loseLink()
    expect(learner.zab.state).toBe('looking')
    expect(learner.effects.filter(({ kind }) => kind === 'stopped-serving')).toHaveLength(1)
  })

  test('a leader that is silent over an open link has dropped the learner, and is given up', () => {
    const learner = new FedLearner()
    learner.serve()
    for (let i = 0; i < 30; i++) {
      learner.tick(settings.heartbeatIntervalMs)
      learner.hear({
        kind: 'heartbeat',
        syncId: learner.syncId,
        sequence: i,
        committed: zeroZxid,
        digest: '',
        digestVersion: 0,
      })
    }
    expect(learner.zab.state).toBe('following')
    learner.tick(settings.initLimitMs + 1)
    expect(learner.zab.state).toBe('looking')
  })
})
