/** A tree and its sessions as the entries of a checkpoint store, written from the tree and not by folding a log. */
import { type ChainHash, emptyChainHash } from '../../src/base/chain-hash.ts'
import { encodeMeta } from '../../src/checkpoint/checkpoint-meta.ts'
import { StoreCopy } from '../../src/checkpoint/store-copy.ts'
import { metaKey, sessionKeyOf, znodeKeyOf } from '../../src/checkpoint/store-keys.ts'
import { encodeAcl, encodeSession, encodeZnode, znodeHeadSizeBytes } from '../../src/checkpoint/store-values.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import type { CheckpointFacts } from '../../src/ports/checkpoints.ts'
import type { KeyValue, KeyValueView } from '../../src/ports/key-values.ts'
import type { SessionTable } from '../../src/sessions/session-table.ts'
import type { DataTree } from '../../src/tree/data-tree.ts'
import { treeDigestVersion } from '../../src/tree/tree-digest.ts'
import { recordsOf } from '../support/records.ts'

/** In the order of keys, the meta record first. */
export function entriesOf(tree: DataTree, sessions: SessionTable, changes: Partial<CheckpointFacts> = {}): KeyValue[] {
  const znodes: KeyValue[] = []
  tree.iterate(({ path, createCount, ephemeralOwner, acl, data }) => {
    const writer = new JuteWriter()
    tree.writeStat(path, writer)
    const head = new Uint8Array(znodeHeadSizeBytes)
    head.set(writer.take())
    const view = new DataView(head.buffer)
    view.setInt32(68, createCount)
    view.setBigUint64(72, ephemeralOwner)
    znodes.push({ key: znodeKeyOf(path), value: encodeZnode(head, 0, encodeAcl(acl), data) })
  })
  znodes.sort((a, b) => Buffer.compare(a.key, b.key))
  const stored = [...sessions.entries()].map(([id, timeoutMs], order) => ({
    key: sessionKeyOf(id),
    value: encodeSession({ timeoutMs, attachedTo: sessions.attachedTo(id), zxid: 1, order }),
  }))
  stored.sort((a, b) => Buffer.compare(a.key, b.key))
  const facts = factsOf(tree, sessions, changes)
  const digestA = Number.parseInt(facts.digest.slice(0, 8), 16)
  const digestB = Number.parseInt(facts.digest.slice(8), 16)
  const meta = encodeMeta({ ...facts, serverId: 1, digestA, digestB })
  return [{ key: metaKey, value: meta }, ...stored, ...znodes]
}

export function factsOf(tree: DataTree, sessions: SessionTable, changes: Partial<CheckpointFacts>): CheckpointFacts {
  return {
    zxid: tree.lastApplied,
    hash: emptyChainHash as ChainHash,
    origin: 'folded',
    clusterId: 7,
    epoch: 1,
    znodeCount: tree.nodeCount - 1,
    sessionCount: sessions.count,
    digest: tree.digest(),
    digestVersion: treeDigestVersion,
    ...changes,
  }
}

/** A view of entries in memory. */
export function viewOfEntries(entries: readonly KeyValue[]): KeyValueView {
  return {
    async read(from, end, sizeBytesMax) {
      const found: KeyValue[] = []
      let sizeBytes = 0
      for (
        let at = firstFrom(entries, from);
        at < entries.length && (found.length === 0 || sizeBytes < sizeBytesMax);
      ) {
        const entry = entries[at]!
        if (end !== null && Buffer.compare(entry.key, end) >= 0) break
        found.push(entry)
        sizeBytes += entry.key.length + entry.value.length
        at += 1
      }
      return found
    },
    async readRecords(from, headSizeBytes, sizeBytesMax) {
      return recordsOf(entries.slice(firstFrom(entries, from)), headSizeBytes, sizeBytesMax)
    },
    async close() {},
  }
}

export function copyOfEntries(entries: readonly KeyValue[], facts: CheckpointFacts, sizeBytesMax?: number): StoreCopy {
  return new StoreCopy({ view: viewOfEntries(entries), facts, hasChecksums: true, sizeBytesMax })
}

function firstFrom(entries: readonly KeyValue[], from: Uint8Array): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (Buffer.compare(entries[middle]!.key, from) < 0) low = middle + 1
    else high = middle
  }
  return low
}
