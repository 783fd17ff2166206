/**
 * What changes do to the zxids and times of a Stat, as bits. They are noted for each change in flight, and carried out when
 * they are asked for, which only an operation of ClickHouse Keeper does: to keep five numbers for each znode in flight would
 * cost every write more than all else that validation keeps.
 */
import { type Zxid, zeroZxid } from '../base/ids.ts'
import type { NodeMoments } from '../tree/node-view.ts'

export const momentsSet = { none: 0, created: 1, dataChanged: 2, childrenChanged: 4, deleted: 8 } as const

export const noMoments: NodeMoments = { czxid: zeroZxid, mzxid: zeroZxid, pzxid: zeroZxid, ctimeMs: 0, mtimeMs: 0 }

/** After a txn at `zxid` that was decided at `timeMs`. */
export function momentsAfter(before: NodeMoments, bits: number, zxid: Zxid, timeMs: number): NodeMoments {
  if ((bits & momentsSet.created) !== 0) {
    return { czxid: zxid, mzxid: zxid, pzxid: zxid, ctimeMs: timeMs, mtimeMs: timeMs }
  }
  if ((bits & momentsSet.deleted) !== 0) return noMoments
  const isChanged = (bits & momentsSet.dataChanged) !== 0
  return {
    czxid: before.czxid,
    mzxid: isChanged ? zxid : before.mzxid,
    pzxid: (bits & momentsSet.childrenChanged) !== 0 ? zxid : before.pzxid,
    ctimeMs: before.ctimeMs,
    mtimeMs: isChanged ? timeMs : before.mtimeMs,
  }
}
