/** What the tests of the keeper share: a log with a random history in it, and the tree that each prefix of it leads to. */

import type { ChainHash } from '../../src/base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import { ok } from '../../src/base/result.ts'
import { CheckpointKeeper, type CheckpointKeeperOptions } from '../../src/checkpoint/checkpoint-keeper.ts'
import { type LoadedCheckpoint, loadCheckpoint } from '../../src/checkpoint/checkpoint-loader.ts'
import type { CheckpointFacts } from '../../src/ports/checkpoints.ts'
import type { Disk } from '../../src/ports/disk.ts'
import type { KeyValueStore, KeyValueStores } from '../../src/ports/key-values.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import type { Txn } from '../../src/protocol/txn/txn.ts'
import { encodeTxn } from '../../src/protocol/txn/txn-codec.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import type { LogStorage } from '../../src/storage/log-storage.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { History, folder as logFolder, openStorage, recovered, serverId } from '../storage/storage-rig.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { type HistoryTxn, randomHistory } from '../tree/random-history.ts'

export const checkpointFolder = '/data/checkpoint'
export const clusterId = 2 ** 50 + 7

export function keeperOn(disk: Disk, options: Partial<CheckpointKeeperOptions> = {}): CheckpointKeeper {
  const stores = new SimKeyValues(disk)
  return new CheckpointKeeper({ disk, stores, folder: checkpointFolder, logFolder, serverId, ...options })
}

export async function openedKeeper(
  disk: Disk,
  options: Partial<CheckpointKeeperOptions> = {},
): Promise<{ readonly keeper: CheckpointKeeper; readonly facts: CheckpointFacts | null }> {
  const keeper = keeperOn(disk, options)
  const opened = await keeper.open()
  if (!opened.ok) throw new Error(opened.error.message)
  return { keeper, facts: opened.value }
}

/** Stores on `disk` of which some calls are changed. */
export function changedStores(disk: Disk, change: (store: KeyValueStore) => Partial<KeyValueStore>): KeyValueStores {
  const real = new SimKeyValues(disk)
  return {
    fill: (folder) => real.fill(folder),
    remove: (folder) => real.remove(folder),
    async open(folder, mayCreate) {
      const opened = await real.open(folder, mayCreate)
      if (!opened.ok) return opened
      const store = opened.value
      return ok({
        readOnlyBecause: store.readOnlyBecause,
        get: (keys, mayMerge) => store.get(keys, mayMerge),
        write: (puts, removals) => store.write(puts, removals),
        view: (trustedFrom) => store.view(trustedFrom),
        check: () => store.check(),
        sizeBytes: () => store.sizeBytes(),
        close: () => store.close(),
        ...change(store),
      })
    },
  }
}

export function payloadOfTxn({ timeMs, origin, changes }: Pick<Txn, 'timeMs' | 'origin' | 'changes'>): Uint8Array {
  return encodeTxn({ timeMs, sessionId: 0n as Txn['sessionId'], origin, isMulti: changes.length !== 1, changes })
}

export const epochRecords: readonly LogRecord[] = [
  { kind: 'accepted-epoch', epoch: 7 as Epoch, leader: 2 as ServerId },
  { kind: 'current-epoch', epoch: 7 as Epoch, clusterId: clusterId as ClusterId },
]

/** The log on `disk` gets a random history, and is closed. */
export async function logWithHistory(disk: SimDisk, seed: number, txnCount: number): Promise<readonly HistoryTxn[]> {
  const history = randomHistory(new SeededRandom(seed), txnCount)
  const opened = await openStorage(disk)
  recovered(opened)
  const filler = new LogFiller(opened.storage, history, seed)
  while (!filler.isDone) await filler.appendSome(30)
  await opened.storage.close()
  return history
}

/** The state that a server has after each prefix of a history. */
export class ExpectedState {
  readonly sessions = new SessionTable()
  readonly tree = new DataTree(this.sessions)
  #next = 0
  readonly #history: readonly HistoryTxn[]

  constructor(history: readonly HistoryTxn[]) {
    this.#history = history
  }

  at(zxid: number): this {
    for (; this.#next < this.#history.length && this.#history[this.#next]!.zxid <= zxid; this.#next += 1) {
      const txn = this.#history[this.#next]!
      this.tree.applier.apply(txn.zxid, txn, null)
    }
    return this
  }
}

/** One text for everything that a state consists of, so that two states are compared at once. */
export function describeState({ tree, sessions }: Pick<LoadedCheckpoint, 'tree' | 'sessions'>): string {
  const owned = [...sessions.entries()].map(
    ([id, timeoutMs]) => `${id}:${timeoutMs}:${sessions.attachedTo(id)}:${tree.ephemeralsOf(id).join()}`,
  )
  const quotas = JSON.stringify(tree.namespaceQuotas())
  return [tree.lastApplied, tree.digest(), tree.nodeCount, tree.approximateDataSizeBytes, owned, quotas].join(' ')
}

export async function loadedFrom(keeper: CheckpointKeeper): Promise<LoadedCheckpoint> {
  const copy = await keeper.copy()
  const loaded = await loadCheckpoint(copy)
  await copy.close()
  if (!loaded.ok) throw new Error(loaded.error)
  loaded.value.tree.verify()
  return loaded.value
}

/**
 * Appends a history to a log in random pieces, as a learner might: commit marks come now and then, and sometimes a piece
 * that is never committed is taken back, with zxids that are used again.
 */
export class LogFiller {
  readonly #storage: LogStorage
  readonly #history: readonly HistoryTxn[]
  readonly #random: SeededRandom
  readonly #live = new History()
  #next = 0
  #committed = 0
  truncationCount = 0

  constructor(storage: LogStorage, history: readonly HistoryTxn[], seed: number) {
    this.#storage = storage
    this.#history = history
    this.#random = new SeededRandom(seed)
  }

  get lastZxid(): Zxid {
    return (this.#live.entries.at(-1)?.zxid ?? 0) as Zxid
  }

  hashAt(zxid: number): ChainHash {
    return this.#live.entries.find((entry) => entry.zxid === zxid)!.hash
  }

  get entries(): readonly TxnEntry[] {
    return this.#live.entries
  }

  /** The txns of the history that are in the log, or on the way to it. */
  get isDone(): boolean {
    return this.#next >= this.#history.length
  }

  async appendSome(countMax: number): Promise<void> {
    const random = this.#random
    if (this.#next === 0) await this.#append(epochRecords)
    if (random.chance(3)) await this.#appendDeadBranch()
    const records: LogRecord[] = []
    for (let left = 1 + random.below(countMax); left > 0 && !this.isDone; left -= 1) {
      const txn = this.#history[this.#next++]!
      records.push(this.#live.next(txn.zxid, payloadOfTxn(txn)))
    }
    if (random.chance(3)) records.push(this.#mark())
    await this.#append(records)
  }

  /** A point that the caller may treat as committed: anything durable after the last mark. */
  commitPoint(): Zxid {
    const candidates = this.#live.entries.filter(({ zxid }) => zxid >= this.#committed)
    const { zxid } = this.#random.pick(candidates)
    this.#committed = zxid
    return zxid
  }

  /** As a server does before it removes the front of its log. */
  async removeThrough(zxid: Zxid): Promise<void> {
    await this.#append([{ kind: 'committed', zxid }])
    await this.#storage.removeThrough(zxid)
  }

  #mark(): LogRecord {
    return { kind: 'committed', zxid: this.commitPoint() }
  }

  async #appendDeadBranch(): Promise<void> {
    const { zxid } = this.#live.entries.at(-1) ?? { zxid: 0 as Zxid }
    const dead = new History()
    dead.entries = [...this.#live.entries]
    const records: LogRecord[] = []
    for (let count = 1 + this.#random.below(4); count > 0; count -= 1) {
      const change = { kind: 'delete', path: `/dead${count}` } as const
      const next = this.#history[this.#next + records.length]?.zxid
      if (next === undefined) break
      records.push(dead.next(next, payloadOfTxn({ timeMs: 5, origin: null, changes: [change] })))
    }
    if (records.length === 0) return
    await this.#append(records)
    await new Promise<void>((done, failed) => {
      this.#storage.truncateAfter(zxid, (error) => (error === null ? done() : failed(error)))
    })
    this.truncationCount += 1
  }

  #append(records: readonly LogRecord[]): Promise<void> {
    return new Promise((done, failed) => {
      this.#storage.append(records, (error) => (error === null ? done() : failed(error)))
    })
  }
}
