/** The checkpoints of a simulated server: the real keeper, in the one thread of the simulator, over its disk. */
import { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import type { OpenCheckpoints } from '../../src/ports/checkpoints.ts'
import type { Disk } from '../../src/ports/disk.ts'
import { SimKeyValues } from './sim-key-values.ts'

export function simCheckpoints(disk: Disk): OpenCheckpoints {
  return (options) => new CheckpointKeeper({ ...options, disk, stores: new SimKeyValues(disk) })
}
