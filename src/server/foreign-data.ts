/**
 * Finds data of Apache ZooKeeper in the data folder. This server cannot read it yet, and if it started it would show
 * clients an empty tree in place of a full one, so the start is refused.
 */
import type { Config } from '../config/config.ts'
import type { Disk } from '../ports/disk.ts'
import { type StartFailure, withDiskFailures } from './start-failure.ts'

/** Null: no such data exists, or this server already has its own log in the folder. */
export function findForeignData(disk: Disk, config: Config): Promise<StartFailure | null> {
  return withDiskFailures(config, () => lookForIt(disk, config))
}

async function lookForIt(disk: Disk, config: Config): Promise<StartFailure | null> {
  if (await disk.exists(`${config.dataLogDir}/wal`)) return null
  const settings = new Map([
    [config.dataLogDir, 'dataLogDir'],
    [config.dataDir, 'dataDir'],
  ])
  for (const [parent, setting] of settings) {
    const folder = `${parent}/version-2`
    if (!(await disk.exists(folder))) continue
    const names = await disk.list(folder)
    const found = names.find((name) => name.startsWith('snapshot.') || name.startsWith('log.'))
    if (found === undefined) continue
    const message =
      `${folder} holds data of Apache ZooKeeper (${found}), which this server cannot read. ` +
      `Write a folder without such data for ${setting}; nothing was changed.`
    return { kind: 'foreign', message }
  }
  return null
}
