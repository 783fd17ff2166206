/**
 * An operator who backs up the ensemble as `zkts-cli backup` does it: with a session of its own at one server, the local key
 * of that server, the client's reader of backups and the writer of its file. Some backups continue an earlier one. Some are
 * interrupted: the process is killed, or its machine loses power. What is on its disk then is judged as well as each backup
 * that was reported as complete (backup-verdict.ts). It has a host of its own, which the network's faults strike as any other.
 */

import { continueBackup, writeNewBackup } from '../../src/backup/write-backup.ts'
import type { ErrorName } from '../../src/base/errors.ts'
import { hexOfZxid, type ServerId, type Zxid } from '../../src/base/ids.ts'
import { durableLogMsMax } from '../../src/base/limits.ts'
import { type Backup, BackupError, type BackupOptions } from '../../src/client/backup.ts'
import { type AskServer, openBackup } from '../../src/client/backup-reader.ts'
import { ClientError } from '../../src/client/types.ts'
import { decode } from '../../src/jute/record.ts'
import type { Dialer } from '../../src/ports/stream.ts'
import { backupStatuses, ReadBackupReply } from '../../src/protocol/client/backup-records.ts'
import { type BackupCounts, type FileToJudge, noBackups } from './backup-verdict.ts'
import { operatorLeaves } from './checkers/connections-outlive-leader.ts'
import { ClientLink, type LinkContext, type ReceivedReply, type SessionHandle } from './client-link.ts'
import { type Scheduler, SimProcess } from './scheduler.ts'
import type { ServerAddress } from './sim-client.ts'
import { SimDisk } from './sim-disk.ts'
import { type ClientRequest, isDoneWrite, isWrite, type SimEvent } from './sim-event.ts'
import type { SimRandom } from './sim-random.ts'

export interface OperatorContext extends Omit<LinkContext, 'dialer'> {
  readonly scheduler: Scheduler
  readonly number: number // of the client that the trace names
  readonly servers: readonly ServerAddress[]
  dialerOf(process: SimProcess): Dialer
  /** The process ends; its connections are reset, or the other side receives nothing. */
  crash(process: SimProcess, how: 'kill' | 'power-off'): void
  /** Its machine is on again. */
  powerOn(): void
  nextConnection(): number
  /** What the file `local-key` of the server has now; null: there is none. */
  localKeyOf(id: ServerId): Uint8Array | null
  blame(text: string): void
}

const pauseMsMean = 1500
const sessionTimeoutMs = 6_000
const dialTimeoutMs = 1_000
const retryMs = 100
/** A server's clock may run faster than the true time, so it may give up this much earlier. */
const shareOfWait = 0.85
const folder = '/backups'

/** One run of the command. */
interface Attempt {
  readonly process: SimProcess
  readonly path: string
  readonly previous: FileToJudge | null // continued
  /** Acknowledged to any client before the backup was begun. */
  readonly owed: Zxid
  isOver: boolean
}

export class SimOperator {
  readonly counts: { -readonly [K in keyof BackupCounts]: number } = { ...noBackups }
  /** Each complete backup, and what interruptions left. */
  readonly files: FileToJudge[] = []
  readonly #context: OperatorContext
  readonly #random: SimRandom
  readonly #process = new SimProcess('operator')
  #disk: SimDisk
  #attempt: Attempt | null = null
  #link: OperatorLink | null = null
  #isResting = false
  #acknowledged = 0 as Zxid
  readonly #writes = new Map<number, ClientRequest>()

  constructor(context: OperatorContext, random: SimRandom) {
    this.#context = context
    this.#random = random
    this.#disk = this.#newDisk()
    this.#disk.placeAtOnce(`${folder}/.keep`)
  }

  start(): void {
    this.#later()
  }

  /** Takes no more backups. One that is under way is interrupted. */
  rest(): void {
    this.#isResting = true
    this.#interrupt()
  }

  observe(event: SimEvent): void {
    if (event.kind === 'request' && isWrite(event.request) && event.request.kind !== 'close-session') {
      this.#writes.set(event.requestId, event.request)
    } else if (event.kind === 'reply') {
      const request = this.#writes.get(event.requestId)
      this.#writes.delete(event.requestId)
      if (request === undefined || !isDoneWrite(request, event.error, event.body)) return
      if (event.zxid > this.#acknowledged) this.#acknowledged = event.zxid
    }
  }

  #later(): void {
    this.#after(this.#process, this.#random.exponential(pauseMsMean), () => this.#begin())
  }

  #begin(): void {
    if (this.#isResting) return
    const { counts } = this
    const last = this.files.findLast(({ isNamed }) => isNamed) ?? null
    const previous = last !== null && this.#random.chance(0.4) ? last : null
    const process = new SimProcess(`backup ${++counts.begun}`)
    this.#context.powerOn()
    const path = previous?.path ?? `${folder}/${counts.begun}.backup`
    const attempt: Attempt = { process, path, previous, owed: this.#acknowledged, isOver: false }
    this.#attempt = attempt
    if (this.#random.chance(0.3))
      this.#after(this.#process, this.#random.exponential(2000), () => this.#interrupt(attempt))
    this.#context.scheduler.noteAsync()
    this.#take(attempt).then(
      () => this.#end(attempt, 'kill'),
      (cause: unknown) =>
        this.#context.blame(`backup ${path}: ${cause instanceof Error ? cause.stack : String(cause)}`),
    )
  }

  async #take(attempt: Attempt): Promise<void> {
    const { path, previous } = attempt
    const disk = this.#disk
    const link = this.#openLink(attempt)
    let backup: Backup | null = null
    const open = async (options: BackupOptions): Promise<Backup> => {
      backup = await openBackup(link.ask, options)
      return backup
    }
    try {
      const written =
        previous === null
          ? await writeNewBackup({ disk, path, replaces: false, pieces: await open({}) })
          : await continueBackup({ disk, path, open: (after) => open({ after }) })
      if (attempt.isOver) return
      if (!written.ok) return this.#context.blame(`backup ${path}: ${written.error}`)
      const bytes = disk.contents(path)
      this.files.push({ path, bytes, isNamed: true, wholeSizeBytes: bytes.length })
      this.counts.complete++
      if (previous !== null) this.counts.continued++
      const { end } = written.value.facts
      this.#owedBy(attempt, link, end.zxid)
      this.#context.record({ kind: 'backup', text: `${path} is complete up to ${hexOfZxid(end.zxid)}` })
    } catch (cause) {
      if (!(cause instanceof BackupError || cause instanceof ClientError)) throw cause
      if (attempt.isOver) return
      const isOtherHistory = cause instanceof BackupError && cause.refusal === 'other-history'
      if (isOtherHistory) this.#context.blame(`backup ${path}: ${cause.message}`)
      this.#context.record({ kind: 'backup', text: `${path} fails: ${cause.message}` })
      if (previous !== null) this.#noteRest(attempt, disk)
    } finally {
      if (!attempt.isOver) await (backup as Backup | null)?.close()
      if (!attempt.isOver) await link.closeSession()
    }
  }

  /** A backup that waited in vain for its server's disk ends where the log of that server ended. */
  #owedBy({ path, owed }: Attempt, { openMs }: OperatorLink, end: Zxid): void {
    if (end >= owed || openMs >= shareOfWait * durableLogMsMax) return
    this.#context.blame(
      `backup ${path} ends at ${hexOfZxid(end)}, below ${hexOfZxid(owed)}, which was acknowledged before it was begun`,
    )
  }

  /** What is left of a backup that was not completed. */
  #noteRest(attempt: Attempt, disk: SimDisk): void {
    for (const path of disk.paths()) {
      const isNamed = path === attempt.path
      if (!isNamed && path !== `${attempt.path}.unfinished`) continue
      const wholeSizeBytes = isNamed ? (attempt.previous?.wholeSizeBytes ?? null) : null
      this.files.push({ path, bytes: disk.contents(path), isNamed, wholeSizeBytes })
    }
  }

  #interrupt(attempt = this.#attempt): void {
    if (attempt === null || attempt !== this.#attempt || attempt.isOver) return
    this.counts.interrupted++
    const how = this.#random.pick(['kill', 'power-off'] as const)
    this.#context.record({ kind: 'backup', text: `${attempt.path} is interrupted: ${how}` })
    this.#end(attempt, how)
    this.#disk =
      how === 'kill' ? this.#disk.kill() : this.#disk.crash(this.#random.pick(['random', 'torn', 'drop-all']))
    this.#noteRest(attempt, this.#disk)
  }

  #end(attempt: Attempt, how: 'kill' | 'power-off'): void {
    if (attempt.isOver) return
    attempt.isOver = true
    this.#attempt = null
    this.#context.scheduler.kill(attempt.process)
    this.#context.crash(attempt.process, how)
    this.#link?.leave()
    this.#link = null
    this.#later()
  }

  #openLink({ process }: Attempt): OperatorLink {
    const { id, address } = this.#random.pick(this.#context.servers)
    const dialer = this.#context.dialerOf(process)
    this.#link = new OperatorLink({ ...this.#context, dialer }, process, { id, address })
    return this.#link
  }

  #newDisk(): SimDisk {
    const { scheduler } = this.#context
    return new SimDisk({
      random: this.#random.fork('disk'),
      schedule: (delayMs, callback) => {
        scheduler.noteAsync()
        scheduler.schedule(this.#attempt?.process ?? this.#process, 'disk', Math.ceil(delayMs * 1000), () => {
          scheduler.noteAsync()
          callback()
        })
      },
    })
  }

  #after(process: SimProcess, delayMs: number, callback: () => void): void {
    this.#context.scheduler.schedule(process, 'timer', Math.max(1, Math.round(delayMs * 1000)), callback)
  }
}

interface WaitingRequest {
  readonly request: ClientRequest
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (cause: ClientError) => void
  isSent: boolean
}

/** One session at one server. Requests wait for a connection; those under way are lost with it. */
class OperatorLink {
  /** From the first request to open the backup to its facts. */
  openMs = 0
  readonly #context: LinkContext & OperatorContext
  readonly #process: SimProcess
  readonly #server: ServerAddress
  #session: SessionHandle | null = null
  #link: ClientLink
  #waiting: WaitingRequest[] = []
  #openedAtUs: number | null = null
  #hasFacts = false
  #isOver = false

  constructor(context: LinkContext & OperatorContext, process: SimProcess, server: ServerAddress) {
    this.#context = context
    this.#process = process
    this.#server = server
    this.#link = this.#connect()
  }

  readonly ask: AskServer = (op, body) => {
    const request: ClientRequest = op === 'sync' ? { kind: 'sync', path: '/' } : { kind: 'backup', op, bytes: body }
    if (op === 'openBackup') this.#openedAtUs = this.#context.nowUs()
    return this.#request(request)
  }

  #request(request: ClientRequest): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject, isSent: false })
      this.#sendWaiting()
    })
  }

  /** Without a connection the session ends by its timeout. Once it has been asked for, the end may come at any moment. */
  async closeSession(): Promise<void> {
    if (this.#link.state !== 'attached') return
    this.#session = null
    try {
      await this.#request({ kind: 'close-session' })
    } catch (cause) {
      if (!(cause instanceof ClientError)) throw cause
    }
  }

  /** The process has ended. */
  leave(): void {
    this.#isOver = true
    this.#link.close(operatorLeaves)
    if (this.#session !== null) this.#context.record({ kind: 'abandoned', sessionId: this.#session.id })
  }

  #connect(): ClientLink {
    const { id, address } = this.#server
    const link: ClientLink = new ClientLink(
      this.#context,
      {
        client: this.#context.number,
        connection: this.#context.nextConnection(),
        serverId: id,
        address,
        session: this.#session,
        lastZxidSeen: 0 as Zxid,
        timeoutMs: sessionTimeoutMs,
        canBeReadOnly: false,
        localKey: () => this.#context.localKeyOf(id),
      },
      {
        onAttached: (session) => {
          this.#session = session
          this.#sendWaiting()
        },
        onSessionRefused: () => {
          this.#session = null
          this.#lose('session-expired', () => true)
        },
        onReply: (request, reply) => this.#onReply(request, reply),
        onWatchEvent: () => {},
        onClosed: () => this.#onClosed(),
      },
    )
    link.open(dialTimeoutMs)
    return link
  }

  #sendWaiting(): void {
    if (this.#link.state !== 'attached') return
    for (const waiting of this.#waiting) {
      if (waiting.isSent) continue
      waiting.isSent = true
      this.#link.send(waiting.request)
      this.#expectAnswer(waiting, this.#link)
    }
  }

  /** As a client does: a server that is silent for two thirds of the session timeout is given up. */
  #expectAnswer(waiting: WaitingRequest, link: ClientLink): void {
    const limitUs = Math.round((sessionTimeoutMs * 2000) / 3)
    this.#context.scheduler.schedule(this.#process, 'timer', limitUs, () => {
      if (this.#waiting.includes(waiting) && this.#link === link) link.close('no answer')
    })
  }

  #onReply(request: ClientRequest, { error, body }: ReceivedReply): void {
    const at = this.#waiting.findIndex((waiting) => waiting.isSent && waiting.request === request)
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (waiting === undefined) return
    this.#context.scheduler.noteAsync()
    if (error !== null) return waiting.reject(refusal(error, request))
    if (request.kind === 'backup' && request.op === 'readBackup') this.#noteRead(body)
    waiting.resolve(body.kind === 'bytes' ? body.bytes : new Uint8Array(0))
  }

  /** The first part that is given has the facts. */
  #noteRead(body: ReceivedReply['body']): void {
    if (this.#hasFacts || this.#openedAtUs === null) return
    this.openMs = (this.#context.nowUs() - this.#openedAtUs) / 1000
    const reply = body.kind === 'bytes' ? decode(ReadBackupReply, body.bytes) : null
    this.#hasFacts = reply?.ok === true && backupStatuses[reply.value.status] === 'part'
  }

  #onClosed(): void {
    if (this.#isOver) return
    this.#lose('connection-loss', ({ isSent }) => isSent)
    this.#context.scheduler.schedule(this.#process, 'timer', retryMs * 1000, () => {
      this.#link = this.#connect()
    })
  }

  #lose(error: ErrorName, isLost: (waiting: WaitingRequest) => boolean): void {
    const lost = this.#waiting.filter(isLost)
    this.#waiting = this.#waiting.filter((waiting) => !isLost(waiting))
    if (lost.length > 0) this.#context.scheduler.noteAsync()
    for (const { request, reject } of lost) reject(refusal(error, request))
  }
}

function refusal(error: ErrorName, request: ClientRequest): ClientError {
  return new ClientError(error, request.kind === 'backup' ? request.op : request.kind, null, 'in the simulator')
}
