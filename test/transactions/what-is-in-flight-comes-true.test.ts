/**
 * Random writes of every kind, alone and in multis, over a few paths, some of them with quotas: the state that the
 * leader expects after the changes in flight must be the state of the tree after them. Each txn is also applied twice
 * to a second tree, as after a restart, and a third tree is rebuilt from images; all three must be equal.
 */
import { expect, test } from 'vitest'
import type { Zxid } from '../../src/base/ids.ts'
import type { MultiOp } from '../../src/protocol/client/multi.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import type { WriteRequest } from '../../src/transactions/write-request.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import type { NodeFacts, ZnodeImage } from '../../src/tree/node-view.ts'
import { closeSession, create, LeaderHarness, openAcl, remove, self, setData } from '../support/leader-harness.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const quota = '/zookeeper/quota'
const limitsAndUsage = (path: string): readonly string[] =>
  ['', '/zookeeper_limits', '/zookeeper_stats'].map((name) => `${quota}${path}${name}`)
const plainPaths = ['/a', '/a/b', '/a/b/c', '/b', '/b/x']
const paths = [...plainPaths, ...['/a', '/a/b', '/zookeeper'].flatMap(limitsAndUsage), `${quota}/zookeeper_stats`]

function randomPart(random: SeededRandom): Exclude<MultiOp, { readonly kind: 'check' }> {
  const path = random.pick(paths)
  const data = new TextEncoder().encode(random.pick(['count=5,bytes=3', 'no quota', '']))
  const flags = random.chance(8) ? 1 : 0
  switch (random.below(7)) {
    case 0:
    case 1:
      return create(path, { data, flags })
    case 2:
      return remove(path)
    case 3:
      return { ...setData(path), data }
    case 4:
      return { kind: 'remove-recursive', path, countMax: 100 }
    case 5:
      return { kind: 'create-if-not-exists', path, data, acl: openAcl, flags }
    default:
      return { kind: 'try-remove', path, version: -1 }
  }
}

function randomRequest(random: SeededRandom): WriteRequest {
  if (random.chance(20)) return closeSession(self)
  if (random.chance(2)) return randomPart(random)
  return { kind: 'multi', ops: Array.from({ length: 1 + random.below(4) }, () => randomPart(random)) }
}

/** The state that the leader expects, without the data of usage znodes, which follow the applied txns. */
function beliefs({ pending }: LeaderHarness): unknown {
  return {
    nodes: paths.map((path): Partial<NodeFacts> | null => {
      const node = pending.lookup(path)
      return node === null || !path.endsWith('_stats') ? node : { ...node, dataLengthBytes: 0 }
    }),
    moments: paths.map((path) => pending.momentsOf(path, 0)),
    children: paths.map((path) => pending.childNames(path).toSorted()),
    ephemerals: pending.ephemeralsOf(self),
  }
}

function applyTwice(tree: DataTree, inFlight: LeaderHarness['inFlight']): void {
  for (const { zxid, txn } of [...inFlight].flatMap((each) => [each, each])) {
    tree.applier.apply(zxid, txn, null)
  }
}

function rebuilt(tree: DataTree, lastApplied: Zxid): DataTree {
  const images: ZnodeImage[] = []
  tree.iterate((image) => images.push(image))
  return DataTree.restore(images, new SessionTable(), lastApplied)
}

test.each([1, 2, 3, 4, 5, 6])('what is in flight comes true, once or twice applied, with seed %i', (seed) => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 8; round++) {
    const leader = new LeaderHarness()
    leader.enforceQuota = false
    const twice = new DataTree(new SessionTable())
    for (let i = 0; i < 60; i++) {
      leader.submit(randomRequest(random), { timeMs: 1000 + i })
      if (random.chance(3)) continue
      const before = beliefs(leader)
      applyTwice(twice, leader.inFlight)
      leader.apply()
      expect(beliefs(leader)).toEqual(before)
      expect(leader.pending.inFlightCount).toBe(0)
      expect(leader.pending.ephemeralPathUnitsOf(self)).toBe(leader.tree.ephemeralPathUnitsOf(self))
      const third = rebuilt(leader.tree, leader.tree.lastApplied)
      for (const tree of [leader.tree, twice, third]) {
        tree.verify()
        expect(tree.digest()).toBe(leader.tree.digest())
      }
    }
  }
})
