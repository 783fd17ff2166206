import { describe, expect, it, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import type { Change } from '../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import type { ZnodeImage } from '../../src/tree/node-view.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { creation, TreeDriver, timeMsOf } from '../support/tree-driver.ts'
import { PlainModel } from './plain-model.ts'
import { randomChange } from './random-changes.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const usagePath = (path: string) => `/zookeeper/quota${path}/zookeeper_stats`
const limitsPath = (path: string) => `/zookeeper/quota${path}/zookeeper_limits`

function textAt(driver: TreeDriver, path: string): string {
  return Buffer.from(driver.data(path).data ?? []).toString()
}

const usageOf = (driver: TreeDriver, path: string): string => textAt(driver, usagePath(path))

function makeQuota(driver: TreeDriver, path: string, limits = 'count=1000'): void {
  for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
    const parent = `/zookeeper/quota${end < 0 ? path : path.slice(0, end)}`
    if (driver.tree.view(parent) === null) driver.create(parent)
    if (end < 0) break
  }
  driver.create(limitsPath(path), { data: bytes(limits) })
  driver.create(usagePath(path), { data: bytes('made by a client') })
}

function treeWithQuota(path = '/a'): TreeDriver {
  const driver = new TreeDriver()
  driver.create('/a', { data: bytes('123') })
  driver.create('/a/b', { data: bytes('4567') })
  makeQuota(driver, path)
  return driver
}

describe('usage', () => {
  it('counts the znode itself and all below it when the usage znode is created', () => {
    expect(usageOf(treeWithQuota(), '/a')).toBe('count=2,bytes=7')
  })

  it('changes without event, version, mzxid or mtime', () => {
    const driver = treeWithQuota()
    const before = driver.stat(usagePath('/a'))
    expect(driver.create('/a/c', { data: bytes('0123456789') }).map(({ path }) => path)).toEqual(['/a/c', '/a'])
    const text = usageOf(driver, '/a')
    expect(text).toBe('count=3,bytes=17')
    expect(driver.stat(usagePath('/a'))).toEqual({ ...before, dataLength: text.length })
  })

  it('shrinks with the ephemerals of a session that ends', () => {
    const driver = treeWithQuota()
    const sessionId = 7n as SessionId
    driver.create('/a/e', { data: bytes('1'), owner: sessionId })
    driver.create('/a/b/f', { data: bytes('22'), owner: sessionId })
    expect(usageOf(driver, '/a')).toBe('count=4,bytes=10')
    driver.commit({ kind: 'close-session', sessionId, deletedPaths: ['/a/b/f', '/a/e'] })
    expect(usageOf(driver, '/a')).toBe('count=2,bytes=7')
  })

  it('stops when the limits are deleted and continues when they are created again', () => {
    const driver = treeWithQuota()
    driver.delete(limitsPath('/a'))
    driver.create('/a/c')
    expect(usageOf(driver, '/a')).toBe('count=2,bytes=7')
    driver.create(limitsPath('/a'))
    driver.create('/a/d')
    expect(usageOf(driver, '/a')).toBe('count=3,bytes=7')
  })

  it('that cannot be parsed is recounted at the next change', () => {
    const driver = treeWithQuota()
    driver.setData(usagePath('/a'), null)
    driver.create('/a/c', { data: bytes('89') })
    expect(usageOf(driver, '/a')).toBe('count=3,bytes=9')
  })

  it('covers no sibling of the znode with the quota, and no path that only begins with the same name', () => {
    const driver = treeWithQuota()
    driver.create('/ab')
    driver.create('/zookeeper/quotas')
    driver.create('/zookeeper/quotas/zookeeper_stats', { data: bytes('mine') })
    driver.create('/zookeeper/quota/zookeeper_limits', { data: bytes('count=1') })
    driver.create('/c')
    expect(usageOf(driver, '/a')).toBe('count=2,bytes=7')
    expect(textAt(driver, '/zookeeper/quotas/zookeeper_stats')).toBe('mine')
    expect(driver.tree.quotaOver('/c')).toBe(null)
    driver.tree.verify()
  })
})

describe('a txn with quotas that is applied again as a whole', () => {
  const stored = (driver: TreeDriver, changes: readonly Change[]) => {
    driver.commit(...changes)
    const digest = driver.tree.digest()
    driver.commitAt(driver.zxid, changes)
    driver.tree.verify()
    return { digest, again: driver.tree.digest() }
  }

  it.each<readonly [string, readonly Change[]]>([
    [
      'writes usage and then adds to it',
      [{ kind: 'set-data', path: usagePath('/a'), data: bytes('count=100,bytes=0'), version: 1 }, creation('/a/c', 2)],
    ],
    [
      'creates the usage znode again between two creates',
      [
        creation('/a/c', 2),
        { kind: 'delete', path: usagePath('/a') },
        creation(usagePath('/a'), 3),
        creation('/a/d', 3, { data: bytes('1') }),
      ],
    ],
    [
      'deletes the limits after a create',
      [creation('/a/c', 2), { kind: 'delete', path: limitsPath('/a') }, creation('/a/d', 3)],
    ],
    ['creates and deletes a znode', [creation('/a/c', 2, { data: bytes('1') }), { kind: 'delete', path: '/a/c' }]],
  ])('changes nothing when it %s', (_case, changes) => {
    const { digest, again } = stored(treeWithQuota(), changes)
    expect(again).toBe(digest)
  })

  it('is followed by txns that are counted', () => {
    const driver = treeWithQuota()
    stored(driver, [creation('/a/c', 2)])
    driver.create('/a/d')
    expect(usageOf(driver, '/a')).toBe('count=4,bytes=7')
  })
})

/** For each of `quotas`: the count and bytes of the znodes whose deepest quota it is. */
function countOf(model: PlainModel, quotas: readonly string[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const quota of quotas) {
    let [count, sizeBytes] = [0, 0]
    for (const [path, { data }] of model.nodes) {
      const over = quotas.filter((each) => path === each || path.startsWith(`${each}/`))
      if (over.toSorted((a, b) => b.length - a.length)[0] !== quota) continue
      count += 1
      sizeBytes += data?.length ?? 0
    }
    texts.set(quota, `count=${count},bytes=${sizeBytes}`)
  }
  return texts
}

test.each([1, 2, 3])('usage agrees with a count of the whole tree after random changes of seed %i', (seed) => {
  const random = new SeededRandom(seed)
  const model = new PlainModel()
  const driver = new TreeDriver()
  const quotas = ['/a', '/a/b', '/aa', '/é']
  for (const quota of quotas) makeQuota(driver, quota)
  const start = driver.zxid
  for (let step = 1; step <= 200; step++) {
    const zxid = (start + step) as Zxid
    const changes = Array.from({ length: 1 + random.below(3) }, () => {
      const drawn = randomChange(random, model)
      const isOutside = 'path' in drawn && drawn.path.startsWith('/zookeeper') // the quotas themselves
      const change: Change = isOutside ? { kind: 'check', path: '/' } : drawn
      model.apply(zxid, timeMsOf(zxid), change)
      return change
    })
    driver.commitAt(zxid, changes)
    if (random.chance(4)) driver.commitAt(zxid, changes)
    for (const [quota, text] of countOf(model, quotas)) expect(usageOf(driver, quota), quota).toBe(text)
  }
  driver.tree.verify()
})

test('a restored tree keeps the usage and continues to count', () => {
  const driver = treeWithQuota()
  driver.setData(usagePath('/a'), bytes('count=70,bytes=0'))
  const images: ZnodeImage[] = []
  driver.tree.iterate((image) => images.push(image))
  const restored = new TreeDriver(DataTree.restore(images, new SessionTable(), driver.zxid))
  expect(restored.tree.digest()).toBe(driver.tree.digest())
  restored.tree.verify()
  restored.zxid = driver.zxid
  restored.create('/a/c', { data: bytes('1') })
  expect(usageOf(restored, '/a')).toBe('count=71,bytes=1')
})

test('limits and usage are added up by the first name of their paths', () => {
  const driver = new TreeDriver()
  makeQuota(driver, '/b', 'count=3,bytes=-1=;byteHardLimit=50')
  makeQuota(driver, '/a/x', 'count=3')
  makeQuota(driver, '/a/y', 'count=4=;countHardLimit=10')
  driver.create('/b', { data: bytes('12') })
  driver.create('/zookeeper/quota/c')
  driver.create('/zookeeper/quota/c/zookeeper_stats')
  driver.create('/zookeeper/quota/zookeeper_stats')
  expect(driver.tree.namespaceQuotas()).toEqual([
    { namespace: 'a', limits: { count: 13, sizeBytes: -2 }, usage: { count: 0, sizeBytes: 0 } },
    { namespace: 'b', limits: { count: 3, sizeBytes: 50 }, usage: { count: 1, sizeBytes: 2 } },
    { namespace: 'c', limits: null, usage: { count: 0, sizeBytes: 0 } },
  ])
  driver.setData(limitsPath('/b'), bytes('no quota'))
  expect(driver.tree.namespaceQuotas()[1]?.limits).toBe(null)
})
