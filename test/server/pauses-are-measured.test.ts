import { expect, test } from 'vitest'
import { standaloneConfig, World } from '../support/server-rig.ts'

async function wordAnswer(world: World, word: string): Promise<string> {
  const client = await world.connect('10.0.1.9')
  client.send(new TextEncoder().encode(word))
  await world.run(20)
  return client.text
}

async function pauseTime(world: World, part: string): Promise<number> {
  const mntr = await wordAnswer(world, 'mntr')
  return Number(new RegExp(`^zk_${part}_jvm_pause_time_ms\t(.*)$`, 'm').exec(mntr)?.[1])
}

/** Stops a standalone server for each of these times, with a second of work after each. */
async function paused(lines: readonly string[], ...timesMs: readonly number[]): Promise<World> {
  const world = new World()
  const { server, process } = world.server(standaloneConfig(lines))
  expect((await world.settle(server.start())).ok).toBe(true)
  await world.run(1000)
  for (const ms of timesMs) {
    world.scheduler.pause(process)
    await world.run(ms)
    world.scheduler.resume(process, 'timers-first')
    await world.run(1000)
  }
  return world
}

const pauses = (world: World): readonly string[] =>
  world.lines.filter(({ event }) => event === 'process-paused').map(({ level }) => level)

test('ticks that come in time are counted as no pause and get no line', async () => {
  const world = await paused([])
  expect(await pauseTime(world, 'cnt')).toBeGreaterThan(5)
  expect(await pauseTime(world, 'max')).toBe(0)
  expect(pauses(world)).toEqual([])
})

test('a stopped process is measured although the clock of the deadlines leaves its pause out', async () => {
  const world = await paused([], 700, 3000, 12_000)
  // A tick was due at most one interval after the process stopped.
  const maxMs = await pauseTime(world, 'max')
  expect(maxMs).toBeLessThanOrEqual(12_000)
  expect(maxMs).toBeGreaterThan(11_500)
  expect(await pauseTime(world, 'sum')).toBeGreaterThan(14_000)
  expect(await pauseTime(world, 'p999')).toBe(maxMs)
  expect(pauses(world)).toEqual(['info', 'warn'])
  expect(world.events('process-paused').at(-1)).toEqual({ serverId: 1, durationMs: maxMs })
})

test('the thresholds of the lines are those of the configuration', async () => {
  const lines = ['jvm.pause.warn-threshold.ms=2000', 'jvm.pause.info-threshold.ms=500']
  expect(pauses(await paused(lines, 400, 900, 3000))).toEqual(['info', 'warn'])
})

test('without the monitor nothing is measured', async () => {
  const world = await paused(['jvm.pause.monitor=false'], 12_000)
  expect(await pauseTime(world, 'cnt')).toBe(0)
  expect(pauses(world)).toEqual([])
})
