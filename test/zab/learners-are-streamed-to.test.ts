import { describe, expect, test } from 'vitest'
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import { zeroZxid } from '../../src/base/ids.ts'
import { proposalBatchSizeBytesMax, syncWindowSizeBytesMax } from '../../src/base/limits.ts'
import type { ZabMessage } from '../../src/protocol/peer/peer-message.ts'
import { Learner } from '../../src/zab/learner.ts'
import { LearnerStreams } from '../../src/zab/learner-streams.ts'
import type { RecoveredHistory } from '../../src/zab/zab-contract.ts'
import { ZabCore } from '../../src/zab/zab-core.ts'
import { historyOf, nothingRecovered, other, settings, silentLog, zxid } from '../support/zab-settings.ts'

type Append = Extract<ZabMessage, { readonly kind: 'append' }>
const point = { zxid: zeroZxid, hash: emptyChainHash }

function streamTo(recovered: Partial<RecoveredHistory>, last = point) {
  const core = new ZabCore(settings, { ...nothingRecovered, ...recovered }, silentLog)
  const streams = new LearnerStreams(core)
  const learner = new Learner(other, 42, true)
  learner.last = last
  const sent = (): readonly ZabMessage[] =>
    core.out.splice(0).flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []))
  const appends = (): readonly Append[] => sent().filter((message): message is Append => message.kind === 'append')
  return { core, streams, learner, sent, appends }
}

describe('window of a learner', () => {
  test('the window is full at its size and opens when the learner acknowledges', () => {
    const learner = new Learner(other, 42, true)
    learner.noteSent({ zxid: zxid(1, 1), hash: emptyChainHash }, syncWindowSizeBytesMax - 1)
    expect(learner.windowIsFull).toBe(false)
    learner.noteSent({ zxid: zxid(1, 2), hash: emptyChainHash }, 1)
    expect(learner.windowIsFull).toBe(true)
    learner.noteAcked(zeroZxid)
    expect(learner.windowIsFull).toBe(true)
    learner.noteAcked(zxid(1, 1))
    expect(learner.windowIsFull).toBe(false)
  })

  test('a late acknowledgement does not lower what is acknowledged', () => {
    const learner = new Learner(other, 42, true)
    learner.noteAcked(zxid(1, 5))
    learner.noteAcked(zxid(1, 3))
    expect(learner.acked).toBe(zxid(1, 5))
  })
})

describe('stream to a learner', () => {
  test('a stream starts where the histories meet', () => {
    const entries = historyOf([4, 2])
    const { streams, learner, sent } = streamTo({ tail: entries }, { zxid: zxid(1, 9), hash: emptyChainHash })
    expect(streams.start(learner, false)).toBeNull()
    expect(sent()).toEqual([{ kind: 'sync-start', syncId: 42, zxid: zxid(1, 4), hash: entries[3]!.hash }])
  })

  test('a learner whose history differs at its end is refused', () => {
    const entries = historyOf([4])
    const { core, streams, learner, sent } = streamTo({ tail: entries }, { zxid: zxid(1, 2), hash: 1 as never })
    expect(streams.start(learner, false)).toContain("differs from the leader's")
    // It gets the leader's hash at that point, and nothing else.
    expect(sent()).toEqual([{ kind: 'sync-start', syncId: 42, zxid: zxid(1, 2), hash: entries[1]!.hash }])
    expect(learner.phase).not.toBe('streaming')
    expect(streams.advance(learner, core.committed)).toBe(false)
    expect(sent()).toEqual([])
  })

  test('a stream pauses while the window is full and continues after an acknowledgement', () => {
    const count = syncWindowSizeBytesMax / proposalBatchSizeBytesMax + 3
    const { streams, learner, sent, appends } = streamTo({ tail: historyOf([count], proposalBatchSizeBytesMax) })
    streams.start(learner, false)
    sent()
    expect(streams.advance(learner, zeroZxid)).toBe(false)
    const first = appends()
    expect(first).toHaveLength(syncWindowSizeBytesMax / proposalBatchSizeBytesMax)
    expect(streams.advance(learner, zeroZxid)).toBe(false)
    expect(appends()).toEqual([])
    learner.noteAcked(first.at(-1)!.entries.at(-1)!.zxid)
    expect(streams.advance(learner, zeroZxid)).toBe(true)
    const rest = appends()
    expect(rest).toHaveLength(3)
    expect(rest[0]!.previousZxid).toBe(first.at(-1)!.entries.at(-1)!.zxid)
  })

  test('each piece names its predecessor by zxid and hash', () => {
    const entries = historyOf([3], proposalBatchSizeBytesMax)
    const { streams, learner, sent, appends } = streamTo({ tail: entries })
    streams.start(learner, false)
    sent()
    streams.advance(learner, zeroZxid)
    expect(appends().map(({ previousZxid, previousHash }) => [previousZxid, previousHash])).toEqual([
      [zeroZxid, emptyChainHash],
      [entries[0]!.zxid, entries[0]!.hash],
      [entries[1]!.zxid, entries[1]!.hash],
    ])
  })

  test('a learner that is not yet in step gets no commits', () => {
    const { core, streams, learner, sent, appends } = streamTo({ tail: historyOf([2]) })
    core.commitUpTo(zxid(1, 2))
    streams.start(learner, false)
    sent()
    streams.advance(learner, core.committed)
    expect(appends().map(({ committed }) => committed)).toEqual([zeroZxid])
    learner.phase = 'synced'
    streams.advance(learner, core.committed)
    expect(appends()).toMatchObject([{ entries: [], committed: zxid(1, 2) }])
    streams.advance(learner, core.committed)
    expect(appends()).toEqual([])
  })

  test('txns that are no longer in memory are read from the log, one piece at a time', () => {
    const entries = historyOf([6])
    const base = entries[3]!
    const { core, streams, learner, appends } = streamTo({
      committed: base.zxid,
      committedHash: base.hash,
      tail: entries.slice(4),
    })
    expect(streams.start(learner, false)).toBeNull()
    expect(core.out).toMatchObject([{ kind: 'read-log', ticket: learner.readTicket, after: zeroZxid }])
    expect(streams.advance(learner, zeroZxid)).toBe(false)
    core.out = []
    const read = { ticket: learner.readTicket!, start: point, entries: entries.slice(0, 3) }
    expect(streams.logRead(learner, read)).toBeNull()
    expect(appends().flatMap(({ entries: sent }) => sent)).toHaveLength(3)
    streams.advance(learner, zeroZxid)
    expect(core.out).toMatchObject([{ kind: 'read-log', after: zxid(1, 3) }])
  })

  test('a learner that needs removed txns is given up with the reason', () => {
    const entries = historyOf([6])
    const oldest = { zxid: entries[3]!.zxid, hash: entries[3]!.hash }
    const recovered = { committed: entries[5]!.zxid, committedHash: entries[5]!.hash }
    const locating = streamTo(recovered)
    locating.streams.start(locating.learner, false)
    const atOnce = locating.streams.logRead(locating.learner, {
      ticket: locating.learner.readTicket!,
      start: null,
      oldest,
    })
    expect(atOnce).toContain("needs the txns after 0x0, and the leader's log begins after 0x100000004")
    expect(locating.learner.readTicket).toBeNull()
    expect(locating.appends()).toEqual([])

    const streaming = streamTo(recovered)
    const { streams, learner } = streaming
    streams.start(learner, false)
    streams.logRead(learner, { ticket: learner.readTicket!, start: point, entries: entries.slice(0, 2) })
    streams.advance(learner, zeroZxid)
    expect(streams.logRead(learner, { ticket: learner.readTicket!, start: null, oldest })).toContain(
      'after 0x100000002',
    )
  })

  test('a log that no longer has the point that the stream has reached ends the attempt', () => {
    const entries = historyOf([6])
    const { streams, learner } = streamTo({ committed: entries[5]!.zxid, committedHash: entries[5]!.hash })
    streams.start(learner, false)
    streams.logRead(learner, { ticket: learner.readTicket!, start: point, entries: entries.slice(0, 2) })
    streams.advance(learner, zeroZxid)
    const purged = { zxid: entries[3]!.zxid, hash: entries[3]!.hash }
    const read = { ticket: learner.readTicket!, start: purged, entries: entries.slice(4) }
    expect(streams.logRead(learner, read)).toContain('no longer has the point 0x100000002')
  })
})
