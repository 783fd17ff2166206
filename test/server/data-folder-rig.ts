/** Servers whose data folders are checked: used disks, starts that are refused, starts that end by a crash. */
import { expect } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import type { StartFailure } from '../../src/server/start-failure.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { connectFrame } from '../support/conversation.ts'
import { createFrame, existsFrame } from '../support/requests.ts'
import { type ServerRig, standaloneConfig } from '../support/server-rig.ts'

/** These tests are about identity and log alone, as a server leaves them that has made no checkpoint yet. */
async function removeCheckpoint(rig: ServerRig, disk: SimDisk): Promise<void> {
  for (const path of disk.paths()) if (path.startsWith('/data/checkpoint/')) await rig.settle(disk.remove(path))
}

/** The disk of a standalone server that has created /a and was closed. */
export async function usedDisk(rig: ServerRig, config = standaloneConfig()): Promise<SimDisk> {
  const disk = rig.disk()
  const server = await rig.started(config, disk)
  const writer = await rig.connect()
  writer.send(connectFrame(), createFrame(1, '/a', 'kept'))
  await rig.run(100)
  expect(writer.replies()[0]!.error).toBe(0)
  await rig.settle(server.close())
  await removeCheckpoint(rig, disk)
  return disk
}

export async function refusal(rig: ServerRig, config: Config, disk: SimDisk): Promise<StartFailure> {
  const before = disk.paths()
  const outcome = await rig.settle(rig.server(config, disk).server.start())
  if (outcome.ok) throw new Error('the server started')
  expect(disk.paths()).toEqual(before)
  return outcome.error
}

/** Starts a server on the disk and returns whether /a exists. */
export async function holdsData(rig: ServerRig, config: Config, disk: SimDisk): Promise<boolean> {
  const server = await rig.started(config, disk)
  const reader = await rig.connect()
  reader.send(connectFrame(), existsFrame(1, '/a'))
  await rig.run(100)
  const { error } = reader.replies()[0]!
  await rig.settle(server.close())
  await removeCheckpoint(rig, disk)
  return error === 0
}

/** The disk after the power failed at the given disk operation of a start, or when 200 ms had passed. */
export async function crashedStart(
  rig: ServerRig,
  config: Config,
  disk: SimDisk,
  step: number,
  crash = (at: SimDisk): SimDisk => at.crash('random'),
): Promise<{ readonly after: SimDisk; readonly hasReachedStep: boolean }> {
  const until = disk.operationCount + step
  const { server, process, host } = rig.server(config, disk)
  void server.start()
  for (let ms = 0; ms < 200 && disk.operationCount < until; ms++) await rig.run(1)
  rig.scheduler.kill(process)
  rig.network.crash(host, process, 'power-off')
  rig.network.powerOn(host)
  return { after: crash(disk), hasReachedStep: disk.operationCount >= until }
}
