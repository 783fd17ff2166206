/** The Stat of the wire in the names of the client's door. */
import type { Stat } from '../protocol/client/stat.ts'
import type { ZnodeStat } from './types.ts'

export function statFromWire(stat: Stat): ZnodeStat {
  const { ctime, mtime, ...rest } = stat
  return { ...rest, ctimeMs: ctime, mtimeMs: mtime }
}
