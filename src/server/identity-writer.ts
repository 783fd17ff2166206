/**
 * Writes the identity of a data folder (design D14), one write at a time, and tries again while the disk is full.
 * Owns: that the file is never ahead of the log, since each identity comes from a record or a segment that is durable. It
 * may be of an earlier time for a while, if it still says that the log of this server and cluster must not be missing or
 * empty: then nothing waits for space, so that a server with a full disk starts and serves reads. An identity is overwritten
 * in its file under the same condition, since a crash leaves the one before.
 */
import { diskFullRetryMs } from '../base/limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk } from '../ports/disk.ts'
import type { Log } from '../ports/log.ts'
import type { Timers } from '../ports/timers.ts'
import type { DataIdentity } from '../storage/data-identity.ts'
import { DiskSpace, isDiskFull } from '../storage/disk-space.ts'
import { IdentityFile } from '../storage/identity-file.ts'

export interface IdentityWriterOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly dataDir: string
}

const advice =
  'The file is of an earlier time. It is written again with the next epoch, and then a failure stops this server. Check ' +
  'the rights on this folder and the disk.'

export class IdentityWriter {
  readonly #options: IdentityWriterOptions
  readonly #space: DiskSpace
  readonly #file: IdentityFile
  #wanted: DataIdentity | null = null // what the file has to say
  #onDisk: DataIdentity | null = null // what the file says
  #writing: Promise<void> | null = null
  #isRetryTimed = false
  #isClosed = false

  constructor(options: IdentityWriterOptions) {
    this.#options = options
    this.#space = new DiskSpace(options.dataDir, options.clock, options.log)
    this.#file = new IdentityFile(options.disk, options.dataDir)
  }

  /** Since when the identity waits for space, by the monotonic clock; null while it does not. */
  get fullSinceMs(): number | null {
    return this.#space.fullSinceMs
  }

  /** What the file says when the server starts; null: it is missing or damaged. */
  found(identity: DataIdentity | null): void {
    this.#wanted = identity
    this.#onDisk = identity
  }

  /** The file says what it has to say. */
  get isWritten(): boolean {
    return this.#onDisk === this.#wanted
  }

  /** The file says what it has to say, and is going to be overwritten. */
  open(): Promise<void> {
    return this.#file.open()
  }

  /** Resolves when the identity is durable, or waits for space while the file may be of an earlier time. */
  async writeAtStart(identity: DataIdentity): Promise<void> {
    this.#wanted = identity
    const full = await this.#write()
    if (full === null) return
    if (!this.#mayLag()) throw full
    this.#writeLater()
  }

  /** As `writeAtStart`, but if the file may not be of an earlier time, it tries until there is space. */
  async write(identity: DataIdentity): Promise<void> {
    this.#wanted = identity
    for (;;) {
      const full = await this.#write()
      if (full === null) return
      if (this.#mayLag()) return this.#writeLater()
      if (!this.#isClosed) await this.#pause()
      if (this.#isClosed) throw full
    }
  }

  /** Nothing waits for the write. A failure is logged. */
  writeSoon(identity: DataIdentity): void {
    this.#wanted = identity
    if (!this.#isClosed) void this.#writeUnasked()
  }

  /** Resolves when the write in progress has ended and the file is closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
    await this.#file.close()
  }

  /** Writes what the file has to say when the writes before this one have ended. The result: why there is no space. */
  #write(): Promise<Error | null> {
    const written = (this.#writing ?? Promise.resolve()).then(() => this.#writeNow(this.#wanted!))
    const done = written.then(
      () => {},
      () => {}, // reported to the caller
    )
    this.#writing = done
    void done.then(() => {
      if (this.#writing === done) this.#writing = null
    })
    return written
  }

  async #writeNow(identity: DataIdentity): Promise<Error | null> {
    try {
      if (!(this.#mayLag() && (await this.#file.overwrite(identity)))) await this.#file.replace(identity)
    } catch (error) {
      if (!isDiskFull(error)) throw error
      this.#space.noteFull(error)
      return error
    }
    this.#space.noteWritten()
    this.#onDisk = identity
    return null
  }

  #mayLag(): boolean {
    const [known, next] = [this.#onDisk, this.#wanted!]
    if (known === null || known.currentEpoch === 0) return false
    return known.serverId === next.serverId && known.clusterId === next.clusterId
  }

  #writeLater(): void {
    if (this.#isRetryTimed) return
    this.#isRetryTimed = true
    this.#options.timers.after(diskFullRetryMs, () => {
      this.#isRetryTimed = false
      if (!this.#isClosed && !this.isWritten) void this.#writeUnasked()
    })
  }

  async #writeUnasked(): Promise<void> {
    const { log, dataDir } = this.#options
    try {
      if ((await this.#write()) !== null) this.#writeLater()
    } catch (cause) {
      // Only an error that has a system's code is a fault of the disk; any other is a bug.
      if (!(cause instanceof Error && 'code' in cause)) throw cause
      log.error('identity-not-written', { path: dataDir, err: cause, advice })
    }
  }

  #pause(): Promise<void> {
    return new Promise((done) => void this.#options.timers.after(diskFullRetryMs, done))
  }
}
