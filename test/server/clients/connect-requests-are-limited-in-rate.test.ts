import { expect, test } from 'vitest'
import type { ConnectionThrottleLimits } from '../../../src/config/client-limits.ts'
import { newMetrics } from '../../../src/metrics/server-metrics.ts'
import { ClientAdmission } from '../../../src/server/clients/client-admission.ts'
import { ConnectionThrottle } from '../../../src/server/clients/connection-throttle.ts'
import { connectFrame } from '../../support/conversation.ts'
import { configOf, ServerRig, standaloneConfig } from '../../support/server-rig.ts'

const limits: ConnectionThrottleLimits = {
  tokenCountMax: 3,
  fillTimeMs: 10,
  fillTokenCount: 1,
  freezeTimeMs: -1,
  dropIncrease: 0.5,
  dropDecrease: 0.25,
  decreaseRatio: 0,
  newSessionTokens: 1,
  localSessionTokens: 1,
  returningSessionTokens: 1,
}
const start = 1000
const ensembleLines = [1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888;2181`)
ensembleLines.push('dataDir=/data', 'initLimit=10', 'syncLimit=5')

function throttleOf(change: Partial<ConnectionThrottleLimits>, chance = 0.999): ConnectionThrottle {
  return new ConnectionThrottle({ ...limits, ...change }, { uint32: () => Math.floor(chance * 2 ** 32) })
}

test('a full bucket admits a burst, and its tokens return at the configured rate', () => {
  const throttle = throttleOf({})
  const at = (ms: number): boolean => throttle.admits('new-global', start + ms)
  expect([at(0), at(0), at(0), at(0)]).toEqual([true, true, true, false])
  expect(throttle.deficitCount).toBe(3)
  // The bucket is filled when more than the fill time has passed, not exactly at it (ZK: BlueThrottle.checkLimit).
  expect([at(10), at(11), at(11)]).toEqual([false, true, false])
  expect([at(50), at(50), at(50), at(50)]).toEqual([true, true, true, false])
})

test('the bucket never holds more than tokenCountMax tokens', () => {
  const throttle = throttleOf({})
  expect([0, 0, 0, 0].map(() => throttle.admits('new-global', start + 1_000_000))).toEqual([true, true, true, false])
})

test('with weights a returning session takes fewer tokens than a new one', () => {
  const throttle = throttleOf({ tokenCountMax: 5, newSessionTokens: 3, returningSessionTokens: 2 })
  expect([
    throttle.admits('new-global', start),
    throttle.admits('new-global', start),
    throttle.admits('returning', start),
  ]).toEqual([true, false, true])
})

test('with weights a local session takes its own number of tokens', () => {
  const throttle = throttleOf({ tokenCountMax: 4, newSessionTokens: 3, localSessionTokens: 1 })
  expect(throttle.admits('new-local', start)).toBe(true)
  expect(throttle.deficitCount).toBe(1)
  expect(throttle.admits('new-global', start)).toBe(true)
  expect(throttle.admits('new-local', start)).toBe(false)
})

test('a new session takes the weight of a local one if the configuration makes it local', () => {
  const weighted = ['connection_throttle_tokens=1', 'connection_throttle_weight_enabled=true']
  const admittedBy = (lines: readonly string[]): number => {
    const config = configOf([...ensembleLines, ...weighted, ...lines].join('\n'), '1\n')
    const admission = new ClientAdmission(config, newMetrics(), { uint32: () => 0 })
    return [1, 2, 3, 4].filter(() => admission.admitsSession(true, start)).length
  }
  expect([admittedBy([]), admittedBy(['localSessionsEnabled=true'])]).toEqual([1, 3])
})

test('mntr shows the chance to be dropped', async () => {
  const rig = new ServerRig()
  const throttled = ['tokens=1', 'fill_time=1000000', 'freeze_time=1', 'drop_increase=0.25']
  await rig.started(standaloneConfig(throttled.map((line) => `connection_throttle_${line}`)))
  const dropProbability = async (): Promise<string | undefined> => {
    return /^zk_connection_drop_probability\t(.*)$/m.exec(await rig.ask('mntr'))?.[1]
  }
  expect(await dropProbability()).toBe('0.0')
  for (let i = 0; i < 3; i++) {
    const client = await rig.connect()
    client.send(connectFrame())
    await rig.run(10)
  }
  expect(await dropProbability()).toBe('0.5')
})

test('the chance to be dropped rises while the bucket is empty and falls again when it is full', () => {
  const throttle = throttleOf({ freezeTimeMs: 5, fillTimeMs: 1_000_000 }, 0.4)
  const at = (ms: number): boolean => throttle.admits('new-global', start + ms)
  expect([at(0), at(0), at(0)]).toEqual([true, true, true])
  // Empty: after the freeze time the chance becomes 0.5, so a draw of 0.4 is dropped, even if the bucket has tokens.
  expect(at(6)).toBe(false)
  const refilled = start + 4_000_000
  // Full again: each freeze time lowers the chance by 0.25, and 0.4 is above 0.25.
  expect(throttle.admits('new-global', refilled)).toBe(true)
})
