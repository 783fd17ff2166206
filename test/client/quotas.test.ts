import { describe, expect, it } from 'vitest'
import type { Client } from '../../src/client/types.ts'
import { ServerRig } from '../support/server-rig.ts'
import { connectedClient } from './client-ports.ts'

async function rig(chroot = ''): Promise<{ root: Client; zk: Client; run: <T>(work: Promise<T>) => Promise<T> }> {
  const simulation = new ServerRig()
  await simulation.started()
  const root = await connectedClient(simulation)
  const run = <T>(work: Promise<T>): Promise<T> => simulation.settle(work)
  if (chroot !== '') await run(root.create(chroot))
  const zk = chroot === '' ? root : await connectedClient(simulation, chroot)
  return { root, zk, run }
}

async function textAt(root: Client, path: string): Promise<string> {
  return new TextDecoder().decode((await root.getData(path)).data ?? undefined)
}

describe('a quota that the client sets', () => {
  it('is stored as in ZooKeeper, and the servers count the usage', async () => {
    const { root, zk, run } = await rig()
    await run(zk.create('/a', new Uint8Array(7)))
    await run(zk.create('/a/b', new Uint8Array(3)))
    const quota = await run(zk.setQuota('/a', { count: 5n }))
    expect(quota).toEqual({
      limits: { count: 5n, bytes: null, countHard: null, bytesHard: null },
      usedCount: 2n,
      usedBytes: 10n,
      limitsText: 'count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=-1',
      usageText: 'count=2,bytes=10',
    })
    expect(await run(textAt(root, '/zookeeper/quota/a/zookeeper_limits'))).toBe(quota.limitsText)
    await run(zk.create('/a/c'))
    expect(await run(zk.getQuota('/a'))).toMatchObject({ usedCount: 3n })
  })

  it('keeps the limits that a second call does not give', async () => {
    const { zk, run } = await rig()
    await run(zk.create('/a'))
    await run(zk.setQuota('/a', { count: 5n, bytesHard: 100n }))
    const { limits } = await run(zk.setQuota('/a', { bytes: 50n, count: 6n }))
    expect(limits).toEqual({ count: 6n, bytes: 50n, countHard: null, bytesHard: 100n })
  })

  it.each(['zookeeper_limits', 'zookeeper_stats'])(
    'is counted again from zero if %s of an earlier one is missing',
    async (name) => {
      const { root, zk, run } = await rig()
      await run(zk.create('/a'))
      await run(zk.setQuota('/a', { count: 5n }))
      await run(root.delete(`/zookeeper/quota/a/${name}`))
      await run(zk.create('/a/b', new Uint8Array(4)))
      expect(await run(zk.setQuota('/a', { count: 6n }))).toMatchObject({
        limits: { count: 6n },
        usedCount: 2n,
        usedBytes: 4n,
      })
    },
  )

  it('below a chroot is set on the path that the servers know', async () => {
    const { root, zk, run } = await rig('/app')
    await run(zk.create('/a'))
    await run(zk.setQuota('/a', { bytes: 9n }))
    await run(zk.setQuota('/a', { countHard: 2n }))
    expect(await run(root.getQuota('/app/a'))).toMatchObject({ limits: { bytes: 9n, countHard: 2n } })
    expect(await run(zk.deleteQuota('/a'))).toBe(true)
  })

  it.each([
    ['/', /root cannot have a quota/],
    ['/none', /no-node/],
    ['/a', /\/a\/b below it has a quota already/],
    ['/a/b/c', /\/a\/b above it has a quota already/],
    ['/zookeeper/quota/a', /below \/zookeeper\/quota/],
  ])('is refused for %s, with the reason', async (path, explanation) => {
    const { zk, run } = await rig()
    for (const znode of ['/a', '/a/b', '/a/b/c']) await run(zk.create(znode))
    await run(zk.setQuota('/a/b', { count: 5n }))
    await expect(run(zk.setQuota(path, { count: 1n }))).rejects.toThrow(explanation)
  })
})

describe('a quota that the client deletes', () => {
  it('removes its znodes, and their parents unless other quotas need them', async () => {
    const { zk, run } = await rig()
    for (const znode of ['/a', '/a/b', '/a/c']) await run(zk.create(znode))
    await run(zk.setQuota('/a/b', { count: 5n }))
    await run(zk.setQuota('/a/c', { count: 5n }))
    expect(await run(zk.deleteQuota('/a/b'))).toBe(true)
    expect((await run(zk.getChildren('/zookeeper/quota/a'))).children).toEqual(['c'])
    expect(await run(zk.deleteQuota('/a/c'))).toBe(true)
    expect((await run(zk.getChildren('/zookeeper/quota'))).children).toEqual([])
    expect(await run(zk.deleteQuota('/a/c'))).toBe(false)
    expect(await run(zk.getQuota('/a/c'))).toBe(null)
  })

  it('in part removes the named limits, and the servers go on counting', async () => {
    const { zk, run } = await rig()
    await run(zk.create('/a'))
    await run(zk.setQuota('/a', { count: 5n, bytes: 6n }))
    expect(await run(zk.deleteQuota('/a', ['count']))).toBe(true)
    expect(await run(zk.getQuota('/a'))).toMatchObject({ limits: { count: null, bytes: 6n }, usedCount: 1n })
  })
})
