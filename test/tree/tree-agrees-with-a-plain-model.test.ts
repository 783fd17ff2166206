import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import type { Change } from '../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import type { ZnodeImage } from '../../src/tree/node-view.ts'
import { ownerKindOf } from '../../src/tree/owner-kind.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { TreeDriver, timeMsOf } from '../support/tree-driver.ts'
import { PlainModel } from './plain-model.ts'
import { randomChange, sessions } from './random-changes.ts'

const seeds = [1, 2, 3, 4, 5]
const txnCount = 250

function expectSame(driver: TreeDriver, model: PlainModel): void {
  const { tree } = driver
  for (const [path, node] of model.nodes) {
    const stat = model.statOf(path)
    const children = model.childrenOf(path)
    expect(driver.stat(path), path).toEqual(stat)
    const reply = driver.data(path)
    expect(reply.stat).toEqual(stat)
    expect(reply.data === null ? null : Buffer.from(reply.data)).toEqual(
      node.data === null ? null : Buffer.from(node.data),
    )
    expect(driver.children(path)).toEqual(children)
    const both = driver.childrenAndStat(path)
    expect([...(both.children ?? [])].sort()).toEqual(children)
    expect(both.stat).toEqual(stat)
    expect(tree.aclOf(path)).toEqual(node.acl)
    expect(tree.view(path)).toEqual({
      version: node.version,
      aversion: node.aversion,
      createCount: node.childrenEverCreated,
      childCount: children.length,
      ephemeralOwner: node.owner,
      acl: node.acl,
      dataLengthBytes: node.data?.length ?? 0,
      czxid: node.czxid,
      mzxid: node.mzxid,
      pzxid: node.pzxid,
      ctimeMs: node.ctime,
      mtimeMs: node.mtime,
    })
    const walked = [...tree.children(path)].map(({ name, isEphemeral, acl }) => ({ name, isEphemeral, acl }))
    expect(walked.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
      children.map((name) => {
        const child = model.nodes.get(path === '/' ? `/${name}` : `${path}/${name}`)!
        return { name, isEphemeral: ownerKindOf(child.owner) === 'session', acl: child.acl }
      }),
    )
  }
  for (const session of sessions) expect(tree.ephemeralsOf(session)).toEqual(model.ephemeralsOf(session))
  expectSameTotals(tree, model)
}

function expectSameTotals(tree: DataTree, model: PlainModel): void {
  const nodes = [...model.nodes]
  expect(tree.nodeCount).toBe(nodes.length + 1)
  expect(tree.approximateDataSizeBytes).toBe(
    nodes.reduce((sum, [path, { data }]) => sum + path.length + (data?.length ?? 0), 0),
  )
  expect(tree.ephemeralsCount).toBe(nodes.filter(([, { owner }]) => owner !== (0n as SessionId)).length)
}

/** A random history as txns of one to three changes each. */
function randomHistory(seed: number): { readonly zxid: Zxid; readonly changes: readonly Change[] }[] {
  const random = new SeededRandom(seed)
  const model = new PlainModel()
  let zxid = 0x7_0000_0000 as Zxid
  return Array.from({ length: txnCount }, () => {
    zxid = (zxid + 1) as Zxid
    const changes = Array.from({ length: 1 + random.below(3) }, () => {
      const change = randomChange(random, model)
      model.apply(zxid, timeMsOf(zxid), change)
      return change
    })
    return { zxid, changes }
  })
}

function treeOf(history: ReturnType<typeof randomHistory>): DataTree {
  const driver = new TreeDriver()
  for (const { zxid, changes } of history) driver.commitAt(zxid, changes)
  return driver.tree
}

test.each(seeds)('every query answers as a plain model does after random changes of seed %i', (seed) => {
  const driver = new TreeDriver()
  const model = new PlainModel()
  const removed = new Set<string>()
  for (const [step, { zxid, changes }] of randomHistory(seed).entries()) {
    const before = new Set(model.nodes.keys())
    driver.commitAt(zxid, changes)
    for (const change of changes) model.apply(zxid, timeMsOf(zxid), change)
    for (const path of before) if (!model.nodes.has(path)) removed.add(path)
    expect(driver.tree.lastApplied).toBe(zxid)
    if (step % 31 !== 0) continue
    driver.tree.verify()
    expectSame(driver, model)
    for (const path of removed) expect(driver.tree.view(path) === null).toBe(!model.nodes.has(path))
  }
})

test.each(seeds)(
  'two trees with one history of seed %i have one digest at every zxid, and it moves with the content',
  (seed) => {
    const left = new TreeDriver()
    const right = new TreeDriver()
    for (const { zxid, changes } of randomHistory(seed)) {
      const before = left.tree.digest()
      left.commitAt(zxid, changes)
      right.commitAt(zxid, changes)
      expect(left.tree.digest()).toBe(right.tree.digest())
      const isChanged = changes.some(({ kind }) => ['create', 'set-data', 'set-acl', 'delete'].includes(kind))
      if (isChanged) expect(left.tree.digest()).not.toBe(before)
    }
  },
)

test.each(seeds)('a txn of seed %i that is applied again as a whole changes nothing', (seed) => {
  const driver = new TreeDriver()
  for (const { zxid, changes } of randomHistory(seed)) {
    driver.commitAt(zxid, changes)
    const digest = driver.tree.digest()
    driver.commitAt(zxid, changes)
    expect(driver.tree.digest()).toBe(digest)
  }
  driver.tree.verify()
})

test.each(seeds)('a tree restored from the images of another of seed %i is the same tree', (seed) => {
  const tree = treeOf(randomHistory(seed))
  const images: ZnodeImage[] = []
  tree.iterate((image) => images.push(image))
  const restored = DataTree.restore(images, new SessionTable(), tree.lastApplied)
  restored.verify()
  expect(restored.digest()).toBe(tree.digest())
  expect(restored.lastApplied).toBe(tree.lastApplied)
  expect(restored.nodeCount).toBe(tree.nodeCount)
  expect(restored.approximateDataSizeBytes).toBe(tree.approximateDataSizeBytes)
  for (const session of sessions) expect(restored.ephemeralsOf(session)).toEqual(tree.ephemeralsOf(session))
})

test('iteration shows every znode once and parents before children', () => {
  const tree = treeOf(randomHistory(9))
  const seen = new Set<string>()
  tree.iterate(({ path }) => {
    expect(seen.has(path)).toBe(false)
    if (path !== '/') expect(seen.has(path.slice(0, path.lastIndexOf('/')) || '/')).toBe(true)
    seen.add(path)
  })
  expect(seen.size).toBe(tree.nodeCount - 1)
})
