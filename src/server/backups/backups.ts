/**
 * Performs the steps of the backups that clients take from this server (BackupStep). Owns the open backups: their number,
 * their pace, how long one may be idle, and what is kept of the log for each. A backup belongs to the session that opened
 * it. Its parts are made one after another, and only when they are asked for, so a slow client slows only its backup.
 */
import { assertNever } from '../../base/assert.ts'
import { hexOfSession, hexOfZxid, type SessionId, zeroZxid } from '../../base/ids.ts'
import { backupAnswerMs, backupIdleMs, openBackupsMax } from '../../base/limits.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Log } from '../../ports/log.ts'
import type { CancelTimer, Timers } from '../../ports/timers.ts'
import { type BackupStatus, backupStatuses, type ReadBackupReply } from '../../protocol/client/backup-records.ts'
import type { BackupStep } from '../../replica/contract.ts'
import type { TransferPace } from '../checkpoints/transfer-pace.ts'
import type { Turn } from '../turn.ts'
import { BackupFailure, BackupSource, type BackupSourceOptions, type SourcePart } from './backup-source.ts'

export interface BackupsOptions {
  readonly source: BackupSourceOptions
  readonly turn: Pick<Turn, 'feed' | 'now'>
  readonly timers: Timers
  readonly pace: TransferPace
  readonly log: Log
  readonly metrics: ServerMetrics
  /** The first id, drawn at random: another server, or this one after a restart, hardly ever gives a client the same id. */
  readonly firstId: number
}

type Step<K extends BackupStep['kind']> = Extract<BackupStep, { readonly kind: K }>

type EndReason = 'closed' | 'idle' | 'session-ended' | 'replaced' | 'server-closes'

interface Waiting {
  readonly sequence: number
  readonly cancel: CancelTimer
}

interface OpenBackup {
  readonly backupId: number
  readonly sessionId: SessionId
  readonly source: BackupSource
  readonly beganAtMs: number
  lastAskedAtMs: number
  /** Its client has lost its connection, and may come back for it. */
  isLeft: boolean
  /** The part that was made last, or why no other can be made. */
  made: { readonly number: number; readonly reply: ReadBackupReply } | null
  isMaking: boolean
  /** The step that waits for the part that is being made. */
  waiting: Waiting | null
  sizeBytes: number
}

/** Ids are positive int32s. */
const idCount = 2 ** 31 - 1

export class Backups {
  readonly #options: BackupsOptions
  readonly #open = new Map<number, OpenBackup>()
  #nextId: number

  constructor(options: BackupsOptions) {
    this.#options = options
    this.#nextId = options.firstId
  }

  run(step: BackupStep): void {
    switch (step.kind) {
      case 'open':
        return this.#begin(step)
      case 'read':
        return this.#read(step)
      case 'close': {
        const backup = this.#backupOf(step)
        if (backup !== null) void this.#end(backup, 'closed')
        return this.#options.turn.feed({ kind: 'backup-answer', sequence: step.sequence, answer: null })
      }
      default:
        assertNever(step)
    }
  }

  /**
   * The connection of a session ended. A session that lives may come back after a short interruption or a leader change, and
   * reads on. Until then its backups go before no other.
   */
  left(sessionId: SessionId, mayReturn: boolean): void {
    for (const backup of this.#open.values()) {
      if (backup.sessionId !== sessionId) continue
      if (mayReturn) backup.isLeft = true
      else void this.#end(backup, 'session-ended')
    }
  }

  tick(nowMs: number): void {
    for (const backup of this.#open.values()) {
      if (nowMs - backup.lastAskedAtMs > backupIdleMs) void this.#end(backup, 'idle')
    }
  }

  /** When the server closes: nothing is read after it resolves; null: nothing is now. */
  close(): Promise<unknown> | null {
    if (this.#open.size === 0) return null
    return Promise.all([...this.#open.values()].map((backup) => this.#end(backup, 'server-closes')))
  }

  #begin({ sequence, sessionId, after }: Step<'open'>): void {
    const { source, turn, log } = this.#options
    const answer = (backupId: number): void => turn.feed({ kind: 'backup-answer', sequence, answer: { backupId } })
    if (this.#open.size >= openBackupsMax) this.#endOneThatIsLeft()
    if (this.#open.size >= openBackupsMax) {
      log.warn('backup-refused', { sessionId: hexOfSession(sessionId), openCount: this.#open.size })
      return answer(0)
    }
    const backupId = this.#newId()
    const nowMs = turn.now().monotonicMs
    this.#open.set(backupId, {
      backupId,
      sessionId,
      source: new BackupSource(source, after),
      beganAtMs: nowMs,
      lastAskedAtMs: nowMs,
      isLeft: false,
      made: null,
      isMaking: false,
      waiting: null,
      sizeBytes: 0,
    })
    const afterZxid = after === null ? null : hexOfZxid(after.zxid)
    log.info('backup-begun', { backupId, sessionId: hexOfSession(sessionId), afterZxid })
    answer(backupId)
  }

  /** Of those that their clients have left, the one of which nothing was read for the longest time. */
  #endOneThatIsLeft(): void {
    const left = [...this.#open.values()].filter(({ isLeft }) => isLeft)
    const [oldest] = left.sort((a, b) => a.lastAskedAtMs - b.lastAskedAtMs)
    if (oldest !== undefined) void this.#end(oldest, 'replaced')
  }

  #newId(): number {
    do this.#nextId = (this.#nextId % idCount) + 1
    while (this.#open.has(this.#nextId))
    return this.#nextId
  }

  #backupOf({ backupId, sessionId }: Step<'read' | 'close'>): OpenBackup | null {
    const backup = this.#open.get(backupId)
    return backup?.sessionId === sessionId ? backup : null
  }

  #read(step: Step<'read'>): void {
    const backup = this.#backupOf(step)
    if (backup === null) return this.#answer(step.sequence, closedReply)
    backup.lastAskedAtMs = this.#options.turn.now().monotonicMs
    backup.isLeft = false
    const { made } = backup
    if (made !== null && (made.number === step.number || made.reply.status !== partStatus)) {
      return this.#answer(step.sequence, made.reply)
    }
    if (step.number !== (made?.number ?? -1) + 1) return this.#answer(step.sequence, closedReply)
    this.#waitFor(backup, step.sequence)
    if (!backup.isMaking) void this.#make(backup, step.number)
  }

  /** The part is given with a later request, if it takes long. */
  #waitFor(backup: OpenBackup, sequence: number): void {
    this.#answerWaiting(backup, notYetReply)
    const cancel = this.#options.timers.after(backupAnswerMs, () => this.#answerWaiting(backup, notYetReply))
    backup.waiting = { sequence, cancel }
  }

  async #make(backup: OpenBackup, number: number): Promise<void> {
    const { pace, metrics } = this.#options
    backup.isMaking = true
    try {
      const part = await backup.source.next()
      if (part === null) return this.#give(backup, number, closedReply) // after the end
      const reply = { ...emptyReply, kindNumber: part.kindNumber, bytes: part.bytes }
      const sizeBytes = part.bytes.length
      const give = (): void => {
        backup.sizeBytes += sizeBytes
        metrics.backup_bytes.add(sizeBytes)
        this.#give(backup, number, reply)
        if (part.isLast) void this.#completed(backup, part)
      }
      pace.add({ sizeBytes, reader: `backup ${backup.backupId}`, attempt: 0, give })
    } catch (cause) {
      const failure = BackupFailure.of(cause)
      this.#give(backup, number, replyOf(failure))
      await this.#failed(backup, failure)
    }
  }

  #give(backup: OpenBackup, number: number, reply: ReadBackupReply): void {
    backup.isMaking = false
    backup.made = { number, reply }
    this.#answerWaiting(backup, reply)
  }

  #answerWaiting(backup: OpenBackup, reply: ReadBackupReply): void {
    const { waiting } = backup
    backup.waiting = null
    if (waiting === null) return
    waiting.cancel()
    this.#answer(waiting.sequence, reply)
  }

  /** It stays open until the client has the last part, and closes it. */
  async #completed(backup: OpenBackup, { txnCount }: SourcePart): Promise<void> {
    const { log, metrics, turn } = this.#options
    const { backupId, sizeBytes, beganAtMs } = backup
    metrics.backup_count.add()
    const durationMs = Math.round(turn.now().monotonicMs - beganAtMs)
    log.info('backup-sent', { backupId, sizeBytes, txnCount, durationMs })
    await this.#release(backup)
  }

  /** The client gets the reason when it asks, until it closes the backup or is idle. */
  async #failed(backup: OpenBackup, { status, message }: BackupFailure): Promise<void> {
    const { log } = this.#options
    if (this.#open.has(backup.backupId)) {
      log.warn('backup-failed', { backupId: backup.backupId, status, reason: message })
    }
    await this.#release(backup)
  }

  async #end(backup: OpenBackup, reason: EndReason): Promise<void> {
    if (!this.#open.delete(backup.backupId)) return
    this.#answerWaiting(backup, closedReply)
    this.#options.log.info('backup-ended', { backupId: backup.backupId, reason })
    await this.#release(backup)
  }

  async #release({ backupId, source }: OpenBackup): Promise<void> {
    try {
      await source.close()
    } catch (cause) {
      this.#options.log.warn('backup-not-closed', { backupId, err: cause })
    }
  }

  #answer(sequence: number, answer: ReadBackupReply): void {
    this.#options.turn.feed({ kind: 'backup-answer', sequence, answer })
  }
}

const partStatus = statusOf('part')
const emptyReply: ReadBackupReply = { status: partStatus, kindNumber: 0, bytes: null, oldest: zeroZxid, reason: '' }
const closedReply: ReadBackupReply = { ...emptyReply, status: statusOf('closed') }
const notYetReply: ReadBackupReply = { ...emptyReply, status: statusOf('not-yet') }

function replyOf({ status, oldest, message }: BackupFailure): ReadBackupReply {
  return { ...emptyReply, status: statusOf(status), oldest, reason: message }
}

function statusOf(status: BackupStatus): number {
  return backupStatuses.indexOf(status)
}
