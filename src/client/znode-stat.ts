/** Converts a Stat of the wire to the client's public type. */
import type { Stat } from '../protocol/client/stat.ts'
import type { ZnodeStat } from './types.ts'

export function statFromWire(stat: Stat): ZnodeStat {
  const { ctime, mtime, ...rest } = stat
  return { ...rest, ctimeMs: ctime, mtimeMs: mtime }
}
