/**
 * An open file of a simulated disk: which bytes an operation changes, and which sectors a flush makes durable. A write is
 * in the file from the moment it is asked for; a flush covers what was written before it was asked for.
 */
import type { DiskFile, OpenMode } from '../../src/ports/disk.ts'
import { flushSectors, grow, type Inode, sectorsOf } from './sim-inode.ts'

export type FileOperation = 'read' | 'write' | 'write-durably' | 'sync' | 'truncate' | 'size' | 'close'

/** May be changed at any time. */
export interface FileFaults {
  /** Creating a file and growing one fails with ENOSPC, after a part of the bytes was written. */
  full: boolean
  /** The paths that this is about begin with it. */
  fullBelow: string
  /** Every flush fails with EIO; what it should have made durable stays as unflushed as it was. */
  flushFails: boolean
  /** Every read fails with EIO. */
  readFails: boolean
}

export interface DiskOfFiles {
  readonly faults: FileFaults
  /** The writes of a file must not reach a disk that another process has taken over. */
  readonly isCrashed: boolean
  /** `act` runs when the operation completes; after a crash it does not, and nothing settles. */
  run<T>(operation: FileOperation, path: string, act: () => T): Promise<T>
  pickBelow(count: number): number
}

export class SimFile implements DiskFile {
  readonly path: string
  readonly #disk: DiskOfFiles
  readonly #inode: Inode
  readonly #mode: OpenMode
  #isClosed = false

  constructor(disk: DiskOfFiles, path: string, inode: Inode, mode: OpenMode) {
    this.#disk = disk
    this.path = path
    this.#inode = inode
    this.#mode = mode
  }

  read(position: number, lengthBytes: number): Promise<Uint8Array> {
    return this.#run('read', () => {
      if (this.#disk.faults.readFails) throw fault('EIO', 'read', this.path)
      return this.#inode.bytes.slice(position, Math.min(position + lengthBytes, this.#inode.sizeBytes))
    })
  }

  write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    const outcome = this.#put(position, chunks)
    return this.#run('write', () => {
      if (outcome.error !== null) throw outcome.error
    })
  }

  writeDurably(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    const outcome = this.#put(position, chunks)
    return this.#run('write-durably', () => {
      if (outcome.error !== null) throw outcome.error
      if (this.#disk.faults.flushFails) throw fault('EIO', 'flush', this.path)
      flushSectors(this.#inode, sectorsOf(position, outcome.end))
    })
  }

  sync(): Promise<void> {
    const sectors = [...this.#inode.dirty]
    return this.#run('sync', () => {
      if (this.#disk.faults.flushFails) throw fault('EIO', 'flush', this.path)
      flushSectors(this.#inode, sectors)
    })
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#run('truncate', () => {
      const inode = this.#inode
      if (sizeBytes > inode.sizeBytes) grow(inode, sizeBytes)
      else inode.bytes.fill(0, sizeBytes, inode.sizeBytes)
      for (const sector of sectorsOf(Math.min(sizeBytes, inode.sizeBytes), inode.sizeBytes)) inode.dirty.add(sector)
      inode.sizeBytes = sizeBytes
    })
  }

  sizeBytes(): Promise<number> {
    return this.#run('size', () => this.#inode.sizeBytes)
  }

  close(): Promise<void> {
    return this.#run('close', () => {
      this.#isClosed = true
    })
  }

  #run<T>(operation: FileOperation, act: () => T): Promise<T> {
    if (this.#isClosed) return Promise.reject(fault('EBADF', operation, this.path))
    return this.#disk.run(operation, this.path, act)
  }

  #put(position: number, chunks: readonly Uint8Array[]): { readonly end: number; readonly error: Error | null } {
    if (this.#mode === 'read') return { end: position, error: fault('EBADF', 'write', this.path) }
    if (this.#disk.isCrashed) return { end: position, error: null }
    const inode = this.#inode
    const lengthBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    let end = position + lengthBytes
    let error: Error | null = null
    if (isFull(this.#disk.faults, this.path) && end > inode.sizeBytes) {
      end = position + this.#disk.pickBelow(Math.max(0, inode.sizeBytes - position) + 1)
      error = fault('ENOSPC', 'write', this.path)
    }
    grow(inode, end)
    let at = position
    for (const chunk of chunks) {
      if (at >= end) break
      inode.bytes.set(chunk.subarray(0, end - at), at)
      at += chunk.length
    }
    for (const sector of sectorsOf(position, end)) inode.dirty.add(sector)
    inode.sizeBytes = Math.max(inode.sizeBytes, end)
    return { end, error }
  }
}

export function isFull({ full, fullBelow }: FileFaults, path: string): boolean {
  return full && path.startsWith(fullBelow)
}

export function fault(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} ${path} (simulated)`), { code })
}
