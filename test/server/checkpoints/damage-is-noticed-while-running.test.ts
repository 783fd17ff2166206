/** Files of the checkpoint are removed under a running server, which otherwise only its next start would notice. */
import { describe, expect, test } from 'vitest'
import { localKeyPath } from '../../../src/storage/local-key-file.ts'
import { connectedClient } from '../../client/client-ports.ts'
import { CheckpointRig, copiesOf, keepingConfig } from './checkpoint-rig.ts'

const current = '/data/checkpoint/current'

function entriesOf(rig: CheckpointRig): string {
  return rig.disk.paths().find((path) => path.endsWith('/entries'))!
}

describe('a server that runs', () => {
  test('writes a file current again that was removed, and removes no part of the log before', async () => {
    const rig = new CheckpointRig()
    await rig.start()
    await rig.write(15)
    await rig.rig.run(500)
    rig.disk.removeAtOnce(current)
    await rig.write(80)
    await rig.rig.run(1500)
    expect(rig.rig.events('checkpoint-file-written-again')).toHaveLength(1)
    expect(rig.firstSegment()).toBeGreaterThan(1)
    rig.kill()
    await rig.start()
    await rig.expectAll()
  })

  test('makes a checkpoint again whose files were removed, while its log is whole', async () => {
    const rig = new CheckpointRig()
    await rig.start(keepingConfig)
    await rig.write(25)
    await rig.rig.run(500)
    rig.disk.removeAtOnce(entriesOf(rig))
    await rig.write(15)
    await rig.rig.run(1500)
    expect(rig.rig.events('checkpoint-damaged')).toHaveLength(1)
    expect(await rig.metric('checkpoint_damaged')).toBe(0)
    expect(rig.disk.paths().filter((path) => path.endsWith('/entries'))).toEqual(['/data/checkpoint/store-2/entries'])
    rig.kill()
    await rig.start(keepingConfig)
    expect(rig.rig.events('checkpoint-loaded')).toHaveLength(1)
    await rig.expectAll()
  })

  test('keeps the rest of its log and says what is lost, if the log has no front; files that come back are used', async () => {
    const rig = new CheckpointRig()
    await rig.start()
    await rig.write(90)
    await rig.rig.run(1500)
    const first = rig.firstSegment()
    expect(first).toBeGreaterThan(1)
    const aside = '/aside'
    await rig.rig.settle(rig.disk.rename(entriesOf(rig), aside))
    await rig.write(90)
    await rig.rig.run(1500)
    expect(rig.firstSegment()).toBe(first)
    expect(rig.rig.events('checkpoint-lost')).toHaveLength(1)
    expect(await rig.metric('checkpoint_damaged')).toBe(1)
    expect(await rig.ask('ckpt')).toMatch(/^Checkpoint failed: \/data\/checkpoint: .*entries is missing/)
    await rig.rig.settle(rig.disk.rename(aside, '/data/checkpoint/store-1/entries'))
    expect(await rig.ask('ckpt')).toMatch(/^Zxid: /)
    expect(await rig.metric('checkpoint_damaged')).toBe(0)
    await rig.write(30)
    await rig.rig.run(1500)
    expect(rig.firstSegment()).toBeGreaterThan(first)
    rig.kill()
    await rig.start()
    await rig.expectAll()
  })

  test('makes a checkpoint again that a backup found damaged, before a part of its log is removed', async () => {
    const rig = new CheckpointRig()
    let isDamaged = false
    rig.change((real) => ({
      copy: copiesOf(real, () => isDamaged),
      discard: (store) => {
        isDamaged = false
        return real.discard(store)
      },
    }))
    await rig.start(keepingConfig)
    await rig.write(30)
    await rig.rig.run(1500)
    isDamaged = true
    const client = await connectedClient(rig.rig)
    await rig.rig.settle(client.addAuth('local', rig.disk.contents(localKeyPath('/data'))))
    const backup = await rig.rig.settle(client.openBackup())
    const read = async (): Promise<void> => {
      for await (const _ of backup);
    }
    await expect(rig.rig.settle(read())).rejects.toMatchObject({ refusal: 'failed' })
    await rig.rig.run(1500)
    expect(rig.rig.events('checkpoint-damaged')).toHaveLength(1)
    expect(isDamaged).toBe(false)
    expect(await rig.metric('checkpoint_damaged')).toBe(0)
  })
})

test('mntr says how old the last checkpoint is, how large, and what the log takes', async () => {
  const rig = new CheckpointRig()
  await rig.start()
  expect(await rig.metric('last_checkpoint_zxid')).toBeNaN()
  await rig.write(25)
  const zxid = Number(/^Zxid: (0x\w+)/.exec(await rig.ask('ckpt'))![1])
  expect(await rig.metric('last_checkpoint_zxid')).toBe(zxid)
  for (const key of ['last_checkpoint_size', 'log_size']) expect(await rig.metric(key)).toBeGreaterThan(0)
  const ageMs = await rig.metric('last_checkpoint_age_ms')
  await rig.rig.run(2000)
  expect(await rig.metric('last_checkpoint_age_ms')).toBeGreaterThanOrEqual(ageMs + 2000)
  await rig.ask('ckpt') // nothing was written since, so it has every txn as of now
  expect(await rig.metric('last_checkpoint_age_ms')).toBeLessThan(ageMs)
})
