import { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { keyValuesContract } from './key-values.contract.ts'

keyValuesContract('simulated stores', async () => {
  const schedule = (_delayMs: number, callback: () => void): void => void Promise.resolve().then(callback)
  const disk = new SimDisk({ random: new SimRandom(1), schedule })
  await disk.makeFolder('/data')
  return { stores: new SimKeyValues(disk), folder: '/data', dispose: async () => undefined }
})
