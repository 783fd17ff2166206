/** The checkpoints of a simulated server: the real keeper, in the one thread of the simulator, over its disk. */
import { CheckpointKeeper, type CheckpointKeeperOptions } from '../../src/checkpoint/checkpoint-keeper.ts'
import type { OpenCheckpoints } from '../../src/ports/checkpoints.ts'
import type { Disk } from '../../src/ports/disk.ts'
import { SimKeyValues } from './sim-key-values.ts'

export function simCheckpoints(
  disk: Disk,
  sizes: Pick<CheckpointKeeperOptions, 'chunkSizeBytesMax' | 'stepSizeBytesMax'> = {},
): OpenCheckpoints {
  return (options) => new CheckpointKeeper({ ...options, ...sizes, disk, stores: new SimKeyValues(disk) })
}
