/**
 * Performs the steps of copies of the state (CopyStep): on a leader it reads chunks of its checkpoint at a limited rate. On a
 * learner it stores each chunk, and loads the state from the chunk before meanwhile; the copy becomes the checkpoint of this
 * server once the whole state was loaded and has the right digest. Owns: the open copies, the copy that is being received,
 * and what is kept of the log for learners. A learner waits while its disk is full. Any other failure ends the transfer
 * with a reason.
 */
import { assertNever } from '../../base/assert.ts'
import { hexOfZxid, type Zxid, zeroZxid } from '../../base/ids.ts'
import { diskFullRetryMs } from '../../base/limits.ts'
import { err, type Result } from '../../base/result.ts'
import type { CheckpointCopy, CheckpointFacts, CheckpointReceiver, Checkpoints } from '../../ports/checkpoints.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { Timers } from '../../ports/timers.ts'
import type { StateContents } from '../../replica/applying/replicated-state.ts'
import type { ReplicaEvent } from '../../replica/contract.ts'
import { isDiskFull } from '../../storage/disk-space.ts'
import type { CopyStep } from '../../zab/zab-contract.ts'
import type { Turn } from '../turn.ts'
import type { TransferPace } from './transfer-pace.ts'

/** Makes a state from the chunks of a copy, which are added in order (CheckpointLoader). The errors say what is wrong with it. */
export interface CopyLoader {
  add(chunk: Uint8Array): string | null
  finish(): Result<StateContents & { readonly facts: CheckpointFacts }, string>
}

/** What the transfers use of the checkpoint of this server. */
export interface CheckpointAccess {
  readonly checkpoints: Checkpoints
  /** A copy for a learner. */
  readonly copy: () => Promise<CheckpointCopy>
  /** For a copy whose chunks have been checked. */
  readonly newLoader: () => CopyLoader
  /** The log after this zxid is kept until the returned function is called. */
  readonly holdLog: (after: Zxid) => () => void
  /** The log has restarted at this checkpoint, which was received; null: from nothing, and there is no checkpoint. */
  readonly replaced: (facts: CheckpointFacts | null) => void
}

export interface CheckpointTransfersOptions {
  /** Null: this server keeps no checkpoint. */
  readonly access: CheckpointAccess | null
  readonly turn: Pick<Turn, 'feed' | 'isStopped'>
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly pace: TransferPace
}

type Step<K extends CopyStep['kind']> = Extract<CopyStep, { readonly kind: K }>
type Answer = Extract<ReplicaEvent, { readonly kind: 'copy-answer' }>['answer']

interface OpenCopy {
  /** Null while it is being opened. */
  copy: CheckpointCopy | null
  release: () => void
}

interface Receipt {
  readonly ticket: number
  readonly receiver: Promise<CheckpointReceiver>
  readonly loader: CopyLoader
  stored: Uint8Array | null // the last chunk that was stored, which is not loaded yet
  readonly beganAtMs: number
  sizeBytes: number // of the chunks that were stored
}

const noCheckpoints = 'this server keeps no checkpoint'

export class CheckpointTransfers {
  readonly #options: CheckpointTransfersOptions
  readonly #copies = new Map<number, OpenCopy>()
  #releaseLog: () => void = () => {}
  #receipt: Receipt | null = null
  #received: CheckpointFacts | null = null // of the last copy that became the checkpoint of this server
  #isDiskFull = false

  constructor(options: CheckpointTransfersOptions) {
    this.#options = options
  }

  run(step: CopyStep): void {
    const { access } = this.#options
    switch (step.kind) {
      case 'open':
        if (access === null) return this.#answer({ kind: 'failed', copyId: step.copyId, reason: noCheckpoints })
        void this.#open(step, access)
        return
      case 'read':
        void this.#read(step)
        return
      case 'close':
        void this.#close(step.copyId)
        return
      case 'hold-log':
        return this.#holdLog(step.after)
      case 'receive':
        if (access === null) return this.#answer({ kind: 'refused', ticket: step.ticket, reason: noCheckpoints })
        return this.#receive(step.ticket, access)
      case 'add':
        void this.#add(step)
        return
      case 'finish':
        void this.#finish(step.ticket)
        return
      case 'abort':
        if (this.#receipt?.ticket === step.ticket) void this.#abort()
        return
      default:
        assertNever(step)
    }
  }

  /** A restart of the log at `zxid` is durable; 0: the checkpoint was discarded, too. */
  logRestarted(zxid: Zxid): void {
    const facts = this.#received?.zxid === zxid ? this.#received : null
    if (facts !== null || zxid === 0) this.#options.access?.replaced(facts)
  }

  /** When the server closes: nothing is read or stored after it resolves; null: nothing is now. */
  close(): Promise<unknown> | null {
    this.#holdLog(null)
    if (this.#copies.size === 0 && this.#receipt === null) return null
    return Promise.all([...[...this.#copies.keys()].map((copyId) => this.#close(copyId)), this.#abort()])
  }

  // --- on a leader ---

  async #open({ copyId }: Step<'open'>, access: CheckpointAccess): Promise<void> {
    // Until the zxid of the copy is known, the whole log is kept.
    const open: OpenCopy = { copy: null, release: access.holdLog(zeroZxid) }
    this.#copies.set(copyId, open)
    try {
      const copy = await access.copy()
      const { zxid, hash } = copy.facts
      const release = access.holdLog(zxid)
      open.release()
      open.release = release
      open.copy = copy
      const sizeBytes = await access.checkpoints.sizeBytes()
      if (this.#copies.get(copyId) === open) this.#answer({ kind: 'opened', copyId, zxid, hash, sizeBytes })
      else await this.#release(open) // closed meanwhile
    } catch (cause) {
      // Closed meanwhile: `#close` did not know what was opened since.
      if (this.#copies.get(copyId) !== open) await this.#release(open)
      else this.#fail(copyId, cause)
    }
  }

  async #read({ copyId, number, learner, syncId }: Step<'read'>): Promise<void> {
    const open = this.#copies.get(copyId)
    if (open === undefined || open.copy === null) return
    try {
      const chunk = await open.copy.chunk(number)
      const give = (): void => {
        if (this.#copies.get(copyId) !== open) return
        this.#answer({ kind: 'chunk', copyId, number, learner, syncId, chunk })
      }
      this.#options.pace.add({ sizeBytes: chunk?.length ?? 0, reader: `learner ${learner}`, attempt: syncId, give })
    } catch (cause) {
      this.#fail(copyId, cause)
    }
  }

  #fail(copyId: number, cause: unknown): void {
    const { log } = this.#options
    const reason = reasonOf(cause)
    if (!this.#copies.has(copyId)) return // closed meanwhile
    log.error('checkpoint-copy-failed', { err: cause })
    void this.#close(copyId)
    this.#answer({ kind: 'failed', copyId, reason })
  }

  async #close(copyId: number): Promise<void> {
    const open = this.#copies.get(copyId)
    this.#copies.delete(copyId)
    if (open !== undefined) await this.#release(open)
  }

  async #release({ copy, release }: OpenCopy): Promise<void> {
    release()
    await copy?.close().catch((cause: unknown) => this.#options.log.warn('checkpoint-copy-not-closed', { err: cause }))
  }

  #holdLog(after: Zxid | null): void {
    const { access } = this.#options
    const release = this.#releaseLog
    this.#releaseLog = after === null || access === null ? () => {} : access.holdLog(after)
    release()
  }

  // --- on a learner ---

  #receive(ticket: number, { checkpoints, newLoader }: CheckpointAccess): void {
    const { log, clock } = this.#options
    const receiver = this.#afterDiskFull(() => checkpoints.receive(), ticket)
    receiver.catch(() => {}) // the first `add` reports it
    const beganAtMs = clock.monotonicMs()
    this.#receipt = { ticket, receiver, loader: newLoader(), stored: null, beganAtMs, sizeBytes: 0 }
    log.info('checkpoint-receiving')
  }

  async #add({ ticket, number, chunk }: Step<'add'>): Promise<void> {
    const receipt = this.#receipt
    if (receipt?.ticket !== ticket) return
    try {
      const receiver = await receipt.receiver
      const adding = this.#afterDiskFull(() => receiver.add(number, chunk), ticket)
      const problem = this.#loadStored(receipt)
      const isGood = await adding
      if (this.#receipt !== receipt) return
      if (problem !== null) return await this.#refuse(ticket, problem)
      if (isGood) {
        receipt.stored = chunk
        receipt.sizeBytes += chunk.length
      } else this.#options.log.warn('checkpoint-chunk-damaged', { number })
      this.#answer({ kind: 'added', ticket, number, isGood })
    } catch (cause) {
      if (this.#receipt === receipt) await this.#refuse(ticket, reasonOf(cause))
    }
  }

  /** Returns what is wrong with the copy, or null. */
  #loadStored(receipt: Receipt): string | null {
    const chunk = receipt.stored
    receipt.stored = null
    const problem = chunk === null ? null : receipt.loader.add(chunk)
    return problem === null ? null : notUsable(problem)
  }

  async #finish(ticket: number): Promise<void> {
    const receipt = this.#receipt
    if (receipt?.ticket !== ticket) return
    try {
      const receiver = await receipt.receiver
      const problem = this.#loadStored(receipt)
      const loaded = problem === null ? receipt.loader.finish() : err(problem)
      if (!loaded.ok) return await this.#refuse(ticket, problem ?? notUsable(loaded.error))
      const contents = loaded.value
      const facts = await this.#afterDiskFull(() => receiver.finish(contents.facts), ticket)
      // From here on this server cannot go back to the state that it has in memory.
      this.#received = facts
      this.#receipt = null
      const { turn, log, clock } = this.#options
      const durationMs = Math.round(clock.monotonicMs() - receipt.beganAtMs)
      const receivedSizeBytes = receipt.sizeBytes
      log.info('checkpoint-received', { zxid: hexOfZxid(facts.zxid), receivedSizeBytes, durationMs })
      turn.feed({ kind: 'copy-received', ticket, contents })
    } catch (cause) {
      if (this.#receipt === receipt) await this.#refuse(ticket, reasonOf(cause))
    }
  }

  async #refuse(ticket: number, reason: string): Promise<void> {
    this.#options.log.error('checkpoint-refused', { reason })
    await this.#abort()
    this.#answer({ kind: 'refused', ticket, reason })
  }

  async #abort(): Promise<void> {
    const receipt = this.#receipt
    this.#receipt = null
    if (receipt === null) return
    try {
      await (await receipt.receiver).abort()
    } catch (cause) {
      // The next start removes what is left of it.
      this.#options.log.warn('checkpoint-copy-not-closed', { err: cause })
    }
  }

  /** Tries again while the disk is full and the copy is wanted. */
  async #afterDiskFull<T>(write: () => Promise<T>, ticket: number): Promise<T> {
    const { log, timers, turn } = this.#options
    for (;;) {
      try {
        const result = await write()
        if (this.#isDiskFull) log.info('disk-space-returned', {})
        this.#isDiskFull = false
        return result
      } catch (cause) {
        if (!isDiskFull(cause) || turn.isStopped || (this.#receipt !== null && this.#receipt.ticket !== ticket)) {
          throw cause
        }
        const advice = 'The copy of the state that the leader sends waits until space returns. Free space in dataDir.'
        if (!this.#isDiskFull) log.error('disk-full', { err: cause, advice })
        this.#isDiskFull = true
        await new Promise<void>((done) => {
          timers.after(diskFullRetryMs, done)
        })
      }
    }
  }

  #answer(answer: Answer): void {
    this.#options.turn.feed({ kind: 'copy-answer', answer })
  }
}

function notUsable(problem: string): string {
  return `the copy of a checkpoint that was received is not usable: ${problem}. It is asked for again.`
}

function reasonOf(cause: unknown): string {
  // Only an error that has a system's code is a fault of the disk; any other is a bug.
  if (!(cause instanceof Error && 'code' in cause)) throw cause
  return cause.message
}
