/**
 * Data of Apache ZooKeeper in the data folder. This server cannot read it yet; starting beside it would show
 * clients an empty tree where there was a full one, so the start is refused.
 */
import { explainDiskFailure } from '../base/disk-failure.ts'
import type { Config } from '../config/config.ts'
import type { Disk } from '../ports/disk.ts'
import type { StartFailure } from './start-failure.ts'

/** Null: there is none, or this server has a log of its own here already. */
export async function findForeignData(disk: Disk, config: Config): Promise<StartFailure | null> {
  try {
    return await lookForIt(disk, config)
  } catch (cause) {
    // Only errors that carry a system's code are faults of the disk; anything else is a bug.
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    const message = `dataDir: ${config.dataDir}: ${explainDiskFailure(cause)}`
    return { kind: 'io', message }
  }
}

async function lookForIt(disk: Disk, config: Config): Promise<StartFailure | null> {
  if (await disk.exists(`${config.dataLogDir}/wal`)) return null
  for (const folder of new Set([`${config.dataDir}/version-2`, `${config.dataLogDir}/version-2`])) {
    if (!(await disk.exists(folder))) continue
    const names = await disk.list(folder)
    const found = names.find((name) => name.startsWith('snapshot.') || name.startsWith('log.'))
    if (found === undefined) continue
    const message =
      `${folder} holds data of Apache ZooKeeper (${found}), which this server cannot read. ` +
      'Write an empty folder for dataDir; nothing was changed.'
    return { kind: 'foreign', message }
  }
  return null
}
