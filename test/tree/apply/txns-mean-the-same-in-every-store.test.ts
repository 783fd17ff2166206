/**
 * One random history is applied to the off-heap tree of a server, txn by txn, and to the overlay of a checkpoint, a few
 * txns at a time and each time by a new applier. The results must be equal, byte for byte.
 */
import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import { OverlaySessions } from '../../../src/checkpoint/overlay-sessions.ts'
import { OverlayStore } from '../../../src/checkpoint/overlay-store.ts'
import { pathOfZnodeKey } from '../../../src/checkpoint/store-keys.ts'
import type { KeyValue } from '../../../src/ports/key-values.ts'
import { quotaRoot } from '../../../src/protocol/client/quota-text.ts'
import { statOffsets } from '../../../src/protocol/client/stat.ts'
import { SessionTable } from '../../../src/sessions/session-table.ts'
import { TxnApplier } from '../../../src/tree/apply/txn-applier.ts'
import { DataTree } from '../../../src/tree/data-tree.ts'
import { namespaceQuotas } from '../../../src/tree/quota-totals.ts'
import { makeTreeDigest } from '../../../src/tree/tree-digest.ts'
import { entriesOf } from '../../checkpoint/tree-entries.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { sessions } from '../random-changes.ts'
import { type HistoryTxn, quotaTops, randomHistory } from '../random-history.ts'

/** Keys and values of a store, with one text for each key. */
class FoldedBase {
  readonly #values = new Map<string, KeyValue>()
  lastApplied = 0 as Zxid
  digestA: number
  digestB: number

  constructor() {
    const tree = new DataTree(new SessionTable())
    for (const entry of entriesOf(tree, new SessionTable())) if (entry.key[0] !== 1) this.#put(entry)
    this.digestA = Number.parseInt(tree.digest().slice(0, 8), 16)
    this.digestB = Number.parseInt(tree.digest().slice(8), 16)
  }

  /** Returns the events of each txn, and the applier in its final state. All of the base is read beforehand. */
  fold(txns: readonly HistoryTxn[]) {
    const overlay = new OverlayStore()
    const overlaySessions = new OverlaySessions()
    const applier = new TxnApplier(overlay, overlaySessions, this.lastApplied)
    const wanted = new Set([...quotaTops, ...txns.flatMap(({ changes }) => changes.flatMap(pathsOf))])
    for (const path of wanted) for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) wanted.add(at)
    for (const { key, value } of this.#values.values()) {
      if (key[0] === 2) overlaySessions.note(new DataView(key.buffer).getBigUint64(1) as SessionId, value)
      if (key[0] !== 3) continue
      const path = pathOfZnodeKey(key)
      wanted.delete(path)
      expect(overlay.note(path, value)).toBe(true)
      if (path.startsWith(`${quotaRoot}/`)) applier.quotas.restored(path)
    }
    for (const path of wanted) if (path !== '' && !overlay.knows(path)) overlay.note(path, null)
    for (const top of quotaTops) overlay.noteSize(top, this.#sizeOf(top))
    for (const id of sessions) if (!overlaySessions.knows(id)) overlaySessions.note(id, null)
    const events = txns.map((txn) => {
      overlaySessions.begin(txn.zxid)
      return applier.apply(txn.zxid, txn, null)
    })
    for (const path of overlay.pathsWithDataInStore()) overlay.noteData(path, this.#valueOf(path))
    const changes = overlay.changes()
    for (const part of [changes, overlaySessions.changes()]) {
      for (const entry of part.puts) this.#put(entry)
      for (const key of part.removals) this.#values.delete(hex(key))
    }
    this.digestA += changes.digestDifferenceA
    this.digestB += changes.digestDifferenceB
    this.lastApplied = applier.lastApplied
    return { events, applier }
  }

  /** Without the places of the sessions, which are compared as their order. */
  texts(): ReadonlyMap<string, string> {
    return textsOf([...this.#values.values()])
  }

  sessionsInOrder(): readonly [SessionId, number][] {
    const found = [...this.#values.values()].filter(({ key }) => key[0] === 2)
    const placeOf = ({ value }: KeyValue): bigint =>
      new DataView(value.buffer).getBigUint64(4) * 1000n + BigInt(value[15]!)
    found.sort((a, b) => Number(placeOf(a) - placeOf(b)))
    return found.map(({ key, value }) => [
      new DataView(key.buffer).getBigUint64(1) as SessionId,
      new DataView(value.buffer).getInt32(0),
    ])
  }

  #put(entry: KeyValue): void {
    this.#values.set(hex(entry.key), { key: entry.key.slice(), value: entry.value.slice() })
  }

  #valueOf(path: string): Uint8Array {
    return [...this.#values.values()].find(({ key }) => key[0] === 3 && pathOfZnodeKey(key) === path)!.value
  }

  #sizeOf(top: string): { readonly znodeCount: number; readonly dataSizeBytes: number } {
    const within = [...this.#values.values()].filter(({ key }) => {
      const path = key[0] === 3 ? pathOfZnodeKey(key) : null
      return path !== null && (top === '' || path === top || path.startsWith(`${top}/`))
    })
    const lengthOf = ({ value }: KeyValue): number => new DataView(value.buffer).getInt32(statOffsets.dataLength)
    return { znodeCount: within.length, dataSizeBytes: within.reduce((sum, entry) => sum + lengthOf(entry), 0) }
  }
}

function pathsOf(change: HistoryTxn['changes'][number]): readonly string[] {
  if (change.kind === 'create-session' || change.kind === 'refusal') return []
  if (change.kind === 'close-session') return change.deletedPaths
  return change.kind === 'bundle' ? change.changes.map(({ path }) => path) : [change.path]
}

function textsOf(entries: readonly KeyValue[]): ReadonlyMap<string, string> {
  return new Map(entries.filter(({ key }) => key[0] === 3).map(({ key, value }) => [hex(key), hex(value)]))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

test.each([1, 2, 3, 4])('a random history of seed %i has the same result in both stores', (seed) => {
  const random = new SeededRandom(seed)
  const history = randomHistory(random, 150)
  const treeSessions = new SessionTable()
  const tree = new DataTree(treeSessions)
  const base = new FoldedBase()
  const seen = { quotas: 0, transients: 0, owned: 0 }
  for (let at = 0; at < history.length; ) {
    const part = history.slice(at, at + 1 + random.below(20))
    at += part.length
    // The last txn may be applied twice: in the same part, or as the first of the next part.
    if (random.chance(4)) part.push(part.at(-1)!)
    if (random.chance(4)) at -= 1
    const events = part.map((txn) => tree.applier.apply(txn.zxid, txn, null))
    const folded = base.fold(part)
    expect(folded.events).toEqual(events)
    expect(namespaceQuotas(folded.applier.quotas)).toEqual(tree.namespaceQuotas())
    tree.verify()
    expect(base.texts()).toEqual(textsOf(entriesOf(tree, treeSessions)))
    expect(base.sessionsInOrder()).toEqual([...treeSessions.entries()])
    expect(base.lastApplied).toBe(tree.lastApplied)
    expect(makeTreeDigest(base.digestA, base.digestB)).toBe(tree.digest())
    seen.quotas += tree.namespaceQuotas().length
    seen.transients += [...tree.transients()].length
    seen.owned += tree.ephemeralsCount
  }
  expect(Math.min(seen.quotas, seen.transients, seen.owned)).toBeGreaterThan(0)
})
