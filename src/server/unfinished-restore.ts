/**
 * Finds the mark of a restore that did not end. What such a restore has written cannot be used: the folder may look as if
 * it had never held data, and a server that started in it would show clients an empty tree.
 */
import type { Config } from '../config/config.ts'
import type { Disk } from '../ports/disk.ts'
import { restoreMarkOf } from '../storage/restore-mark.ts'
import { type StartFailure, withDiskFailures } from './start-failure.ts'

/** Null: there is no mark. */
export function findUnfinishedRestore(disk: Disk, config: Config): Promise<StartFailure | null> {
  return withDiskFailures(config, async () => {
    const mark = restoreMarkOf(config.dataDir)
    if (!(await disk.exists(mark))) return null
    const message =
      `dataDir: a backup was being restored into ${config.dataDir} and the restore did not end (${mark}). Run the same ` +
      `"zkts-cli restore" again; it removes what the first one has left. To start without that backup, move the content of ` +
      'dataDir away, except myid and zoo.cfg. Nothing was changed.'
    return { kind: 'unfinished', message }
  })
}
