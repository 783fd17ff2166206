import { expect, test } from 'vitest'
import { ServerRig, standaloneConfig } from '../support/server-rig.ts'
import { CliRig } from './cli-rig.ts'

async function cliOf(...lines: readonly string[]): Promise<CliRig> {
  const simulation = new ServerRig()
  await simulation.started(standaloneConfig(lines))
  return new CliRig(simulation)
}

test('checkpoint waits for the checkpoint and prints where it is', async () => {
  const cli = await cliOf('4lw.commands.whitelist=ckpt')
  await cli.run('create', '/a', 'x')
  const { out, err, status } = await cli.run('checkpoint')
  expect([err, status]).toEqual(['', 0])
  expect(out).toMatch(/^Zxid: 0x10000000[0-9a-f]\nZnode count: 5\nSession count: 0\n/)
  expect(out).toContain('\nRemoved files of the log: 0\nRemoved bytes of the log: 0\nLog size in bytes: ')
  expect(out).toContain('\nThe log is kept because: it is kept until 3 checkpoints were made')
  const json = JSON.parse((await cli.run('--json', 'checkpoint')).out)
  expect(json).toMatchObject({ word: 'ckpt', 'Znode count': 5, 'Duration in ms': 0, 'Removed files of the log': 0 })
})

test('checkpoint says which setting allows it', async () => {
  const cli = await cliOf()
  const { err, status } = await cli.run('checkpoint')
  expect(status).toBe(1)
  expect(err).toContain("Write 4lw.commands.whitelist=* in the server's zoo.cfg")
})

test('a checkpoint that fails is a refusal with its reason', async () => {
  const simulation = new ServerRig()
  const { checkpointsOn } = simulation
  simulation.checkpointsOn = (disk) => (options) => {
    const checkpoints = checkpointsOn(disk)(options)
    checkpoints.advance = () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }))
    return checkpoints
  }
  await simulation.started(standaloneConfig(['4lw.commands.whitelist=ckpt']))
  const cli = new CliRig(simulation)
  await cli.run('create', '/a', 'x')
  const { err, status } = await cli.run('checkpoint')
  expect(status).toBe(1)
  expect(err).toContain('Checkpoint failed: /data/checkpoint: the disk has failed')
})
