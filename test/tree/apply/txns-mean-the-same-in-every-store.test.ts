/**
 * One random history is applied to the off-heap tree of a server, txn by txn, and to images over a base, a few txns at
 * a time and each time by a new applier, as a checkpoint would fold the log. The results must be equal.
 */
import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { decode } from '../../../src/jute/record.ts'
import { limitsPathOf, usagePathOf } from '../../../src/protocol/client/quota-text.ts'
import { Stat } from '../../../src/protocol/client/stat.ts'
import type { Change } from '../../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../../src/sessions/session-table.ts'
import { TxnApplier } from '../../../src/tree/apply/txn-applier.ts'
import { DataTree } from '../../../src/tree/data-tree.ts'
import type { ZnodeImage } from '../../../src/tree/node-view.ts'
import { containerOwner } from '../../../src/tree/owner-kind.ts'
import { namespaceQuotas } from '../../../src/tree/quota-totals.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { creation, timeMsOf } from '../../support/tree-driver.ts'
import { PlainModel, parentOf } from '../plain-model.ts'
import { randomChange, sessions } from '../random-changes.ts'
import { type Base, OverlayStore } from './overlay-store.ts'

const quotaTops = ['', '/a', '/a/b', '/aa', '/é'] as const
const usageTexts = ['count=5,bytes=7', 'count=-1', '', 'no quota', 'count=1,bytes=2=;byteHardLimit=3'] as const
const oneMinuteToLive = (0xffn << 56n) | 60_000n

interface HistoryTxn {
  readonly zxid: Zxid
  readonly timeMs: number
  readonly changes: readonly Change[]
}

/** Ordinary changes, and sometimes changes of quotas, sessions, containers and times to live. */
function someChange(random: SeededRandom, model: PlainModel): Change {
  switch (random.below(6)) {
    case 0:
      return quotaChange(random, model)
    case 1: {
      const sessionId = random.pick(sessions)
      if (!random.chance(4)) return { kind: 'create-session', sessionId, timeoutMs: 1000 + random.below(9000) }
      return { kind: 'close-session', sessionId, deletedPaths: [...model.ephemeralsOf(sessionId), '/gone', '/a'] }
    }
    case 2: {
      const change = randomChange(random, model)
      const owner = random.pick([containerOwner, oneMinuteToLive]) as SessionId
      return change.kind === 'create' ? { ...change, ephemeralOwner: owner } : change
    }
    default:
      return randomChange(random, model)
  }
}

function quotaChange(random: SeededRandom, model: PlainModel): Change {
  const top = random.pick(quotaTops)
  const path = random.chance(2) ? limitsPathOf(top) : usagePathOf(top)
  const data = random.chance(6) ? null : new TextEncoder().encode(random.pick(usageTexts))
  const known = model.nodes.get(path)
  if (known !== undefined && random.chance(3) && model.childrenOf(path).length === 0) return { kind: 'delete', path }
  if (known !== undefined) return { kind: 'set-data', path, data, version: known.version + 1 }
  const missing = [path]
  while (!model.nodes.has(parentOf(missing[0]!))) missing.unshift(parentOf(missing[0]!))
  const parent = model.nodes.get(parentOf(missing[0]!))!
  return creation(missing[0]!, parent.childrenEverCreated + 1, { data })
}

/** A leader would refuse the children of ephemerals. */
function isLegal(change: Change, model: PlainModel): boolean {
  if (change.kind !== 'create') return true
  const owner = model.nodes.get(parentOf(change.path))!.owner
  return !sessions.includes(owner)
}

function randomHistory(random: SeededRandom, txnCount: number): readonly HistoryTxn[] {
  const model = new PlainModel()
  return Array.from({ length: txnCount }, (_, index) => {
    const zxid = (0x7_0000_0001 + index) as Zxid
    const changes: Change[] = []
    for (let count = 1 + random.below(4); count > 0; count--) {
      const drawn = someChange(random, model)
      const change: Change = isLegal(drawn, model) ? drawn : { kind: 'check', path: '/' }
      model.apply(zxid, timeMsOf(zxid), change)
      changes.push(change)
    }
    return { zxid, timeMs: timeMsOf(zxid), changes }
  })
}

/** The znodes of a tree, in the form of a base. */
function baseOf(tree: DataTree): Base {
  const base: Base = new Map()
  tree.iterate(({ path, createCount, ephemeralOwner, acl, data }) => {
    base.set(path, { path, stat: statBytesOf(tree, path), createCount, owner: ephemeralOwner, acl, data })
  })
  return base
}

function statBytesOf(tree: DataTree, path: string): Uint8Array {
  const writer = new JuteWriter()
  tree.writeStat(path, writer)
  return writer.take()
}

/** As text, which is compared a hundred times faster than bytes. */
function textsOf(base: Base): ReadonlyMap<string, string> {
  const texts = [...base].map(([path, { stat, createCount, owner, acl, data }]) => {
    const bytes = data === null ? 'null' : Buffer.from(data).toString('latin1')
    const line = `${Buffer.from(stat).toString('hex')} ${createCount} ${owner} ${JSON.stringify(acl)} ${bytes}`
    return [path, line] as const
  })
  return new Map(texts)
}

/** Parents first. */
function imagesOf(base: Base): readonly ZnodeImage[] {
  const depthOf = (path: string): number => (path === '/' ? 0 : path.split('/').length)
  const znodes = [...base.values()].sort((left, right) => depthOf(left.path) - depthOf(right.path))
  return znodes.map(({ path, stat: bytes, createCount, owner, acl, data }) => {
    const stat = decode(Stat, bytes)
    if (!stat.ok) throw new Error(`no Stat at ${path}`)
    const { version, aversion, numChildren, dataLength, czxid, mzxid, pzxid, ctime, mtime } = stat.value
    const versions = { version, aversion, createCount, childCount: numChildren, dataLengthBytes: dataLength }
    return { path, data, acl, ephemeralOwner: owner, ...versions, czxid, mzxid, pzxid, ctimeMs: ctime, mtimeMs: mtime }
  })
}

class Folder {
  readonly base = baseOf(new DataTree(new SessionTable()))
  readonly sessions = new SessionTable()
  lastApplied = 0 as Zxid

  /** Returns the events of each txn, and the applier in its final state. */
  fold(txns: readonly HistoryTxn[]) {
    const store = new OverlayStore(this.base, txns)
    const applier = new TxnApplier(store, this.sessions, this.lastApplied)
    for (const path of this.base.keys()) applier.quotas.restored(path)
    const events = txns.map((txn) => applier.apply(txn.zxid, txn, null))
    store.flush(this.base)
    this.lastApplied = applier.lastApplied
    return { events, applier }
  }
}

function expectSame(tree: DataTree, treeSessions: SessionTable, folder: Folder): void {
  expect(textsOf(folder.base)).toEqual(textsOf(baseOf(tree)))
  expect([...folder.sessions.entries()]).toEqual([...treeSessions.entries()])
  expect(folder.lastApplied).toBe(tree.lastApplied)
  const restored = DataTree.restore(imagesOf(folder.base), folder.sessions, folder.lastApplied)
  restored.verify()
  expect(restored.digest()).toBe(tree.digest())
  expect(restored.namespaceQuotas()).toEqual(tree.namespaceQuotas())
  for (const session of sessions) expect(restored.ephemeralsOf(session)).toEqual(tree.ephemeralsOf(session))
  const byPath = (left: { path: string }, right: { path: string }): number => (left.path < right.path ? -1 : 1)
  expect([...restored.transients()].sort(byPath)).toEqual([...tree.transients()].sort(byPath))
}

test.each([1, 2, 3, 4])('a random history of seed %i has the same result in both stores', (seed) => {
  const random = new SeededRandom(seed)
  const history = randomHistory(random, 150)
  const treeSessions = new SessionTable()
  const tree = new DataTree(treeSessions)
  const folder = new Folder()
  const seen = { quotas: 0, transients: 0, owned: 0 }
  for (let at = 0; at < history.length; ) {
    const part = history.slice(at, at + 1 + random.below(20))
    at += part.length
    // The last txn may be applied twice: in the same part, or as the first of the next part.
    if (random.chance(4)) part.push(part.at(-1)!)
    if (random.chance(4)) at -= 1
    const events = part.map((txn) => tree.applier.apply(txn.zxid, txn, null))
    const folded = folder.fold(part)
    expect(folded.events).toEqual(events)
    expect(namespaceQuotas(folded.applier.quotas)).toEqual(tree.namespaceQuotas())
    tree.verify()
    expectSame(tree, treeSessions, folder)
    seen.quotas += tree.namespaceQuotas().length
    seen.transients += [...tree.transients()].length
    seen.owned += tree.ephemeralsCount
  }
  expect(Math.min(seen.quotas, seen.transients, seen.owned)).toBeGreaterThan(0)
})
