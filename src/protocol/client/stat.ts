/**
 * The Stat of a znode as clients see it. The tree keeps these 68 bytes ready, so a read copies and does not
 * convert; the offsets below are part of that contract and a test compares them with the record.
 */
import { int, sessionId, timeMs, zxid } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'

export const Stat = record('Stat', {
  czxid: zxid,
  mzxid: zxid,
  ctime: timeMs,
  mtime: timeMs,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: sessionId,
  dataLength: int,
  numChildren: int,
  pzxid: zxid,
})
export type Stat = Infer<typeof Stat>

export const statSizeBytes = 68

/** Where each field begins. */
export const statOffsets = {
  czxid: 0,
  mzxid: 8,
  ctime: 16,
  mtime: 24,
  version: 32,
  cversion: 36,
  aversion: 40,
  ephemeralOwner: 44,
  dataLength: 52,
  numChildren: 56,
  pzxid: 60,
} as const satisfies Record<keyof Stat, number>
