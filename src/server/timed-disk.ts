/**
 * Measures the time of durable writes (ZK: fsynctime), and logs those that take too long (ZK:
 * fsync.warningthresholdms): they delay every write of every client. Forwards all calls and failures to the disk.
 */
import { slowFlushReminderMs } from '../base/limits.ts'
import type { Histogram } from '../metrics/histogram.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'
import type { Log } from '../ports/log.ts'

export interface TimedDiskOptions {
  readonly clock: Clock
  readonly log: Log
  readonly durableWritesMs: Histogram
  /** A write that takes longer is slow. */
  readonly slowMs: number
}

export function timedDisk(disk: Disk, options: TimedDiskOptions): Disk {
  const { clock, durableWritesMs } = options
  const slow = new SlowFlushes(options)
  const timed = async (path: string, write: Promise<void>): Promise<void> => {
    const beganAtMs = clock.monotonicMs()
    await write
    const endedAtMs = clock.monotonicMs()
    durableWritesMs.note(endedAtMs - beganAtMs)
    slow.note(path, endedAtMs - beganAtMs, endedAtMs)
  }
  const timedFile = (file: DiskFile): DiskFile => ({
    path: file.path,
    read: (position, lengthBytes) => file.read(position, lengthBytes),
    write: (position, chunks) => file.write(position, chunks),
    writeDurably: (position, chunks) => timed(file.path, file.writeDurably(position, chunks)),
    sync: () => timed(file.path, file.sync()),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
  })
  return {
    open: async (path, mode) => timedFile(await disk.open(path, mode)),
    list: (folder) => disk.list(folder),
    makeFolder: (folder) => disk.makeFolder(folder),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    exists: (path) => disk.exists(path),
    identityOf: (path) => disk.identityOf(path),
    syncDirectory: (folder) => disk.syncDirectory(folder),
    lock: (folder) => disk.lock(folder),
  }
}

/** The lines about slow flushes, at most one in `slowFlushReminderMs`. */
class SlowFlushes {
  readonly #log: Log
  readonly #slowMs: number
  #nextLineAtMs = Number.NEGATIVE_INFINITY
  #leftOutCount = 0

  constructor({ log, slowMs }: TimedDiskOptions) {
    this.#log = log
    this.#slowMs = slowMs
  }

  note(path: string, durationMs: number, nowMs: number): void {
    if (durationMs <= this.#slowMs) return
    if (nowMs < this.#nextLineAtMs) {
      this.#leftOutCount++
      return
    }
    this.#log.warn('flush-slow', { path, durationMs: Math.round(durationMs), leftOutCount: this.#leftOutCount })
    this.#nextLineAtMs = nowMs + slowFlushReminderMs
    this.#leftOutCount = 0
  }
}
