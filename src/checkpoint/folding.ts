/**
 * Folds txns into a store: reads what a stretch of them can ask for, applies them to an overlay, and writes the overlay as
 * one batch together with the meta record that belongs to it. Between two batches any number of txns may change the same
 * znode; only its last state is written. Assumes that txns come in the order of the history, each once, and that this
 * object alone writes to the store. After a failure it is useless: the next one begins from what the store has.
 */
import { assert } from '../base/assert.ts'
import { type ChainHash, emptyChainHash } from '../base/chain-hash.ts'
import { damageCode } from '../base/disk-failure.ts'
import { hexOfSession, type SessionId, type Zxid, zeroZxid } from '../base/ids.ts'
import type { KeyValueStore } from '../ports/key-values.ts'
import { parentOf } from '../protocol/client/path.ts'
import { parseQuotaText, quotaRoot, quotaZnodeOf } from '../protocol/client/quota-text.ts'
import { statOffsets } from '../protocol/client/stat.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import type { Change, Txn } from '../protocol/txn/txn.ts'
import { decodeTxn } from '../protocol/txn/txn-codec.ts'
import type { SubtreeSize } from '../tree/apply/apply-store.ts'
import { TxnApplier } from '../tree/apply/txn-applier.ts'
import { freshZnodes, openAcl } from '../tree/fresh-tree.ts'
import { type CheckpointMeta, encodeMeta } from './checkpoint-meta.ts'
import { viewOf } from './chunk.ts'
import { OverlaySessions } from './overlay-sessions.ts'
import { OverlayStore } from './overlay-store.ts'
import type { OverlayZnode } from './overlay-znode.ts'
import { endOfSubtree, keyAfter, metaKey, pathOfZnodeKey, sessionKeyOf, znodeKeyOf } from './store-keys.ts'

/** Few, since each may have a value of 1 MiB. */
const keysPerReadMax = 64
const txnsPerStretchMax = 1000
const scanSizeBytes = 1024 * 1024

/** Of the log at the time of a write. */
export interface LogFacts {
  readonly clusterId: number
  readonly epoch: number
}

interface Stretch {
  readonly txns: { readonly zxid: Zxid; readonly txn: Txn }[]
  readonly paths: Set<string> // not known to the overlay
  readonly sessions: Set<SessionId>
  readonly tops: Set<string> // quotas whose usage may be recounted
}

export class Folding {
  readonly #store: KeyValueStore
  readonly #overlay = new OverlayStore()
  readonly #sessions = new OverlaySessions()
  readonly #applier: TxnApplier<OverlayZnode | null>
  #meta: CheckpointMeta
  #hash: ChainHash
  /** Many znodes are going to be read. To look up few of them must not make the store write more than they are worth. */
  readsMany = false

  private constructor(store: KeyValueStore, meta: CheckpointMeta) {
    this.#store = store
    this.#meta = meta
    this.#hash = meta.hash
    this.#applier = new TxnApplier(this.#overlay, this.#sessions, meta.zxid)
  }

  /** Goes on from the state that the store has. */
  static async over(store: KeyValueStore, meta: CheckpointMeta): Promise<Folding> {
    const folding = new Folding(store, meta)
    await folding.#readQuotas()
    return folding
  }

  /** For a store without entries: the history begins with the tree of a new server. Nothing is written yet. */
  static overNothing(store: KeyValueStore, serverId: number): Folding {
    const folding = new Folding(store, { ...emptyMeta, serverId })
    folding.#insertFreshTree()
    return folding
  }

  /** Of what is kept until the next `write`, about. */
  get sizeBytes(): number {
    return this.#overlay.sizeBytes + this.#sessions.sizeBytes
  }

  get zxid(): Zxid {
    return this.#applier.lastApplied
  }

  /** Folds entries from the one at `start` on, until they or `sizeBytesMax` are used up. Returns how many, at least one. */
  async fold(entries: readonly TxnEntry[], start: number, sizeBytesMax: number): Promise<number> {
    let at = start
    while (at < entries.length && (at === start || this.sizeBytes < sizeBytesMax)) {
      const stretch = this.#beginStretch()
      let room = sizeBytesMax - this.sizeBytes
      do {
        const { zxid, payload } = entries[at]!
        this.#addToStretch(stretch, zxid, decodeTxn(payload))
        room -= payload.length
        at += 1
      } while (
        at < entries.length &&
        room > 0 &&
        stretch.paths.size + stretch.sessions.size < keysPerReadMax / 2 &&
        stretch.txns.length < txnsPerStretchMax
      )
      await this.#read(stretch)
      for (const { zxid, txn } of stretch.txns) {
        this.#sessions.begin(zxid)
        this.#applier.apply(zxid, txn, null)
      }
      this.#hash = entries[at - 1]!.hash
    }
    return at - start
  }

  /** One atomic and durable batch. Returns the meta record that it wrote. */
  async write(log: LogFacts): Promise<CheckpointMeta> {
    await this.#readDataInStore()
    const znodes = this.#overlay.changes()
    const sessions = this.#sessions.changes()
    const before = this.#meta
    const meta: CheckpointMeta = {
      serverId: before.serverId,
      zxid: this.zxid,
      hash: this.#hash,
      origin: 'folded',
      clusterId: log.clusterId || before.clusterId,
      epoch: Math.max(log.epoch, before.epoch),
      znodeCount: before.znodeCount + znodes.znodeCountDifference,
      sessionCount: before.sessionCount + sessions.countDifference,
      digestA: (before.digestA + znodes.digestDifferenceA) | 0,
      digestB: (before.digestB + znodes.digestDifferenceB) | 0,
    }
    const record = { key: metaKey, value: encodeMeta(meta) }
    await this.#store.write([record, ...sessions.puts, ...znodes.puts], [...sessions.removals, ...znodes.removals])
    this.#meta = meta
    this.#overlay.settle()
    this.#sessions.settle()
    return meta
  }

  #insertFreshTree(): void {
    const overlay = this.#overlay
    const root = overlay.insertRoot(openAcl)
    overlay.setData(root, new Uint8Array(0))
    for (const { path, acl, aversion } of freshZnodes) {
      if (!overlay.knows(path)) overlay.note(path, null)
      const parent = overlay.find(parentOf(path))
      assert(parent !== null, 'the znodes of a new tree come parents first', { path })
      const znode = overlay.insert(parent, path, acl)
      overlay.setData(znode, new Uint8Array(0))
      overlay.setStat32(znode, statOffsets.aversion, aversion)
    }
  }

  async #readQuotas(): Promise<void> {
    const key = znodeKeyOf(quotaRoot)
    await this.#scan(key, (found, value) => {
      const path = pathOfZnodeKey(found)
      this.#noteZnode(path, value)
      this.#applier.quotas.restored(path)
    })
    this.#overlay.settle()
  }

  #beginStretch(): Stretch {
    const stretch: Stretch = {
      txns: [],
      paths: new Set(),
      sessions: new Set(),
      tops: new Set(),
    }
    for (const top of this.#overlay.unreadableUsages) this.#wantSize(stretch, top)
    return stretch
  }

  #addToStretch(stretch: Stretch, zxid: Zxid, txn: Txn): void {
    stretch.txns.push({ zxid, txn })
    for (const change of txn.changes) this.#addChange(stretch, change)
  }

  #addChange(stretch: Stretch, change: Change): void {
    switch (change.kind) {
      case 'create':
        // A txn that is the first to name a znode and creates it proves that the store does not have it. So nothing is
        // read: to look for a key that is missing costs as much as to find one.
        if (!this.#overlay.knows(change.path) && !stretch.paths.has(change.path)) this.#overlay.note(change.path, null)
        this.#wantParentOf(stretch, change.path)
        this.#addQuotaChange(stretch, change)
        return
      case 'set-data':
        this.#wantPath(stretch, change.path)
        this.#addQuotaChange(stretch, change)
        return
      case 'delete':
      case 'set-acl':
        this.#wantPath(stretch, change.path)
        return
      case 'bundle':
        for (const bundled of change.changes) this.#addChange(stretch, bundled)
        return
      case 'create-session':
        this.#wantSession(stretch, change.sessionId)
        return
      case 'close-session':
        this.#wantSession(stretch, change.sessionId)
        for (const path of change.deletedPaths) this.#wantPath(stretch, path)
        return
      case 'check':
      case 'refusal':
        return
    }
  }

  /** A usage znode that is created, or gets a text that cannot be parsed, leads to a count of the subtree. */
  #addQuotaChange(stretch: Stretch, change: Extract<Change, { kind: 'create' | 'set-data' }>): void {
    const quota = quotaZnodeOf(change.path)
    if (quota?.kind !== 'usage') return
    if (change.kind === 'create' || parseQuotaText(change.data) === null) this.#wantSize(stretch, quota.path)
  }

  #wantSize(stretch: Stretch, top: string): void {
    this.#want(stretch, top || '/')
    if (!this.#overlay.knowsSize(top)) stretch.tops.add(top)
  }

  #wantPath(stretch: Stretch, path: string): void {
    this.#want(stretch, path)
    if (path !== '/') this.#wantParentOf(stretch, path)
  }

  #wantParentOf(stretch: Stretch, path: string): void {
    if (!this.#overlay.knowsParentOf(path)) stretch.paths.add(parentOf(path))
  }

  #want(stretch: Stretch, path: string): void {
    if (!this.#overlay.knows(path)) stretch.paths.add(path)
  }

  #wantSession(stretch: Stretch, sessionId: SessionId): void {
    if (!this.#sessions.knows(sessionId)) stretch.sessions.add(sessionId)
  }

  async #read(stretch: Stretch): Promise<void> {
    // The accounts of quotas look for the root.
    this.#want(stretch, '/')
    await this.#get([...stretch.paths], znodeKeyOf, (path, value) => this.#noteZnode(path, value))
    await this.#get([...stretch.sessions], sessionKeyOf, (sessionId, value) => {
      if (!this.#sessions.note(sessionId, value)) throw damaged(`session ${hexOfSession(sessionId)}`)
    })
    for (const top of stretch.tops) this.#overlay.noteSize(top, await this.#sizeInStore(top))
  }

  async #readDataInStore(): Promise<void> {
    await this.#get(this.#overlay.pathsWithDataInStore(), znodeKeyOf, (path, value) => {
      if (value === null) throw damaged(`znode ${path}`)
      this.#overlay.noteData(path, value)
    })
  }

  async #get<T>(
    wanted: readonly T[],
    keyOf: (each: T) => Uint8Array,
    note: (each: T, value: Uint8Array | null) => void,
  ): Promise<void> {
    for (let at = 0; at < wanted.length; at += keysPerReadMax) {
      const part = wanted.slice(at, at + keysPerReadMax)
      const keys = part.map((each) => keyOf(each))
      const values = await this.#store.get(keys, this.readsMany)
      for (const [i, each] of part.entries()) note(each, values[i] ?? null)
    }
  }

  #noteZnode(path: string, value: Uint8Array | null): void {
    if (!this.#overlay.note(path, value)) throw damaged(`znode ${path}`)
  }

  async #sizeInStore(top: string): Promise<SubtreeSize> {
    let znodeCount = 0
    let dataSizeBytes = 0
    await this.#scan(znodeKeyOf(top || '/'), (_key, value) => {
      znodeCount += 1
      dataSizeBytes += viewOf(value).getInt32(statOffsets.dataLength)
    })
    return { znodeCount, dataSizeBytes }
  }

  /** The znode with this key and all below it. */
  async #scan(key: Uint8Array, visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    const view = this.#store.view()
    try {
      const end = endOfSubtree(key)
      for (let from = key; ; ) {
        const entries = await view.read(from, end, scanSizeBytes)
        for (const entry of entries) visit(entry.key, entry.value)
        const last = entries.at(-1)
        if (last === undefined) return
        from = keyAfter(last.key)
      }
    } finally {
      await view.close()
    }
  }
}

function damaged(what: string): Error {
  const message = `the checkpoint is damaged: the entry of ${what} is not readable`
  return Object.assign(new Error(message), { code: damageCode })
}

const emptyMeta: Omit<CheckpointMeta, 'serverId'> = {
  zxid: zeroZxid,
  hash: emptyChainHash,
  origin: 'folded',
  clusterId: 0,
  epoch: 0,
  znodeCount: 0,
  sessionCount: 0,
  digestA: 0,
  digestB: 0,
}
