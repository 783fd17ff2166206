/** Measures the time of durable writes (ZK: fsynctime). Forwards all calls and failures to the disk. */
import type { Summary } from '../metrics/summary.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'

export function timedDisk(disk: Disk, clock: Clock, durableWritesMs: Summary): Disk {
  const timed = async (write: Promise<void>): Promise<void> => {
    const beganAtMs = clock.monotonicMs()
    await write
    durableWritesMs.note(clock.monotonicMs() - beganAtMs)
  }
  const timedFile = (file: DiskFile): DiskFile => ({
    path: file.path,
    read: (position, lengthBytes) => file.read(position, lengthBytes),
    write: (position, chunks) => file.write(position, chunks),
    writeDurably: (position, chunks) => timed(file.writeDurably(position, chunks)),
    sync: () => timed(file.sync()),
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
