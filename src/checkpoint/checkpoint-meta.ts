/**
 * The meta record of a checkpoint store: of which history it is the state, where it came from, and what proves that it
 * is complete. Each batch that is written to a store replaces it, so every state of the store on disk has the record that
 * belongs to it. 72 bytes, big-endian:
 *    0 format u32           28 digest u64            60 epoch u32
 *    4 server u32           36 znode count u64       64 origin u32
 *    8 zxid u64             44 session count u64     68 CRC32C of the bytes before
 *   16 chain hash u64       52 cluster id u64
 *   24 digest version u32
 * In every format the first four bytes are the format and the last four the checksum.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import { crc32c } from '../base/crc32c.ts'
import type { Zxid } from '../base/ids.ts'
import type { CheckpointFacts, CheckpointOrigin } from '../ports/checkpoints.ts'
import { readUint64, writeUint64 } from '../storage/record-codec.ts'
import { makeTreeDigest, treeDigestVersion } from '../tree/tree-digest.ts'

/** The digest is kept as its two lanes, which can be added to. */
export interface CheckpointMeta extends Omit<CheckpointFacts, 'digest' | 'digestVersion'> {
  readonly serverId: number // of the server whose store this is
  readonly digestA: number
  readonly digestB: number
}

export type MetaReading =
  | { readonly kind: 'valid'; readonly meta: CheckpointMeta }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'newer'; readonly what: string } // of a version with another format or digest

const checkpointFormat = 1
const metaSizeBytes = 72
const checksumSizeBytes = 4
const origins: readonly CheckpointOrigin[] = ['folded', 'received', 'restored'] // stored as 1, 2, 3

export function encodeMeta(meta: CheckpointMeta): Uint8Array {
  const bytes = new Uint8Array(metaSizeBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, checkpointFormat)
  view.setUint32(4, meta.serverId)
  writeUint64(view, 8, meta.zxid)
  writeUint64(view, 16, meta.hash)
  view.setUint32(24, treeDigestVersion)
  view.setInt32(28, meta.digestA)
  view.setInt32(32, meta.digestB)
  writeUint64(view, 36, meta.znodeCount)
  writeUint64(view, 44, meta.sessionCount)
  writeUint64(view, 52, meta.clusterId)
  view.setUint32(60, meta.epoch)
  view.setUint32(64, origins.indexOf(meta.origin) + 1)
  view.setUint32(metaSizeBytes - checksumSizeBytes, crc32c(bytes.subarray(0, metaSizeBytes - checksumSizeBytes)))
  return bytes
}

export function readMeta(bytes: Uint8Array): MetaReading {
  const checkedSizeBytes = bytes.length - checksumSizeBytes
  if (checkedSizeBytes < 4) return { kind: 'damaged' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(checkedSizeBytes) !== crc32c(bytes.subarray(0, checkedSizeBytes))) return { kind: 'damaged' }
  const format = view.getUint32(0)
  if (format !== checkpointFormat) return { kind: 'newer', what: `format ${format}` }
  const origin = bytes.length === metaSizeBytes ? origins[view.getUint32(64) - 1] : undefined
  if (origin === undefined) return { kind: 'damaged' }
  const digestVersion = view.getUint32(24)
  if (digestVersion !== treeDigestVersion) return { kind: 'newer', what: `tree digests of version ${digestVersion}` }
  return {
    kind: 'valid',
    meta: {
      serverId: view.getUint32(4),
      zxid: readUint64(view, 8) as Zxid,
      hash: readUint64(view, 16) as ChainHash,
      digestA: view.getInt32(28),
      digestB: view.getInt32(32),
      znodeCount: readUint64(view, 36),
      sessionCount: readUint64(view, 44),
      clusterId: readUint64(view, 52),
      epoch: view.getUint32(60),
      origin,
    },
  }
}

export function factsOf(meta: CheckpointMeta): CheckpointFacts {
  const { zxid, hash, origin, clusterId, epoch, znodeCount, sessionCount } = meta
  const digest = makeTreeDigest(meta.digestA, meta.digestB)
  return { zxid, hash, origin, clusterId, epoch, znodeCount, sessionCount, digest, digestVersion: treeDigestVersion }
}
