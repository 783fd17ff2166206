/**
 * Copies bytes four at a time. For the lengths that names, Stats and most data have this is faster than `set`, which needs
 * a view of each stretch, and than a loop over bytes.
 */
export function copyBytes(from: DataView, start: number, lengthBytes: number, to: DataView, at: number): void {
  const end = start + lengthBytes
  const shift = at - start
  let next = start
  for (; next + 4 <= end; next += 4) to.setInt32(next + shift, from.getInt32(next, true), true)
  for (; next < end; next += 1) to.setUint8(next + shift, from.getUint8(next))
}

/** Above this the view that `set` needs costs less than a loop over bytes. */
const loopSizeBytesMax = 160

/** Copies [start, end) of `from` to `at`. */
export function copyRange(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > loopSizeBytesMax) {
    to.set(from.subarray(start, end), at)
    return
  }
  const shift = at - start
  for (let i = start; i < end; i++) to[i + shift] = from[i]!
}
