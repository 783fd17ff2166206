/** Random changes that fit the present state of a model, as the leader would accept them. */
import type { SessionId } from '../../src/base/ids.ts'
import type { AclEntry, Change } from '../../src/protocol/txn/txn.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { creation } from '../support/tree-driver.ts'
import { type PlainModel, parentOf } from './plain-model.ts'

/**
 * Names that are prefixes of each other, that have one, two and three bytes for a unit, and one longer than a small
 * block.
 */
const names = ['a', 'aa', 'ab', 'b', '0', 'é', 'éa', '節', '節点', 'x'.repeat(40), '\u00a0 ', '...'] as const
const acls: readonly (readonly AclEntry[])[] = [
  [{ perms: 31, scheme: 'world', id: 'anyone' }],
  [{ perms: 1, scheme: 'world', id: 'anyone' }],
  [
    { perms: 31, scheme: 'digest', id: 'u:h' },
    { perms: 1, scheme: 'ip', id: '10.0.0.0/8' },
  ],
  [
    { perms: 1, scheme: 'ip', id: '10.0.0.0/8' },
    { perms: 31, scheme: 'digest', id: 'u:h' },
  ],
]
export const sessions: readonly SessionId[] = [0x1_0000_0001n, 0x0100_0000_0000_0002n, 0xfe00_0000_0000_0003n].map(
  (id) => id as SessionId,
)
const depthMax = 4

export function randomChange(random: SeededRandom, model: PlainModel): Change {
  const paths = [...model.nodes.keys()]
  const path = random.pick(paths)
  const node = model.nodes.get(path)!
  switch (random.below(8)) {
    case 0:
      return { kind: 'set-data', path, data: randomData(random), version: node.version + 1 }
    case 1:
      return { kind: 'set-acl', path, acl: random.pick(acls), aversion: node.aversion + 1 }
    case 2:
    case 3: {
      const leaves = paths.filter((each) => !each.startsWith('/zookeeper') && model.childrenOf(each).length === 0)
      const leaf = leaves.filter((each) => each !== '/')
      return leaf.length === 0 ? { kind: 'check', path } : { kind: 'delete', path: random.pick(leaf) }
    }
    case 4: {
      if (random.chance(2)) return randomBundle(random, model, path)
      if (!random.chance(4)) return { kind: 'check', path }
      const sessionId = random.pick(sessions)
      return { kind: 'close-session', sessionId, deletedPaths: [...model.ephemeralsOf(sessionId), '/gone'] }
    }
    default:
      return randomCreate(random, model, path)
  }
}

/** The bundle of a removeRecursive of a small subtree, or none. */
function randomBundle(random: SeededRandom, model: PlainModel, path: string): Change {
  const subtree = [...model.nodes.keys()].filter((each) => each === path || each.startsWith(`${path}/`))
  const isKept = path === '/' || path.startsWith('/zookeeper') || subtree.length > 4 || random.chance(4)
  const deepestFirst = isKept ? [] : subtree.sort((a, b) => b.split('/').length - a.split('/').length)
  return {
    kind: 'bundle',
    op: 'removeRecursive',
    path,
    changes: deepestFirst.map((each) => ({ kind: 'delete', path: each })),
  }
}

function randomCreate(random: SeededRandom, model: PlainModel, near: string): Change {
  const isFull = model.nodes.get(near)!.owner !== 0n || near.split('/').length > depthMax
  const parent = isFull ? parentOf(near) : near
  const path = `${parent === '/' ? '' : parent}/${random.pick(names)}`
  if (model.nodes.has(path)) return { kind: 'check', path }
  return creation(path, model.nodes.get(parent)!.childrenEverCreated + 1, {
    data: randomData(random),
    acl: random.pick(acls),
    owner: random.chance(3) ? random.pick(sessions) : (0n as SessionId),
  })
}

/** Mostly small; sometimes absent, empty, at a class border, or too large for a class. */
function randomData(random: SeededRandom): Uint8Array | null {
  if (random.chance(8)) return null
  if (random.chance(500)) return random.bytes(300_000)
  return random.bytes(random.pick([0, 1, 16, 17, 128, 129, 160, 161, 1024, random.below(5000)]))
}
