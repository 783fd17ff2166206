import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { foreignClusterReminderMs } from '../../src/base/limits.ts'
import type { LogFields } from '../../src/ports/log.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { chooseJoining, type DataName, describeForeignCluster, type Joining } from '../../src/zab/cluster-rule.ts'
import { isBetterCandidate, isMoreRecent } from '../../src/zab/vote-order.ts'
import { Zab } from '../../src/zab/zab.ts'
import type { ZabEffect } from '../../src/zab/zab-contract.ts'
import { epoch, historyOf, leader, nothingRecovered, settings, silentLog, zxid } from '../support/zab-settings.ts'

const [ours, theirs] = [65 as ClusterId, 66 as ClusterId]
const none = 0 as ClusterId

describe('which leader a server may follow', () => {
  const full = (clusterId: ClusterId): DataName => ({ clusterId, isEmpty: false })
  const empty = (clusterId: ClusterId): DataName => ({ clusterId, isEmpty: true })
  const rows: readonly (readonly [DataName, DataName, Joining])[] = [
    [empty(none), full(theirs), 'may-join'],
    [empty(none), empty(theirs), 'may-join'],
    [empty(ours), full(theirs), 'may-join'],
    [empty(ours), empty(theirs), 'may-join'],
    [full(none), full(theirs), 'may-join'],
    [full(none), empty(theirs), 'may-join'],
    [full(ours), full(ours), 'may-join'],
    [full(ours), empty(ours), 'may-join'],
    [full(ours), full(theirs), 'refuse'],
    [full(ours), empty(theirs), 'leader-must-yield'],
  ]
  test.each(rows)('case %#: a learner with %j and a leader with %j', (learner, leading, joining) => {
    expect(chooseJoining(learner, leading)).toBe(joining)
  })
})

describe('the order of candidates', () => {
  test('a history with txns is better than an empty one, whatever the epochs and ids', () => {
    const [some, nothing] = [zxid(1, 1), zxid(0, 0)]
    expect(isMoreRecent(epoch(1), some, epoch(9), nothing)).toBe(true)
    expect(isMoreRecent(epoch(9), nothing, epoch(1), some)).toBe(false)
    const [a, b] = [1 as ServerId, 3 as ServerId]
    const full = { id: a, epoch: epoch(1), zxid: some }
    const empty = { id: b, epoch: epoch(9), zxid: nothing }
    expect([isBetterCandidate(full, empty), isBetterCandidate(empty, full)]).toEqual([true, false])
  })
})

/** A server with txns of cluster `ours`, and messages by hand from a leader. */
class Holder {
  readonly zab: Zab
  readonly errors: LogFields[] = []
  effects: ZabEffect[] = []
  nowMs = 0

  constructor() {
    const log = { ...silentLog, error: (_event: string, fields: LogFields = {}) => void this.errors.push(fields) }
    const tail = historyOf([3])
    const recovered = { ...nothingRecovered, acceptedEpoch: epoch(1), currentEpoch: epoch(1), clusterId: ours, tail }
    this.zab = new Zab(settings, recovered, log)
    this.#note(this.zab.handle({ kind: 'start' }, 0))
    this.#note(this.zab.handle({ kind: 'peer-connected', peer: leader }, 0))
  }

  /** The leader announces itself and names its cluster. */
  meet(clusterId: ClusterId): void {
    const vote = { round: 1, leader, epoch: epoch(5), zxid: zxid(5, 1), cannotWin: false } as const
    this.#hear({ kind: 'message', from: leader, message: { kind: 'vote', state: 'leading', ...vote } })
    const info = this.effects.findLast((effect) => effect.kind === 'send' && effect.message.kind === 'follower-info')
    if (info?.kind !== 'send' || info.message.kind === 'vote') return
    const { syncId } = info.message
    this.#hear({ kind: 'message', from: leader, message: { kind: 'new-epoch', syncId, epoch: epoch(6), clusterId } })
  }

  tick(afterMs: number): void {
    this.nowMs += afterMs
    this.#note(this.zab.handle({ kind: 'tick' }, this.nowMs))
  }

  relink(): void {
    this.#note(this.zab.handle({ kind: 'peer-disconnected', peer: leader, wasSilent: false }, this.nowMs))
    this.#note(this.zab.handle({ kind: 'peer-connected', peer: leader }, this.nowMs))
  }

  #hear(event: Parameters<Zab['handle']>[0]): void {
    this.#note(this.zab.handle(event, this.nowMs))
  }

  #note(effects: readonly ZabEffect[]): void {
    this.effects.push(...effects)
  }
}

describe('a server that holds txns', () => {
  test('a leader of another cluster makes it change nothing on its disk, not even the accepted epoch', () => {
    const holder = new Holder()
    holder.meet(theirs)
    expect(holder.zab.state).toBe('looking')
    expect(holder.effects.filter(({ kind }) => kind === 'persist' || kind === 'truncate-log')).toEqual([])
    expect(holder.zab.lastZxid).toBe(zxid(1, 3))
  })

  test('a leader of its own cluster is followed', () => {
    const holder = new Holder()
    holder.meet(ours)
    expect(holder.zab.state).toBe('following')
  })

  test('the refusal of a leader is an error line with both clusters and the ways out, once a minute at most', () => {
    const holder = new Holder()
    holder.meet(theirs)
    expect(holder.errors).toMatchObject([{ peerId: leader, clusterId: '0x41', peerClusterId: '0x42' }])
    expect(holder.errors[0]!['text']).toBe(describeForeignCluster(leader, { own: ours, theirs }, false))
    holder.relink()
    holder.meet(theirs)
    expect(holder.errors).toHaveLength(1)
    holder.relink()
    holder.tick(foreignClusterReminderMs)
    holder.meet(theirs)
    expect(holder.errors).toHaveLength(2)
  })

  test('a leader of another cluster is not tried again over the same link, but over a new one', () => {
    const holder = new Holder()
    holder.meet(theirs)
    holder.tick(10 * settings.peerTimeoutMs)
    expect(holder.zab.state).toBe('looking')
    holder.relink()
    holder.meet(ours)
    expect(holder.zab.state).toBe('following')
  })
})
