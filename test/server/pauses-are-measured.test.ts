import { expect, test } from 'vitest'
import { ServerRig, standaloneConfig } from '../support/server-rig.ts'

async function pauseTime(rig: ServerRig, part: string): Promise<number | undefined> {
  return (await rig.metrics()).get(`${part}_jvm_pause_time_ms`)
}

/** Stops a standalone server for each of these times, with a second of work after each. */
async function paused(lines: readonly string[], ...timesMs: readonly number[]): Promise<ServerRig> {
  const rig = new ServerRig()
  const { server, process } = rig.server(standaloneConfig(lines))
  expect((await rig.settle(server.start())).ok).toBe(true)
  await rig.run(1000)
  for (const ms of timesMs) {
    rig.scheduler.pause(process)
    await rig.run(ms)
    rig.scheduler.resume(process, 'timers-first')
    await rig.run(1000)
  }
  return rig
}

const pauses = (rig: ServerRig): readonly string[] =>
  rig.lines.filter(({ event }) => event === 'process-paused').map(({ level }) => level)

test('ticks that come in time are counted as no pause and get no line', async () => {
  const rig = await paused([])
  expect(await pauseTime(rig, 'cnt')).toBeGreaterThan(5)
  expect(await pauseTime(rig, 'max')).toBe(0)
  expect(pauses(rig)).toEqual([])
})

test('a stopped process is measured although the clock of the deadlines leaves its pause out', async () => {
  const rig = await paused([], 700, 3000, 12_000)
  // A tick was due at most one interval after the process stopped.
  const maxMs = await pauseTime(rig, 'max')
  expect(maxMs).toBeLessThanOrEqual(12_000)
  expect(maxMs).toBeGreaterThan(11_500)
  expect(await pauseTime(rig, 'sum')).toBeGreaterThan(14_000)
  expect(await pauseTime(rig, 'p999')).toBe(maxMs)
  expect(pauses(rig)).toEqual(['info', 'warn'])
  expect(rig.events('process-paused').at(-1)).toEqual({ serverId: 1, durationMs: maxMs })
})

test('the thresholds of the lines are those of the configuration', async () => {
  const lines = ['jvm.pause.warn-threshold.ms=2000', 'jvm.pause.info-threshold.ms=500']
  expect(pauses(await paused(lines, 400, 900, 3000))).toEqual(['info', 'warn'])
})

test('without the monitor nothing is measured', async () => {
  const rig = await paused(['jvm.pause.monitor=false'], 12_000)
  expect(await pauseTime(rig, 'cnt')).toBe(0)
  expect(pauses(rig)).toEqual([])
})
