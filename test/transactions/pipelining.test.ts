/**
 * Pipelined requests must have the results that they would have if each had waited for the one before. Random sequences
 * run in three ways: with txns applied late, with txns applied at once, and through a model of the rules.
 */
import { describe, expect, it } from 'vitest'
import type { AuthId } from '../../src/auth/auth-id.ts'
import { permissions } from '../../src/auth/permissions.ts'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import type { MultiOp } from '../../src/protocol/client/multi.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { momentsSet } from '../../src/transactions/moments-in-flight.ts'
import { PendingChanges } from '../../src/transactions/pending-changes.ts'
import type { WriteRequest } from '../../src/transactions/write-request.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import {
  aclWithout,
  alice,
  anyStat,
  check,
  closeSession,
  create,
  LeaderHarness,
  openAcl,
  other,
  remove,
  self,
  setAcl,
  setData,
} from '../support/leader-harness.ts'
import { ModelTree } from './model-tree.ts'

/** Uniform below `bound`, from a seed (mulberry32). */
function randomOf(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

type Random = ReturnType<typeof randomOf>

const acls = [
  openAcl,
  openAcl,
  openAcl,
  aclWithout(permissions.create),
  aclWithout(permissions.delete),
  aclWithout(permissions.write | permissions.read),
  [{ perms: 31, scheme: 'digest', id: alice.id }],
  [{ perms: 31, scheme: 'auth', id: '' }],
]
const callers: readonly (readonly AuthId[])[] = [[], [alice]]

function randomPath(random: Random): string {
  const names = ['a', 'b', 'c']
  let path = ''
  for (let depth = 1 + random(3); depth > 0; depth--) path += `/${names[random(names.length)]}`
  return random(40) === 0 ? `${path}/` : path
}

function randomOp(random: Random): MultiOp {
  const path = randomPath(random)
  const version = random(3) === 0 ? random(3) : -1
  switch (random(12)) {
    case 9:
    case 10:
      return randomKeeperWrite(random, path, version)
    case 0:
    case 1:
    case 2:
      return remove(path, version)
    case 3:
      return setData(path, version)
    case 4:
      return check(path, version)
    default:
      return create(path, { flags: random(2) === 0 ? 0 : random(5), acl: acls[random(acls.length)]! })
  }
}

function randomKeeperWrite(random: Random, path: string, version: number): MultiOp {
  if (path.endsWith('/')) return remove(path)
  switch (random(5)) {
    case 0:
      return { kind: 'check-not-exists', path, version }
    case 1: {
      const acl = acls[random(acls.length)]!
      return { kind: 'create-if-not-exists', path, data: null, acl, flags: random(2) }
    }
    case 2:
      return { kind: 'try-remove', path, version }
    case 3:
      return { kind: 'check-stat', path, version, stat: { ...anyStat, numChildren: random(4) - 1, version } }
    default:
      return { kind: 'remove-recursive', path, countMax: random(3) === 0 ? 1 : 100 }
  }
}

function randomRequest(random: Random): WriteRequest {
  const kind = random(12)
  if (kind < 4) return { kind: 'multi', ops: Array.from({ length: random(6) }, () => randomOp(random)) }
  if (kind === 4) return closeSession(random(2) === 0 ? self : other)
  if (kind === 5) return setAcl(randomPath(random), acls[random(acls.length)]!, random(2) === 0 ? -1 : random(2))
  const op = randomOp(random)
  return op.kind === 'check' ? { kind: 'multi', ops: [op] } : op
}

const seeds = Array.from({ length: 60 }, (_, index) => index + 1)
const requestCount = 120

describe('pipelined requests', () => {
  it.each(seeds)('decide as if each were applied before the next is prepared (seed %d)', (seed) => {
    const random = randomOf(seed)
    const pipelined = new LeaderHarness()
    const oneByOne = new LeaderHarness()
    for (let round = 0; round < requestCount; round++) {
      const request = randomRequest(random)
      const context = { sessionId: random(2) === 0 ? self : other, ids: callers[random(2)]!, timeMs: round }
      expect(pipelined.submit(request, context)).toEqual(oneByOne.submit(request, context))
      oneByOne.apply()
      if (random(3) === 0) pipelined.apply(random(8))
    }
    pipelined.apply()
    expect(pipelined.tree.digest()).toBe(oneByOne.tree.digest())
    expect(pipelined.pending.inFlightCount).toBe(0)
  })

  it.each(seeds)('decide as a model of the rules does (seed %d)', (seed) => {
    const random = randomOf(seed + 1000)
    const leader = new LeaderHarness()
    const model = new ModelTree()
    for (let round = 0; round < requestCount; round++) {
      const request = randomRequest(random)
      const context = { sessionId: random(2) === 0 ? self : other, ids: callers[random(2)]! }
      const prepared = leader.submit(request, context)
      const outcome = !prepared.ok
        ? { error: prepared.error, failedIndex: null }
        : prepared.value.kind === 'failed-multi'
          ? { error: prepared.value.error, failedIndex: prepared.value.failedIndex }
          : { error: null, failedIndex: null }
      expect({ request, ...outcome }).toEqual({ request, ...model.run(request, context) })
      if (random(3) === 0) leader.apply(random(8))
    }
    leader.apply()
    for (const [path, node] of model.nodes) expect(leader.tree.view(path)).toMatchObject(node)
    expect(leader.tree.nodeCount).toBe(model.nodes.size + 1)
  })
})

describe('changes in flight', () => {
  const zxid = (value: number): Zxid => value as Zxid
  const node = {
    version: 0,
    aversion: 0,
    createCount: 0,
    childCount: 0,
    ephemeralOwner: 0n as SessionId,
    acl: [],
    dataLengthBytes: 0,
  }

  it('are kept until the last of them on a path is applied', () => {
    const pending = new PendingChanges({ tree: new DataTree(new SessionTable()) })
    pending.stage('/a', { ...node }, momentsSet.created)
    pending.commitStage(zxid(5), 1)
    pending.stage('/a', { ...node, version: 1 }, momentsSet.dataChanged)
    pending.commitStage(zxid(6), 1)
    pending.forget(zxid(5))
    expect(pending.lookup('/a')?.version).toBe(1)
    pending.forget(zxid(6))
    expect(pending.lookup('/a')).toBe(null)
    expect(pending.inFlightCount).toBe(0)
  })

  it('hide a deleted znode that the tree still has', () => {
    const leader = new LeaderHarness()
    leader.have(create('/a'))
    leader.changesOf(remove('/a'))
    expect(leader.tree.view('/a')).not.toBe(null)
    expect(leader.pending.lookup('/a')).toBe(null)
  })

  it('must be proposed in zxid order', () => {
    const pending = new PendingChanges({ tree: new DataTree(new SessionTable()) })
    pending.commitStage(zxid(5), 1)
    expect(() => pending.commitStage(zxid(5), 1)).toThrow('zxid order')
  })
})
