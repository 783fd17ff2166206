/** Who gets a copy of the leader's state, when, and for how long it stays open. */
import { expect, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import { copiesInsteadOfLogCountMax, copyChunksInFlightMax, handOverForCopyMs } from '../../src/base/limits.ts'
import { Membership } from '../../src/membership/membership.ts'
import { CopySource } from '../../src/zab/copy-source.ts'
import { Learner } from '../../src/zab/learner.ts'
import { ZabCore } from '../../src/zab/zab-core.ts'
import { leader, nothingRecovered, other, self, settings, silentLog, zxid } from '../support/zab-settings.ts'

const oldest = { zxid: zxid(1, 3), hash: emptyChainHash }
const point = { zxid: zxid(1, 4), hash: 7 as ChainHash }
const observer = 9 as ServerId

function source(copiesAtOnceMax = 1) {
  const membership = Membership.ofMajority([self, leader, other], [observer])
  const core = new ZabCore({ ...settings, membership, copiesAtOnceMax }, nothingRecovered, silentLog)
  const copies = new CopySource(core)
  const learnerOf = (id: ServerId, last = zxid(1, 1)): Learner =>
    Object.assign(new Learner(id, id * 10, true), { last: { zxid: last, hash: emptyChainHash } })
  /** The effects since the last call, a word each: a step, or a message and its receiver. */
  const effects = (): readonly string[] =>
    core.out.splice(0).map((effect) => {
      if (effect.kind === 'copy-step') return effect.step.kind
      return effect.kind === 'send' ? `${effect.message.kind} to ${effect.to}` : effect.kind
    })
  const opened = (copyId: number): readonly Learner[] =>
    copies.opened({ kind: 'opened', copyId, ...point, sizeBytes: 1 })
  const copyId = (count = 1): number => core.incarnation * 2 ** 20 + count
  return { core, copies, learnerOf, effects, opened, copyId }
}

test('one copy is opened for all learners, and a voter gets it before a server without a vote', () => {
  const { copies, learnerOf, effects, opened, copyId } = source()
  const [first, second, third] = [learnerOf(observer), learnerOf(other), learnerOf(leader)]
  for (const learner of [first, second, third]) copies.request(learner, oldest)
  expect(effects()).toEqual(['open', ...[observer, other, leader].map((id) => `checkpoint-wait to ${id}`)])
  opened(copyId())
  expect(effects()).toEqual([`checkpoint-offer to ${other}`])
  copies.sendWaits()
  expect(effects()).toEqual([`checkpoint-wait to ${observer}`, `checkpoint-wait to ${leader}`])
  copies.release(second)
  expect(effects()).toEqual([`checkpoint-offer to ${leader}`])
  copies.release(third)
  expect(effects()).toEqual([`checkpoint-offer to ${observer}`])
})

test('a learner that waits for a chunk is sent that it waits, until the chunk is read', () => {
  const { copies, learnerOf, effects, opened, copyId } = source()
  const learner = learnerOf(other)
  copies.request(learner, oldest)
  opened(copyId())
  const of = { copyId: copyId(), number: 0 }
  copies.receiveRequest(learner, { kind: 'checkpoint-request', syncId: 1, ...of })
  effects()
  copies.sendWaits()
  expect(effects()).toEqual([`checkpoint-wait to ${other}`])
  copies.chunkRead(learner, { kind: 'chunk', ...of, learner: other, syncId: learner.syncId, chunk: Uint8Array.of(1) })
  expect(effects()).toEqual([`checkpoint-chunk to ${other}`])
  copies.sendWaits()
  expect(effects()).toEqual([])
})

test('as many learners receive at once as the setting allows', () => {
  const { copies, learnerOf, effects, opened, copyId } = source(2)
  for (const id of [leader, other, observer]) copies.request(learnerOf(id), oldest)
  effects()
  opened(copyId())
  expect(effects()).toEqual([`checkpoint-offer to ${leader}`, `checkpoint-offer to ${other}`])
})

test('a learner that the log can bring up may get a copy, unless copies have failed or the learner has had several', () => {
  const { copies, learnerOf, opened, copyId, core } = source()
  const at = (zxidOfLast: Zxid): Learner => Object.assign(learnerOf(other), { last: { ...point, zxid: zxidOfLast } })
  expect(copies.mayReplaceLog(at(zxid(1, 1)))).toBe(true)
  const learner = at(zxid(1, 3))
  copies.request(learner, oldest)
  opened(copyId())
  // The open copy is at zxid (1, 4).
  expect(copies.mayReplaceLog(at(zxid(1, 3)))).toBe(true)
  expect(copies.mayReplaceLog(at(zxid(1, 4)))).toBe(false)
  for (let count = 1; count < copiesInsteadOfLogCountMax; count++) {
    expect(copies.mayReplaceLog(at(zxid(1, 3)))).toBe(true)
    copies.release(learner)
    copies.request(learner, oldest)
  }
  expect(copies.mayReplaceLog(at(zxid(1, 3)))).toBe(false)
  const third = Object.assign(learnerOf(leader), { last: { ...point, zxid: zxid(1, 1) } })
  expect(copies.mayReplaceLog(third)).toBe(true)
  copies.failed({ kind: 'failed', copyId: copyId(), reason: 'a test' })
  expect(copies.mayReplaceLog(third)).toBe(false)
  expect(new CopySource(core).mayReplaceLog(third)).toBe(true)
})

test('a copy stays open for initLimit after its last use, so that a learner which comes back goes on with it', () => {
  const { core, copies, learnerOf, effects, opened, copyId } = source()
  const learner = learnerOf(other)
  copies.request(learner, oldest)
  opened(copyId())
  effects()
  core.nowMs = 10 * settings.initLimitMs
  copies.tick()
  expect(effects()).toEqual([])
  copies.release(learner)
  core.nowMs += settings.initLimitMs - 1
  copies.tick()
  copies.request(learnerOf(leader), oldest)
  expect(effects()).toEqual([`checkpoint-offer to ${leader}`])
})

test('an idle copy is closed, and the next learner gets another one', () => {
  const { core, copies, learnerOf, effects, opened, copyId } = source()
  const learner = learnerOf(other)
  copies.request(learner, oldest)
  opened(copyId())
  copies.release(learner)
  effects()
  core.nowMs += settings.initLimitMs
  copies.tick()
  copies.tick()
  expect(effects()).toEqual(['close'])
  copies.request(learnerOf(observer), oldest)
  expect(effects()).toEqual(['open', `checkpoint-wait to ${observer}`])
  opened(copyId()) // of the one that was closed
  expect(effects()).toEqual([])
  opened(copyId(2))
  expect(effects()).toEqual([`checkpoint-offer to ${observer}`])
})

test('a learner that has all of the copy is not offered it, whether the copy is opened before or after', () => {
  const { copies, learnerOf, effects, opened, copyId } = source(5)
  const [without, withAll, withMore] = [
    learnerOf(other),
    learnerOf(leader, zxid(1, 4)),
    learnerOf(observer, zxid(1, 6)),
  ]
  for (const learner of [without, withAll, withMore]) expect(copies.request(learner, oldest)).toBe(true)
  effects()
  expect(opened(copyId())).toEqual([withAll, withMore])
  expect(effects()).toEqual([`checkpoint-offer to ${other}`])
  expect([copies.request(withAll, oldest), copies.request(withMore, oldest)]).toEqual([false, false])
  copies.release(without)
  copies.sendWaits()
  expect(effects()).toEqual([])
})

test('a learner that asks for what it may not have is given up with the reason', () => {
  const { copies, learnerOf, opened, copyId } = source()
  const learner = learnerOf(other)
  const ask = (id: number, number = 0): string | null =>
    copies.receiveRequest(learner, { kind: 'checkpoint-request', syncId: 1, copyId: id, number })
  expect(ask(copyId())).toContain('while joined')
  copies.request(learner, oldest)
  opened(copyId())
  expect(ask(copyId(2))).toContain('a copy that is closed')
  for (let number = 0; number < copyChunksInFlightMax; number++) expect(ask(copyId(), number)).toBeNull()
  expect(ask(copyId(), copyChunksInFlightMax)).toContain('too many chunks at once')
})

test('a copy that cannot be opened leaves its learners to be dropped, and the next one opens another', () => {
  const { copies, learnerOf, effects, copyId } = source()
  const learner = learnerOf(other)
  copies.request(learner, oldest)
  const failed = (count: number): unknown => copies.failed({ kind: 'failed', copyId: copyId(count), reason: '' })
  expect(failed(9)).toEqual({ learners: [], isAgain: false })
  expect(failed(1)).toEqual({ learners: [learner], isAgain: false })
  copies.release(learner)
  effects()
  copies.request(learnerOf(leader), oldest)
  expect(effects()).toEqual(['open', `checkpoint-wait to ${leader}`])
})

test('a chunk for a learner that is gone is not sent', () => {
  const { copies, learnerOf, effects, opened, copyId } = source()
  const learner = learnerOf(other)
  copies.request(learner, oldest)
  opened(copyId())
  copies.receiveRequest(learner, { kind: 'checkpoint-request', syncId: 1, copyId: copyId(), number: 0 })
  copies.release(learner)
  effects()
  const of = { copyId: copyId(), number: 0, learner: other, syncId: learner.syncId }
  copies.chunkRead(learner, { kind: 'chunk', ...of, chunk: Uint8Array.of(1) })
  expect(effects()).toEqual([])
})

test('a checkpoint from before the log breaks an invariant', () => {
  const { copies, learnerOf, opened, copyId } = source()
  copies.request(learnerOf(other), { zxid: zxid(1, 5), hash: emptyChainHash })
  expect(() => opened(copyId())).toThrow('the log begins at or before the checkpoint')
})

test('a leader may hand over for want of a copy once in a while, and roles do not count', () => {
  const { core } = source()
  core.nowMs = 1_000
  expect([core.mayHandOverForCopy(), core.mayHandOverForCopy()]).toEqual([true, false])
  core.nextIncarnation() // another role
  core.nowMs += handOverForCopyMs - 1
  expect(core.mayHandOverForCopy()).toBe(false)
  core.nowMs += 1
  expect(core.mayHandOverForCopy()).toBe(true)
})
