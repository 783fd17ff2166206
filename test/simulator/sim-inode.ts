/**
 * One file of the simulated disk: what a reader sees, and what a crash would leave for certain. The two differ
 * only in the dirty sectors and in the size; if a changed sector were not marked dirty, a crash would keep it.
 */
export const sectorSizeBytes = 512

export interface Inode {
  bytes: Uint8Array // as a reader sees it; capacity may be larger than the size
  sizeBytes: number
  durable: Uint8Array
  durableSizeBytes: number
  readonly dirty: Set<number> // sectors in which `bytes` may differ from `durable`
}

export function emptyInode(): Inode {
  return { bytes: new Uint8Array(0), sizeBytes: 0, durable: new Uint8Array(0), durableSizeBytes: 0, dirty: new Set() }
}

export function grow(inode: Inode, sizeBytes: number): void {
  if (sizeBytes <= inode.bytes.length) return
  const larger = new Uint8Array(Math.max(sizeBytes, inode.bytes.length * 2, 4096))
  larger.set(inode.bytes)
  inode.bytes = larger
}

/** Size and the given sectors become durable. */
export function flushSectors(inode: Inode, sectors: readonly number[]): void {
  if (inode.durable.length < inode.bytes.length) {
    const larger = new Uint8Array(inode.bytes.length)
    larger.set(inode.durable)
    inode.durable = larger
  }
  for (const sector of sectors) {
    const start = sector * sectorSizeBytes
    inode.durable.set(inode.bytes.subarray(start, start + sectorSizeBytes), start)
    inode.dirty.delete(sector)
  }
  inode.durableSizeBytes = inode.sizeBytes
}

export function sectorsOf(start: number, end: number): readonly number[] {
  const first = Math.floor(start / sectorSizeBytes)
  return Array.from({ length: Math.max(0, Math.ceil(end / sectorSizeBytes) - first) }, (_, i) => first + i)
}
