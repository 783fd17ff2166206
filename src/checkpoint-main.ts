/**
 * Entry of the thread that keeps the checkpoints of a server: connects the real disk and LevelDB to the keeper.
 * `nodePorts` starts the thread.
 */
import { CheckpointKeeper } from './checkpoint/checkpoint-keeper.ts'
import { hostCheckpoints } from './io/checkpoint-host.ts'
import { levelStores } from './io/level-stores.ts'
import { nodeDisk } from './io/node-disk.ts'

hostCheckpoints(({ requiresDirectorySync }) => {
  const disk = nodeDisk({ requiresDirectorySync })
  return (options) => new CheckpointKeeper({ ...options, disk, stores: levelStores(disk) })
})
