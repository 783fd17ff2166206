/** A copy of a checkpoint is loaded as the very tree that it was made from; one that was changed is refused. */
import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import { CheckpointLoader, loadCheckpoint } from '../../src/checkpoint/checkpoint-loader.ts'
import type { KeyValue } from '../../src/ports/key-values.ts'
import { limitsPathOf, usagePathOf } from '../../src/protocol/client/quota-text.ts'
import type { Change } from '../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import { containerOwner } from '../../src/tree/owner-kind.ts'
import { chunkOf } from '../support/records.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { timeMsOf } from '../support/tree-driver.ts'
import { PlainModel } from '../tree/plain-model.ts'
import { sessions as owners, randomChange } from '../tree/random-changes.ts'
import { copyOfEntries, entriesOf, factsOf } from './tree-entries.ts'

function randomTree(seed: number): { readonly tree: DataTree; readonly sessions: SessionTable } {
  const random = new SeededRandom(seed)
  const sessions = new SessionTable()
  const tree = new DataTree(sessions)
  const model = new PlainModel()
  let zxid = 0x2_0000_0000
  for (const id of [...owners, 0xff00_0000_0000_0001n as SessionId].reverse())
    tree.applier.apply(
      ++zxid as Zxid,
      { timeMs: 1, changes: [{ kind: 'create-session', sessionId: id, timeoutMs: 4000 + (zxid % 7) }] },
      null,
    )
  for (let count = 0; count < 400; count += 1) {
    zxid += 1
    const drawn = randomChange(random, model)
    const isContainer = drawn.kind === 'create' && random.chance(9)
    const change = isContainer ? { ...drawn, ephemeralOwner: containerOwner } : drawn
    const txn = { timeMs: timeMsOf(zxid), changes: [change] }
    model.apply(zxid, txn.timeMs, change)
    tree.applier.apply(zxid as Zxid, txn, null)
  }
  const none = 0n as SessionId
  const acl = [{ perms: 3, scheme: 'digest', id: 'é:\ud800 \u{1f600}' }]
  let count = 0
  for (const path of ['/zookeeper/quota/q', limitsPathOf('/q'), usagePathOf('/q')]) {
    zxid += 1
    const data = path.endsWith('limits') ? new TextEncoder().encode('count=5,bytes=-1') : null
    const change = {
      kind: 'create',
      path,
      data,
      acl,
      ephemeralOwner: none,
      parentCreateCount: ++count,
      withStat: false,
    } as const
    tree.applier.apply(zxid as Zxid, { timeMs: 5, changes: [change] }, null)
  }
  return { tree, sessions }
}

/** As text, which is compared a hundred times faster than bytes. */
function textOf(entries: readonly KeyValue[]): string {
  return entries.map(({ key, value }) => `${hex(key)} ${hex(value)}`).join('\n')
}

function hex(bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : Buffer.from(bytes).toString('hex')
}

test.each([1, 2, 3])('the tree of seed %i is loaded from chunks of any size', async (seed) => {
  const { tree, sessions } = randomTree(seed)
  const entries = entriesOf(tree, sessions)
  const text = textOf(entries)
  for (const sizeBytesMax of [1, 3000, 1024 * 1024]) {
    const copy = copyOfEntries(entries, factsOf(tree, sessions, {}), sizeBytesMax)
    const loaded = await loadCheckpoint(copy)
    if (!loaded.ok) throw new Error(loaded.error)
    const { facts, tree: found, sessions: foundSessions } = loaded.value
    expect(facts).toEqual(copy.facts)
    found.verify()
    expect(found.digest()).toBe(tree.digest())
    expect(found.lastApplied).toBe(tree.lastApplied)
    expect([...foundSessions.entries()]).toEqual([...sessions.entries()])
    expect(found.namespaceQuotas()).toEqual(tree.namespaceQuotas())
    expect(tree.namespaceQuotas()).toHaveLength(1)
    expect(found.nodeCount).toBe(tree.nodeCount)
    expect(found.approximateDataSizeBytes).toBe(tree.approximateDataSizeBytes)
    expect([...found.transients()].length).toBe([...tree.transients()].length)
    for (const session of owners) expect(found.ephemeralsOf(session)).toEqual(tree.ephemeralsOf(session))
    expect(textOf(entriesOf(found, foundSessions))).toBe(text)
  }
})

test('a loaded tree goes on as the tree that it was made from', async () => {
  const { tree, sessions } = randomTree(4)
  const loaded = await loadCheckpoint(copyOfEntries(entriesOf(tree, sessions), factsOf(tree, sessions, {})))
  if (!loaded.ok) throw new Error(loaded.error)
  const zxid = (tree.lastApplied + 1) as Zxid
  const parentCreateCount = tree.view('/')!.createCount + 1
  const [ephemeralOwner, closed] = [owners[0]!, owners[1]!]
  const changes: readonly Change[] = [
    { kind: 'create', path: '/q', data: Uint8Array.of(1), acl: [], ephemeralOwner, parentCreateCount, withStat: false },
    { kind: 'close-session', sessionId: closed, deletedPaths: tree.ephemeralsOf(closed) },
  ]
  for (const each of [tree, loaded.value.tree]) {
    each.applier.apply(zxid, { timeMs: 9, changes }, null)
    each.verify()
  }
  expect(loaded.value.tree.digest()).toBe(tree.digest())
  expect([...loaded.value.sessions.entries()]).toEqual([...sessions.entries()])
})

function problemOf(chunk: Uint8Array): string | null {
  const loader = new CheckpointLoader(true)
  const problem = loader.add(chunk)
  if (problem !== null) return problem
  const result = loader.finish()
  return result.ok ? null : result.error
}

function smallTree(): readonly KeyValue[] {
  const sessions = new SessionTable()
  const tree = new DataTree(sessions)
  const changes = [
    { kind: 'create-session', sessionId: owners[0]!, timeoutMs: 4000 },
    { kind: 'create-session', sessionId: owners[1]!, timeoutMs: 4000 },
  ] as const
  tree.applier.apply(1 as Zxid, { timeMs: 1, changes }, null)
  return entriesOf(tree, sessions)
}

test('no bit of a chunk can be changed unnoticed', () => {
  const chunk = chunkOf(0, smallTree())
  expect(problemOf(chunk)).toBe(null)
  for (let bit = 0; bit < chunk.length * 8; bit += 7) {
    const changed = chunk.slice()
    changed[bit >>> 3]! ^= 1 << (bit & 7)
    expect(problemOf(changed)).toBe('chunk 0 is damaged')
  }
})

test('a copy with an entry that is missing, repeated or moved is refused', () => {
  const entries = smallTree()
  expect(entries.length).toBe(7)
  for (let at = 0; at < entries.length; at += 1) {
    const others = entries.filter((_, index) => index !== at)
    expect(problemOf(chunkOf(0, others)), `without entry ${at}`).not.toBe(null)
    const repeated = [...entries.slice(0, at + 1), ...entries.slice(at)]
    expect(problemOf(chunkOf(0, repeated)), `entry ${at} twice`).not.toBe(null)
    for (let to = 0; to < others.length; to += 1) {
      if (to === at) continue
      const moved = [...others.slice(0, to), entries[at]!, ...others.slice(to)]
      // The order of siblings is the order of their keys, so every other order is wrong.
      expect(problemOf(chunkOf(0, moved)), `entry ${at} moved to ${to}`).not.toBe(null)
    }
  }
})

test('a copy whose values are no znodes, sessions or meta record is refused', () => {
  const entries = smallTree()
  for (let at = 0; at < entries.length; at += 1) {
    const { key, value } = entries[at]!
    for (let lengthBytes = 0; lengthBytes < value.length; lengthBytes += 1) {
      const cut = entries.map((entry, index) => (index === at ? { key, value: value.slice(0, lengthBytes) } : entry))
      expect(problemOf(chunkOf(0, cut)), `entry ${at} cut to ${lengthBytes}`).not.toBe(null)
    }
    for (let byte = 0; byte < value.length; byte += 1) {
      const changed = value.slice()
      changed[byte]! ^= 0x41
      const wrong = entries.map((entry, index) => (index === at ? { key, value: changed } : entry))
      const isOrderOfSession = value.length === 16
      if (!isOrderOfSession) expect(problemOf(chunkOf(0, wrong)), `entry ${at}, byte ${byte}`).not.toBe(null)
    }
  }
})

test('a copy with an entry that has no key is refused', () => {
  const entries = smallTree()
  for (let at = 0; at <= entries.length; at += 1) {
    const wrong = [...entries.slice(0, at), { key: new Uint8Array(0), value: Uint8Array.of(1) }, ...entries.slice(at)]
    expect(problemOf(chunkOf(0, wrong)), `before entry ${at}`).toBe('chunk 0: an entry has no key')
  }
})

test('chunks out of order and a copy that was cut off are refused', async () => {
  const { tree, sessions } = randomTree(5)
  const copy = copyOfEntries(entriesOf(tree, sessions), factsOf(tree, sessions, {}), 4000)
  const chunks: Uint8Array[] = []
  for (let chunk = await copy.chunk(0); chunk !== null; chunk = await copy.chunk(chunks.length)) chunks.push(chunk)
  expect(copy.chunkCount).toBe(chunks.length)
  expect(chunks.length).toBeGreaterThan(5)
  for (const number of [3, 0, chunks.length - 1]) expect(hex(await copy.chunk(number))).toBe(hex(chunks[number]!))
  expect(await copy.chunk(chunks.length + 4)).toBe(null)
  const loader = new CheckpointLoader(true)
  expect(loader.add(chunks[0]!)).toBe(null)
  expect(loader.add(chunks[2]!)).toBe('chunk 2 came where chunk 1 was expected')
  for (let count = 0; count < chunks.length; count += 1) {
    const cut = new CheckpointLoader(true)
    for (const chunk of chunks.slice(0, count)) expect(cut.add(chunk)).toBe(null)
    expect(cut.finish().ok).toBe(false)
  }
})
