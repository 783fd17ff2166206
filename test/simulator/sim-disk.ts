/**
 * A disk in memory that forgets at a crash what was not flushed, at its worst:
 * - each 512-byte sector that was written and not flushed is kept, lost or torn (a prefix new, the rest old),
 *   independently of the others, whatever order they were written in;
 * - each change of a directory that was not flushed is kept or lost, independently;
 * - the size of a file that was not flushed is the old or the new one.
 * Operations complete through `schedule`; those under way at a crash never do. The bytes of an operation are
 * in the file from the moment it is asked for. Everything random comes from `random`. One object is one
 * machine's disk from one crash to the next: `crash()` returns what is found afterwards.
 *
 * `schedule` is the place for an embedding simulator to note asynchronous work: it is called for every
 * operation when it starts, and the function passed to it settles that operation's promise.
 */
import type { Disk, DiskFile, FileIdentity, FolderLock, OpenMode } from '../../src/ports/disk.ts'
import type { Random } from '../../src/ports/random.ts'
import { type DiskOfFiles, type FileFaults, type FileOperation, fault, isFull, SimFile } from './sim-file.ts'
import { emptyInode, type Inode, sectorSizeBytes } from './sim-inode.ts'

export type CrashMode = 'keep-all' | 'drop-all' | 'random' | 'torn'

export type DiskOperation =
  | 'open'
  | 'list'
  | 'make-folder'
  | 'rename'
  | 'remove'
  | 'exists'
  | 'identity-of'
  | 'sync-directory'
  | 'lock'

/** May be changed at any time. */
export interface DiskFaults extends FileFaults {
  latencyMsMin: number
  latencyMsMax: number
  /** The file system cannot flush a folder; nothing of a folder is durable then. */
  cannotSyncDirectories: boolean
}

export interface SimDiskOptions {
  readonly random: Random
  readonly schedule: (delayMs: number, callback: () => void) => void
  readonly faults?: Partial<DiskFaults>
  /** As `requiresDirectorySync` of the real disk; left out: true. */
  readonly requiresDirectorySync?: boolean
  /** Called for every operation as it starts, with its number from 1. */
  readonly onOperation?: (count: number, operation: DiskOperation | FileOperation, path: string) => void
}

type DirectoryChange =
  | { readonly kind: 'create'; readonly path: string; readonly inode: Inode }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: Inode }

/** The others leave the disk as it is; a file that is opened is changed only if it is new. */
const changingOperations: ReadonlySet<DiskOperation | FileOperation> = new Set([
  'write',
  'write-durably',
  'sync',
  'truncate',
  'make-folder',
  'rename',
  'remove',
  'sync-directory',
] as const)

export class SimDisk implements Disk, DiskOfFiles {
  readonly faults: DiskFaults
  readonly #options: SimDiskOptions
  #files = new Map<string, Inode>()
  #durableFiles = new Map<string, Inode>()
  #folders = new Set<string>(['', '/', '.'])
  #changes: DirectoryChange[] = []
  readonly #locks = new Set<string>()
  readonly #copiedLocks = new Set<string>() // folders that hold the lock of the folder they were copied from
  /** Of folders, by path. A folder has no inode object here. */
  #folderNumbers = new Map<string, number>()
  #inodeNumbers = new WeakMap<Inode, number>()
  #lastNumber = 0
  #operationCount = 0
  #changeCount = 0
  #crashed = false

  constructor(options: SimDiskOptions) {
    this.#options = options
    const quiet = {
      latencyMsMin: 1,
      latencyMsMax: 1,
      full: false,
      fullBelow: '',
      flushFails: false,
      readFails: false,
      cannotSyncDirectories: false,
    }
    this.faults = { ...quiet, ...options.faults }
  }

  get operationCount(): number {
    return this.#operationCount
  }

  /** As long as it is equal, a crash leaves the same, apart from what is random. */
  get changeCount(): number {
    return this.#changeCount
  }

  /** Whether a crash may lose something. */
  get hasUnflushed(): boolean {
    if (this.#changes.length > 0) return true
    return [...this.#files.values()].some((inode) => inode.dirty.size > 0 || inode.sizeBytes !== inode.durableSizeBytes)
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.run('open', path, () => {
      const found = this.#files.get(path)
      if (mode === 'read' || mode === 'read-write') {
        if (found === undefined) throw fault('ENOENT', 'open', path)
        return new SimFile(this, path, found, mode)
      }
      if (found !== undefined) throw fault('EEXIST', 'open', path)
      if (!this.#folders.has(folderOf(path))) throw fault('ENOENT', 'open', path)
      if (isFull(this.faults, path)) throw fault('ENOSPC', 'open', path)
      const inode = emptyInode()
      this.#files.set(path, inode)
      this.#changes.push({ kind: 'create', path, inode })
      this.#changeCount++
      return new SimFile(this, path, inode, mode)
    })
  }

  list(folder: string): Promise<readonly string[]> {
    return this.run('list', folder, () => {
      const path = plainFolder(folder)
      if (!this.#folders.has(path)) throw fault('ENOENT', 'list', folder)
      const entries = [...this.#files.keys(), ...this.#folders].filter(
        (name) => name !== path && folderOf(name) === path,
      )
      return entries
        .map((name) => name.slice(name.lastIndexOf('/') + 1))
        .filter((name) => name !== '')
        .sort()
    })
  }

  makeFolder(folder: string): Promise<void> {
    return this.run('make-folder', folder, () => {
      if (this.faults.cannotSyncDirectories) this.#refuseDirectorySync(folder)
      for (let path = plainFolder(folder); !this.#folders.has(path); path = folderOf(path)) this.#folders.add(path)
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.run('rename', from, () => {
      const inode = this.#files.get(from)
      if (inode === undefined) throw fault('ENOENT', 'rename', from)
      this.#files.delete(from)
      this.#files.set(to, inode)
      this.#changes.push({ kind: 'rename', from, to, inode })
    })
  }

  remove(path: string): Promise<void> {
    return this.run('remove', path, () => {
      if (!this.#files.delete(path)) throw fault('ENOENT', 'remove', path)
      this.#changes.push({ kind: 'remove', path })
    })
  }

  exists(path: string): Promise<boolean> {
    return this.run('exists', path, () => this.#files.has(path) || this.#folders.has(plainFolder(path)))
  }

  identityOf(path: string): Promise<FileIdentity> {
    return this.run('identity-of', path, () => {
      const inode = this.#files.get(path)
      const folder = plainFolder(path)
      if (inode === undefined && !this.#folders.has(folder)) throw fault('ENOENT', 'look at', path)
      const number = String(inode === undefined ? this.#numberOfFolder(folder) : this.#numberOf(inode))
      return { device: '1', inode: number, birth: number }
    })
  }

  syncDirectory(folder: string): Promise<void> {
    const path = plainFolder(folder)
    const seen = this.#changes.length
    return this.run('sync-directory', folder, () => {
      if (!this.#folders.has(path)) throw fault('ENOENT', 'sync-directory', folder)
      if (this.faults.flushFails) throw fault('EIO', 'sync-directory', folder)
      if (this.faults.cannotSyncDirectories) return this.#refuseDirectorySync(folder)
      const flushed = this.#changes.slice(0, seen).filter((change) => touches(change, path))
      for (const change of flushed) applyChange(this.#durableFiles, change)
      this.#changes = this.#changes.filter((change) => !flushed.includes(change))
    })
  }

  lock(folder: string): Promise<FolderLock> {
    return this.run('lock', folder, () => {
      const path = plainFolder(folder)
      if (this.#locks.has(path)) throw fault('ELOCKED', 'lock', `${folder} is in use by another simulated process:`)
      this.#locks.add(path)
      return {
        isCopy: this.#copiedLocks.delete(path),
        release: async () => {
          this.#locks.delete(path)
        },
      }
    })
  }

  /** As `cp -r` while a process runs: the lock comes along. */
  copyFolder(from: string, to: string): void {
    const [source, target] = [plainFolder(from), plainFolder(to)]
    this.#folders.add(target)
    this.#folderNumbers.set(target, ++this.#lastNumber)
    for (const [path, inode] of [...this.#files]) {
      if (folderOf(path) !== source) continue
      const bytes = inode.bytes.slice()
      const { sizeBytes } = inode
      const copy = { bytes, sizeBytes, durable: bytes.slice(), durableSizeBytes: sizeBytes, dirty: new Set<number>() }
      this.#files.set(`${target}${path.slice(source.length)}`, copy)
      this.#durableFiles.set(`${target}${path.slice(source.length)}`, copy)
    }
    if (this.#locks.has(source)) this.#copiedLocks.add(target)
  }

  /** Takes over all that a reader of `source` sees now, durably and with inodes of its own: as `cp -r` of a whole disk. */
  fillFrom(source: SimDisk): this {
    this.#folders = new Set(source.#folders)
    for (const [path, { bytes, sizeBytes }] of source.#files) {
      const copy = { bytes: bytes.slice(), sizeBytes, durable: bytes.slice(), durableSizeBytes: sizeBytes }
      const inode: Inode = { ...copy, dirty: new Set() }
      this.#files.set(path, inode)
      this.#durableFiles.set(path, inode)
    }
    this.#lastNumber = source.#lastNumber + 1_000_000
    return this
  }

  /**
   * The process alone died: what it wrote is kept, its locks and the operations under way are gone. `changes` are faults
   * of the disk that the next process gets.
   */
  kill(changes: Partial<SimDiskOptions> = {}): SimDisk {
    this.#crashed = true
    const next = new SimDisk({ ...this.#options, faults: { ...this.faults }, ...changes })
    next.#files = this.#files
    next.#durableFiles = this.#durableFiles
    next.#folders = this.#folders
    next.#changes = this.#changes
    next.#folderNumbers = this.#folderNumbers
    next.#inodeNumbers = this.#inodeNumbers
    next.#lastNumber = this.#lastNumber
    return next
  }

  /** Power is lost. The result is the disk as found afterwards; this one answers nothing more. */
  crash(mode: CrashMode, changes: Partial<SimDiskOptions> = {}): SimDisk {
    this.#crashed = true
    return this.foundAfterCrash(mode, changes)
  }

  /** What `crash` would return now, while this one goes on. With a `random` of its own it draws nothing from this one's. */
  foundAfterCrash(mode: CrashMode, changes: Partial<SimDiskOptions> = {}): SimDisk {
    const next = new SimDisk({ ...this.#options, faults: { ...this.faults }, ...changes })
    next.#folders = new Set(this.#folders)
    next.#folderNumbers = new Map(this.#folderNumbers)
    const names = new Map(this.#durableFiles)
    for (const change of this.#changes) if (next.#survives(mode)) applyChange(names, change)
    for (const [path, inode] of names) {
      const found = next.#afterCrash(inode, mode)
      next.#inodeNumbers.set(found, this.#numberOf(inode))
      next.#files.set(path, found)
      next.#durableFiles.set(path, found)
    }
    next.#lastNumber = this.#lastNumber
    return next
  }

  paths(): readonly string[] {
    return [...this.#files.keys()].sort()
  }

  /** A copy of what a reader would see. */
  contents(path: string): Uint8Array {
    const inode = this.#inodeAt(path)
    return inode.bytes.slice(0, inode.sizeBytes)
  }

  /** Damage: one bit of what is on the disk flips. */
  flipBit(path: string, bitIndex: number): void {
    const inode = this.#inodeAt(path)
    const at = Math.floor(bitIndex / 8)
    const flipped = inode.bytes[at]! ^ (1 << (bitIndex % 8))
    inode.bytes[at] = flipped
    inode.durable[at] = flipped
  }

  /** Damage of a whole sector, as when a device returns zeros for a block that it lost. */
  zeroSector(path: string, sector: number): void {
    const inode = this.#inodeAt(path)
    inode.bytes.fill(0, sector * sectorSizeBytes, (sector + 1) * sectorSizeBytes)
    inode.durable.fill(0, sector * sectorSizeBytes, (sector + 1) * sectorSizeBytes)
  }

  /** An empty file, durable, with its folder. */
  placeAtOnce(path: string): void {
    for (let folder = folderOf(path); !this.#folders.has(folder); folder = folderOf(folder)) this.#folders.add(folder)
    const inode = emptyInode()
    this.#files.set(path, inode)
    this.#durableFiles.set(path, inode)
  }

  removeAtOnce(path: string): void {
    this.#files.delete(path)
    this.#durableFiles.delete(path)
  }

  get isCrashed(): boolean {
    return this.#crashed
  }

  run<T>(operation: DiskOperation | FileOperation, path: string, act: () => T): Promise<T> {
    if (this.#crashed) return new Promise<T>(() => {})
    this.#operationCount++
    const changes = changingOperations.has(operation)
    if (changes) this.#changeCount++
    this.#options.onOperation?.(this.#operationCount, operation, path)
    return new Promise<T>((done, failed) => {
      this.#options.schedule(this.#latencyMs(), () => {
        if (this.#crashed) return
        if (changes) this.#changeCount++
        try {
          done(act())
        } catch (error) {
          failed(error)
        }
      })
    })
  }

  pickBelow(count: number): number {
    return Math.floor((this.#options.random.uint32() / 2 ** 32) * count)
  }

  #refuseDirectorySync(folder: string): void {
    if (this.#options.requiresDirectorySync !== false) throw fault('ENODIRSYNC', 'sync-directory', folder)
  }

  #latencyMs(): number {
    const { latencyMsMin, latencyMsMax } = this.faults
    return latencyMsMin + (this.#options.random.uint32() / 2 ** 32) * (latencyMsMax - latencyMsMin)
  }

  #inodeAt(path: string): Inode {
    const inode = this.#files.get(path)
    if (inode === undefined) throw fault('ENOENT', 'look at', path)
    return inode
  }

  /** Numbers are given when they are first asked for. */
  #numberOf(inode: Inode): number {
    const number = this.#inodeNumbers.get(inode) ?? ++this.#lastNumber
    this.#inodeNumbers.set(inode, number)
    return number
  }

  #numberOfFolder(path: string): number {
    const number = this.#folderNumbers.get(path) ?? ++this.#lastNumber
    this.#folderNumbers.set(path, number)
    return number
  }

  /** Another folder has this path from now on, with the same files: as `cp -r`, then `rm -r` and `mv`. */
  replaceFolder(folder: string): void {
    this.#folderNumbers.set(plainFolder(folder), ++this.#lastNumber)
  }

  #survives(mode: CrashMode): boolean {
    return mode === 'keep-all' || (mode !== 'drop-all' && this.pickBelow(2) === 0)
  }

  #afterCrash(inode: Inode, mode: CrashMode): Inode {
    const keepsSize = inode.sizeBytes === inode.durableSizeBytes || this.#survives(mode)
    const sizeBytes = keepsSize ? inode.sizeBytes : inode.durableSizeBytes
    const found = new Uint8Array(sizeBytes)
    found.set(inode.durable.subarray(0, Math.min(sizeBytes, inode.durableSizeBytes)))
    for (const sector of [...inode.dirty].sort((a, b) => a - b)) {
      const start = sector * sectorSizeBytes
      if (start >= sizeBytes || !this.#survives(mode)) continue
      const isTorn = mode === 'torn' || (mode === 'random' && this.pickBelow(8) === 0)
      const newBytes = isTorn ? this.pickBelow(sectorSizeBytes + 1) : sectorSizeBytes
      const end = Math.min(start + newBytes, sizeBytes, inode.sizeBytes)
      if (end > start) found.set(inode.bytes.subarray(start, end), start)
    }
    const durable = found.slice()
    return { bytes: found, sizeBytes, durable, durableSizeBytes: sizeBytes, dirty: new Set() }
  }
}

function touches(change: DirectoryChange, folder: string): boolean {
  if (change.kind === 'rename') return folderOf(change.from) === folder || folderOf(change.to) === folder
  return folderOf(change.path) === folder
}

function applyChange(files: Map<string, Inode>, change: DirectoryChange): void {
  if (change.kind === 'create') files.set(change.path, change.inode)
  else if (change.kind === 'remove') files.delete(change.path)
  else {
    files.delete(change.from)
    files.set(change.to, change.inode)
  }
}

function plainFolder(folder: string): string {
  return folder.length > 1 && folder.endsWith('/') ? folder.slice(0, -1) : folder
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash)
}
