import { expect } from 'vitest'
import { Scheduler, SimProcess } from '../simulator/scheduler.ts'
import { faultless, type NetworkConditions, SimNetwork } from '../simulator/sim-network.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { streamContract } from './stream.contract.ts'

const calm: NetworkConditions = { ...faultless, splitChance: () => 0.1, coalesceChance: () => 0.5 }

streamContract('simulated', async () => {
  const scheduler = new Scheduler(1, (_process, cause) => {
    throw cause
  })
  const networkProcess = new SimProcess('network')
  const random = new SimRandom(1)
  const network = new SimNetwork({ scheduler, random, conditions: calm, networkProcess, windowSizeBytes: 65_536 })
  return {
    listener: network.listener('b', new SimProcess('b')),
    dialer: network.dialer('a', new SimProcess('a')),
    address: { host: 'b', port: 2181 },
    deadAddress: { host: 'b', port: 9 },
    until: async (condition) => {
      await scheduler.runUntil(scheduler.nowUs + 100_000_000, condition)
      expect(condition(), 'the condition holds in time').toBe(true)
    },
  }
})
