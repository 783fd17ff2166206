/**
 * A leader's copies of its state for learners that its log cannot bring up (docs/internals/zab.md, step S0). Owns: who
 * waits for a copy and who receives one, and the copy itself, which all of them share. The copy stays open for a while
 * after its last use, so that a learner whose link broke goes on where it was. Assumes that the log after an open copy is
 * kept: a learner that has installed it continues from the log.
 */
import { assert } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'
import { hexOfZxid, type Zxid } from '../base/ids.ts'
import { copiesInsteadOfLogCountMax, copyChunksInFlightMax } from '../base/limits.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'
import type { HistoryPoint } from './history.ts'
import type { Learner } from './learner.ts'
import type { CopyAnswer, CopyStep } from './zab-contract.ts'
import type { ZabCore } from './zab-core.ts'

type Answer<K extends CopyAnswer['kind']> = Extract<CopyAnswer, { readonly kind: K }>
type Request = Extract<ZabMessage, { readonly kind: 'checkpoint-request' }>

type Copy =
  | { readonly kind: 'opening'; readonly copyId: number }
  | { readonly kind: 'open'; readonly copyId: number; readonly point: HistoryPoint; readonly sizeBytes: number }

export class CopySource {
  readonly #core: ZabCore
  readonly #waiting = new Set<Learner>()
  readonly #receiving = new Set<Learner>()
  #copy: Copy | null = null
  #copyCount = 0
  #usedAtMs = 0
  /** The latest beginning of the log that a read of it has reported. */
  #logBegin = 0 as Zxid
  readonly #requestCounts = new Map<ServerId, number>()
  #hasFailed = false

  constructor(core: ZabCore) {
    this.#core = core
  }

  /**
   * Whether a learner that the log can bring up may get a copy instead. Not where that has failed, or has been tried often:
   * the log needs less of both servers. And not if the open copy has nothing that it lacks.
   */
  mayReplaceLog({ id, last }: Learner): boolean {
    if (this.#hasFailed || (this.#requestCounts.get(id) ?? 0) >= copiesInsteadOfLogCountMax) return false
    return this.#copy?.kind !== 'open' || this.#copy.point.zxid > last!.zxid
  }

  /**
   * The log begins after `oldest`, or a copy is quicker; the learner needs txns from before. False: the open copy has nothing
   * that the learner lacks, so the log brings it up.
   */
  request(learner: Learner, oldest: HistoryPoint): boolean {
    if (oldest.zxid > this.#logBegin) this.#logBegin = oldest.zxid
    if (this.#copy?.kind === 'open' && learner.last!.zxid >= this.#copy.point.zxid) return false
    this.#requestCounts.set(learner.id, (this.#requestCounts.get(learner.id) ?? 0) + 1)
    learner.phase = 'awaiting-copy'
    this.#waiting.add(learner)
    this.#offerNext()
    if (learner.phase === 'awaiting-copy') this.#sendWait(learner)
    return true
  }

  /**
   * Returns the learners that have all of the copy, and no longer wait: the log brings them up. A copy that is opened late may
   * be older than the checkpoint for which they wait. It would take txns from them that they have acknowledged.
   */
  opened(answer: Answer<'opened'>): readonly Learner[] {
    const { copyId, zxid, hash, sizeBytes } = answer
    if (this.#copy?.copyId !== copyId) return []
    assert(zxid >= this.#logBegin, 'the log begins at or before the checkpoint', { zxid, logBegin: this.#logBegin })
    this.#copy = { kind: 'open', copyId, point: { zxid, hash }, sizeBytes }
    const withAll = [...this.#waiting].filter(({ last }) => last!.zxid >= zxid)
    for (const learner of withAll) this.#waiting.delete(learner)
    this.#offerNext()
    return withAll
  }

  /**
   * `learners` wait for the copy: they cannot be brought up now. `isAgain`: an earlier copy of this leader has failed, too.
   * Since then only learners that the log cannot bring up get here, so another try would not help them.
   */
  failed({ copyId }: Answer<'failed'>): { readonly learners: readonly Learner[]; readonly isAgain: boolean } {
    if (this.#copy?.copyId !== copyId) return { learners: [], isAgain: false }
    const isAgain = this.#hasFailed
    this.#copy = null
    this.#hasFailed = true
    return { learners: [...this.#waiting, ...this.#receiving], isAgain }
  }

  /** Returns why the learner is dropped, or null. */
  receiveRequest(learner: Learner, { copyId, number }: Request): string | null {
    if (!this.#receiving.has(learner)) return `it asked for a chunk while ${learner.phase}`
    if (this.#copy?.kind !== 'open' || this.#copy.copyId !== copyId) return 'it asked for a copy that is closed'
    if (learner.chunkReadsCount >= copyChunksInFlightMax) return 'it asked for too many chunks at once'
    learner.chunkReadsCount++
    this.#usedAtMs = this.#core.nowMs
    this.#step({ kind: 'read', copyId, number, learner: learner.id, syncId: learner.syncId })
    return null
  }

  chunkRead(learner: Learner, { copyId, number, chunk }: Answer<'chunk'>): void {
    if (!this.#receiving.has(learner)) return
    learner.chunkReadsCount--
    const { id, syncId } = learner
    if (chunk !== null) return this.#core.send(id, { kind: 'checkpoint-chunk', syncId, copyId, number, chunk })
    this.#core.send(id, { kind: 'checkpoint-end', syncId, copyId, chunkCount: number })
  }

  /** The learner has installed the copy, or is no longer a learner. */
  release(learner: Learner): void {
    this.#waiting.delete(learner)
    if (!this.#receiving.delete(learner)) return
    this.#usedAtMs = this.#core.nowMs
    this.#offerNext()
  }

  /**
   * With each heartbeat: a learner that waits for its turn, or for a chunk at the limited rate, must not take this leader
   * for one that has dropped it.
   */
  sendWaits(): void {
    for (const learner of this.#waiting) this.#sendWait(learner)
    for (const learner of this.#receiving) if (learner.chunkReadsCount > 0) this.#sendWait(learner)
  }

  tick(): void {
    const { nowMs, settings } = this.#core
    if (this.#copy?.kind !== 'open' || this.#receiving.size > 0 || this.#waiting.size > 0) return
    if (nowMs >= this.#usedAtMs + settings.initLimitMs) this.close()
  }

  close(): void {
    if (this.#copy !== null) this.#step({ kind: 'close', copyId: this.#copy.copyId })
    this.#copy = null
  }

  #offerNext(): void {
    const { settings } = this.#core
    while (this.#waiting.size > 0 && this.#receiving.size < settings.copiesAtOnceMax) {
      if (this.#copy === null) return this.#open()
      if (this.#copy.kind === 'opening') return
      const learner = this.#next()
      this.#waiting.delete(learner)
      this.#receiving.add(learner)
      this.#usedAtMs = this.#core.nowMs
      this.#offer(learner, this.#copy)
    }
  }

  #open(): void {
    const { incarnation } = this.#core
    const copyId = incarnation * 2 ** 20 + ++this.#copyCount
    this.#copy = { kind: 'opening', copyId }
    this.#step({ kind: 'open', copyId })
  }

  #offer(learner: Learner, { copyId, point, sizeBytes }: Extract<Copy, { kind: 'open' }>): void {
    learner.phase = 'receiving-copy'
    const { id, syncId } = learner
    const { zxid, hash } = point
    this.#core.log.info('checkpoint-offered', { peerId: id, zxid: hexOfZxid(zxid), sizeBytes })
    this.#core.send(id, { kind: 'checkpoint-offer', syncId, copyId, zxid, hash, sizeBytes })
  }

  /** A voter before a server without a vote, whose absence costs no quorum (ZK throttles only these). */
  #next(): Learner {
    const all = [...this.#waiting]
    return all.find(({ id }) => this.#core.membership.isVoter(id)) ?? all[0]!
  }

  #sendWait({ id, syncId }: Learner): void {
    this.#core.send(id, { kind: 'checkpoint-wait', syncId })
  }

  #step(step: CopyStep): void {
    this.#core.out.push({ kind: 'copy-step', step })
  }
}
