import { expect, test } from 'vitest'
import { RunningClock } from '../../src/server/running-clock.ts'

test('a clock that is ticked often enough agrees with the clock of the machine', () => {
  const clock = new RunningClock(5000, 100)
  const readings = [5000, 5040, 5080, 5170].map((machineMs) => {
    const reading = clock.at(machineMs)
    clock.tick(machineMs)
    return reading
  })
  expect(readings).toEqual([5000, 5040, 5080, 5170])
})

test('a pause advances the clock by one step, and the clock goes on from that reading', () => {
  const clock = new RunningClock(0, 100)
  clock.tick(50)
  expect([clock.at(60), clock.at(150), clock.at(9000)]).toEqual([60, 150, 150])
  clock.tick(9000)
  expect([clock.at(9000), clock.at(9030)]).toEqual([150, 180])
})
