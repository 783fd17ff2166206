/**
 * Memory for short-lived bytes: request bodies, reply bodies, output. Allocating an array of its own for 65 bytes to
 * 2 KiB costs 0.7 µs and work for the collector, since it lies outside the JavaScript heap; a share of a slab costs 0.1.
 * Whoever keeps one share keeps its slab, so slabs are small, and what lives long (retained txns) is copied elsewhere.
 */
const slabSizeBytes = 8 * 1024
/** Above this an array of its own does not matter any more. */
const shareSizeBytesMax = 2 * 1024
/** Up to this V8 keeps the bytes of a typed array inside its heap. */
const inHeapSizeBytesMax = 64

let slab = new Uint8Array(slabSizeBytes)
let usedBytes = 0

/** Zeroed, and nobody else's. */
export function allocateBytes(sizeBytes: number): Uint8Array {
  if (sizeBytes <= inHeapSizeBytesMax || sizeBytes > shareSizeBytesMax) return new Uint8Array(sizeBytes)
  if (usedBytes + sizeBytes > slabSizeBytes) {
    slab = new Uint8Array(slabSizeBytes)
    usedBytes = 0
  }
  const start = usedBytes
  usedBytes += sizeBytes
  return slab.subarray(start, usedBytes)
}
