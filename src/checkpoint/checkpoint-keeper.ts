/**
 * The checkpoint of one server: opens its store, folds the log into it, hands out copies, and builds a store from a copy
 * that was received. It runs in a thread of its own, and in the simulator; the server reaches it through `Checkpoints`.
 *
 * At any time one store is current, by the file `current`. Every state of it on disk is an exact prefix of the history, so
 * a crash at any moment costs at most the work since the last batch. Calls that change something run one after another;
 * copies are read meanwhile. After a failed advance the next one begins from what is on the disk; after a failed write the
 * store is opened again, and copies that were being read end with an error.
 */
import { assert } from '../base/assert.ts'
import { adoptAdvice } from '../base/data-advice.ts'
import { damageCode, isDamage, retiredDamageCode } from '../base/disk-failure.ts'
import type { Zxid } from '../base/ids.ts'
import { checkpointStepSizeBytesMax } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import type {
  CheckpointCopy,
  CheckpointFacts,
  CheckpointFailure,
  CheckpointReceiver,
  Checkpoints,
  CheckpointsOptions,
  HistoryFailure,
  HistoryPoint,
  HistoryReader,
  VerifiedCheckpoint,
} from '../ports/checkpoints.ts'
import type { Disk } from '../ports/disk.ts'
import type { KeyValueStore, KeyValueStores, KeyValueView } from '../ports/key-values.ts'
import { LogFollower } from '../storage/log-follower.ts'
import { type CheckpointMeta, factsOf, readMeta } from './checkpoint-meta.ts'
import {
  currentDraftName,
  currentFileName,
  numberOfStore,
  readCurrent,
  removeCurrent,
  storeNameOf,
  writeCurrent,
} from './current-file.ts'
import { Folding } from './folding.ts'
import { openHistory } from './log-history.ts'
import { StoreCopy, viewForCopy } from './store-copy.ts'
import { errorOf, openOrReject } from './store-failure.ts'
import { keyAfter, metaKey } from './store-keys.ts'
import { type ReceivedStore, StoreReceiver } from './store-receiver.ts'

export interface CheckpointKeeperOptions extends CheckpointsOptions {
  readonly disk: Disk
  readonly stores: KeyValueStores
  readonly stepSizeBytesMax?: number
  readonly chunkSizeBytesMax?: number
}

interface CurrentStore {
  readonly name: string
  readonly store: KeyValueStore
  readonly copies: Set<Pick<StoreCopy, 'abandon'>>
}

/** From this number of txns on, reading what they change takes longer than merging files of the store. */
const manyTxnsMin = 30_000

/** What an advance goes on with. */
interface Progress {
  readonly folding: Folding
  readonly follower: LogFollower
}

type KeeperState = 'new' | 'open' | 'closed'

export class CheckpointKeeper implements Checkpoints {
  readonly #options: CheckpointKeeperOptions
  #state: KeeperState = 'new'
  /** Null: there is no store, or it has to be opened again before it is used. */
  #current: CurrentStore | null = null
  /** What `current` names and the store holds; null: there is no checkpoint. */
  #meta: CheckpointMeta | null = null
  #currentName: string | null = null
  /** `current` exists and names no store: what it named is not known until it is discarded or replaced. */
  #nameless: CheckpointFailure | null = null
  #progress: Progress | null = null
  /** A batch is being written: if that fails, what the store holds is not known. */
  #isWriting = false
  #receiver: { readonly name: string; readonly receiver: StoreReceiver } | null = null
  readonly #retired = new Set<CurrentStore>()
  #lastNumber = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: CheckpointKeeperOptions) {
    this.#options = options
  }

  async open(): Promise<Result<CheckpointFacts | null, CheckpointFailure>> {
    assert(this.#state === 'new', 'a checkpoint is opened once', { state: this.#state })
    this.#state = 'open'
    const { disk, folder } = this.#options
    const reading = await readCurrent(disk, folder)
    switch (reading.kind) {
      case 'missing':
        return ok(null)
      case 'damaged':
        this.#nameless = this.#damaged(`${folder}/${currentFileName} does not name a store`)
        return err(this.#nameless)
      case 'store': {
        this.#currentName = reading.name
        const opened = await this.#openCurrent(reading.name)
        return opened.ok ? ok(factsOf(opened.value)) : opened
      }
    }
  }

  clean(): Promise<void> {
    return this.#inOrder(async () => {
      const { disk, folder, stores } = this.#options
      if (!(await disk.exists(folder))) return
      const used = [this.#currentName, this.#receiver?.name, ...[...this.#retired].map(({ name }) => name)]
      for (const name of await disk.list(folder)) {
        if (name === currentDraftName) await disk.remove(`${folder}/${name}`)
        else if (numberOfStore(name) !== null && !used.includes(name)) await stores.remove(`${folder}/${name}`)
      }
      // The process that renamed `current` may have failed to flush that. Without the flush a loss of power could bring the
      // older store back, after the log that only the newer one covers was removed.
      await disk.syncDirectory(folder)
    })
  }

  discard(store?: string): Promise<void> {
    return this.#inOrder(async () => {
      if (store !== undefined && store !== this.#currentName) return
      const { disk, folder } = this.#options
      await this.#dropProgress()
      await this.#closeCurrent()
      await removeCurrent(disk, folder)
      this.#currentName = null
      this.#nameless = null
      this.#meta = null
    })
  }

  verify(): Promise<Result<VerifiedCheckpoint | null, CheckpointFailure>> {
    return this.#inOrder(async () => {
      try {
        const current = await this.#reopen()
        if (current === null || this.#meta === null) return ok(null)
        const failure = await current.store.check()
        if (failure !== null) return err(this.#damaged(failure.message))
        return ok({ facts: factsOf(this.#meta), repaired: await this.#keepName(current.name) })
      } catch (error) {
        if (!isDamage(error)) throw error
        return err(this.#asFailure(error))
      }
    })
  }

  advance(through: Zxid): Promise<CheckpointFacts> {
    return this.#inOrder(async () => {
      if (this.#meta !== null && this.#meta.zxid >= through) return factsOf(this.#meta)
      try {
        const progress = this.#progress ?? (await this.#begin())
        this.#progress = progress
        await this.#advance(progress, through)
        await progress.follower.release()
      } catch (error) {
        await this.#dropProgress()
        if (this.#current?.name !== this.#currentName || this.#isWriting) await this.#closeCurrent()
        this.#isWriting = false
        throw this.#named(error, this.#currentName)
      }
      assert(this.#meta !== null && this.#meta.zxid === through, 'an advance reaches its end', { through })
      return factsOf(this.#meta)
    })
  }

  async copy(hasChecksums = true): Promise<CheckpointCopy> {
    this.#assertOpen()
    // A store that an advance failed on is opened again, in order with what else is going on.
    const current = this.#current ?? (await this.#inOrder(() => this.#reopen()))
    if (current === null || this.#meta === null)
      throw Object.assign(new Error('there is no checkpoint to copy'), { code: 'ENOENT' })
    const view = viewForCopy(current.store)
    // Another store may become current while the record is read: this one stays until the copy of it is closed.
    const begun = { abandon: () => view.close() }
    current.copies.add(begun)
    const end = async (ended: Pick<StoreCopy, 'abandon'>): Promise<void> => {
      current.copies.delete(ended)
      if (this.#retired.has(current) && this.#state === 'open') await this.#inOrder(() => this.#retire(current))
    }
    const meta = await this.#metaIn(view, current.name).catch(async (error: unknown) => {
      await view.close()
      await end(begun)
      throw this.#named(error, current.name)
    })
    const copy: StoreCopy = new StoreCopy({
      view,
      facts: factsOf(meta),
      hasChecksums,
      onClose: () => end(copy),
      explain: (error) => this.#named(error, current.name),
      sizeBytesMax: this.#options.chunkSizeBytesMax,
    })
    current.copies.add(copy)
    current.copies.delete(begun)
    return copy
  }

  async history(after: HistoryPoint, through: Zxid): Promise<Result<HistoryReader, HistoryFailure>> {
    this.#assertOpen()
    const { disk, logFolder, chunkSizeBytesMax: sizeBytesMax } = this.#options
    return openHistory(disk, logFolder, { after, through, sizeBytesMax })
  }

  /** A receiver that was not finished is given up. */
  async receive(): Promise<CheckpointReceiver> {
    await this.#receiver?.receiver.abort()
    return this.#inOrder(async () => {
      const name = await this.#newStoreName()
      const receiver = new StoreReceiver({
        fill: await this.#options.stores.fill(this.#pathOf(name)),
        name,
        serverId: this.#options.serverId,
        origin: 'received',
        open: () => this.#openUnfinished(name, false),
        install: (received) => this.#installOrClose(received),
        discard: (abandoned, store) => this.#discardReceived(abandoned, store),
      })
      this.#receiver = { name, receiver }
      return receiver
    })
  }

  async sizeBytes(): Promise<number> {
    return (await this.#current?.store.sizeBytes()) ?? 0
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    await this.#receiver?.receiver.abort()
    await this.#last
    await this.#dropProgress()
    await this.#closeCurrent()
    for (const retired of this.#retired) await closeStore(retired)
  }

  async #openCurrent(name: string): Promise<Result<CheckpointMeta, CheckpointFailure>> {
    const path = this.#pathOf(name)
    const opened = await this.#options.stores.open(path, false)
    if (!opened.ok) {
      const { kind, message } = opened.error
      if (kind === 'damaged') return err(this.#damaged(`${path}: ${message}`))
      return err({ kind, message: `${path} is in use: ${message}. Stop the other process.` })
    }
    const store = opened.value
    try {
      const meta = await this.#metaOf(store, path)
      if (meta.ok) {
        this.#current = { name, store, copies: new Set() }
        this.#meta = meta.value
      } else {
        await store.close()
      }
      return meta
    } catch (error) {
      await store.close()
      if (!isDamage(error)) throw error
      return err(this.#damaged(`${path}: ${error.message}`))
    }
  }

  async #metaOf(store: KeyValueStore, path: string): Promise<Result<CheckpointMeta, CheckpointFailure>> {
    const [bytes] = await store.get([metaKey])
    const reading = bytes === null || bytes === undefined ? null : readMeta(bytes)
    if (reading === null) return err(this.#damaged(`${path} has no meta record`))
    if (reading.kind === 'damaged') return err(this.#damaged(`the meta record of ${path} is not readable`))
    if (reading.kind === 'newer') {
      const message = `${path} was written by a version of zkts with ${reading.what}, which this version does not read. Start the version that wrote it; ${contentUnchanged}.`
      return err({ kind: 'foreign', message })
    }
    const { serverId } = this.#options
    if (reading.meta.serverId === serverId) return ok(reading.meta)
    const message = `${path} is the checkpoint of server ${reading.meta.serverId}, this is server ${serverId}. Check myid and dataDir; ${contentUnchanged}. ${adoptAdvice}`
    return err({ kind: 'foreign', message })
  }

  async #metaIn(view: KeyValueView, name: string): Promise<CheckpointMeta> {
    const [entry] = await view.read(metaKey, keyAfter(metaKey), 1)
    const reading = entry === undefined ? null : readMeta(entry.value)
    if (reading?.kind === 'valid') return reading.meta
    throw errorOf(this.#damaged(`${this.#pathOf(name)} has no readable meta record`))
  }

  /** The store of the checkpoint, opened again if need be; null: there is none. */
  async #reopen(): Promise<CurrentStore | null> {
    if (this.#nameless !== null) throw errorOf(this.#nameless)
    if (this.#current === null && this.#currentName !== null) {
      const opened = await this.#openCurrent(this.#currentName)
      if (!opened.ok) throw errorOf(opened.error)
    }
    return this.#current
  }

  /** A store that was opened on a full disk is opened again, unless a copy of it is being read, which that would end. */
  async #reopenToWrite(): Promise<CurrentStore | null> {
    let current = await this.#reopen()
    if (current !== null && current.store.readOnlyBecause !== null && current.copies.size === 0) {
      await this.#closeCurrent()
      current = await this.#reopen()
    }
    // Before anything is folded, which would take long and be in vain.
    if (current !== null && current.store.readOnlyBecause !== null) throw current.store.readOnlyBecause
    return current
  }

  /** Returns what was wrong. */
  async #keepName(name: string): Promise<string | null> {
    const { disk, folder } = this.#options
    const path = `${folder}/${currentFileName}`
    const reading = await readCurrent(disk, folder)
    if (reading.kind === 'store' && reading.name === name) return null
    await writeCurrent(disk, folder, name)
    return reading.kind === 'missing' ? `${path} was missing` : `${path} did not name the store in use, ${name}`
  }

  async #begin(): Promise<Progress> {
    const { disk, logFolder, serverId } = this.#options
    const current = await this.#reopenToWrite()
    const meta = this.#meta
    if (current !== null && meta !== null) {
      const folding = await Folding.over(current.store, meta)
      return { folding, follower: new LogFollower(disk, logFolder, { zxid: meta.zxid, hash: meta.hash }) }
    }
    const created = await this.#createStore()
    this.#current = { ...created, copies: new Set() }
    return {
      folding: Folding.overNothing(created.store, serverId),
      follower: new LogFollower(disk, logFolder, null),
    }
  }

  async #advance({ folding, follower }: Progress, through: Zxid): Promise<void> {
    const sizeBytesMax = this.#options.stepSizeBytesMax ?? checkpointStepSizeBytesMax
    folding.readsMany = through - folding.zxid >= manyTxnsMin // in another epoch the difference says nothing, and is great
    for (let entries = await follower.next(through); entries !== null; entries = await follower.next(through)) {
      for (let at = 0; at < entries.length; ) {
        this.#assertOpen()
        at += await folding.fold(entries, at, sizeBytesMax)
        if (folding.sizeBytes >= sizeBytesMax) await this.#write(folding, follower)
      }
    }
    if (this.#meta === null || folding.zxid > this.#meta.zxid) await this.#write(folding, follower)
  }

  async #write(folding: Folding, follower: LogFollower): Promise<void> {
    this.#assertOpen()
    const { state } = follower
    this.#isWriting = true
    const meta = await folding.write({ clusterId: state?.clusterId ?? 0, epoch: state?.currentEpoch ?? 0 })
    const { name } = this.#current!
    if (this.#currentName !== name) {
      const { disk, folder } = this.#options
      await writeCurrent(disk, folder, name)
      this.#currentName = name
    }
    this.#meta = meta
    this.#isWriting = false
  }

  async #createStore(): Promise<{ readonly name: string; readonly store: KeyValueStore }> {
    const name = await this.#newStoreName()
    return { name, store: await this.#openUnfinished(name, true) }
  }

  async #newStoreName(): Promise<string> {
    const { disk, folder } = this.#options
    await disk.makeFolder(folder)
    const numbers = (await disk.list(folder)).map((name) => numberOfStore(name) ?? 0)
    this.#lastNumber = Math.max(this.#lastNumber, ...numbers) + 1
    return storeNameOf(this.#lastNumber)
  }

  async #install({ name, store, meta }: ReceivedStore): Promise<CheckpointFacts> {
    this.#assertOpen()
    const { disk, folder } = this.#options
    await this.#dropProgress()
    await writeCurrent(disk, folder, name)
    this.#receiver = null
    const old = this.#current
    this.#current = { name, store, copies: new Set() }
    this.#currentName = name
    this.#nameless = null
    this.#meta = meta
    if (old !== null) {
      this.#retired.add(old)
      await this.#retire(old)
    }
    return factsOf(meta)
  }

  async #installOrClose(received: ReceivedStore): Promise<CheckpointFacts> {
    try {
      return await this.#inOrder(() => this.#install(received))
    } catch (error) {
      // Either store may be current now, so neither is removed.
      if (this.#receiver?.name === received.name) this.#receiver = null
      await received.store.close()
      throw error
    }
  }

  /** The old store is removed when the last copy of it was closed. */
  async #retire(old: CurrentStore): Promise<void> {
    if (old.copies.size > 0 || !this.#retired.delete(old)) return
    await old.store.close()
    await this.#options.stores.remove(this.#pathOf(old.name))
  }

  #openUnfinished(name: string, mayCreate: boolean): Promise<KeyValueStore> {
    return openOrReject(this.#options.stores, this.#pathOf(name), mayCreate)
  }

  /** Also while the keeper closes. Null: the store is closed. */
  #discardReceived(name: string, store: KeyValueStore | null): Promise<void> {
    return this.#afterOthers(async () => {
      if (this.#receiver?.name === name) this.#receiver = null
      await store?.close()
      await this.#options.stores.remove(this.#pathOf(name))
    })
  }

  async #dropProgress(): Promise<void> {
    const progress = this.#progress
    this.#progress = null
    await progress?.follower.release()
  }

  async #closeCurrent(): Promise<void> {
    const current = this.#current
    this.#current = null
    if (current !== null) await closeStore(current)
  }

  /** Whether that matters depends on the log, which the caller knows: it says what to do. */
  #damaged(what: string): CheckpointFailure {
    return this.#asFailure({ message: `the checkpoint is damaged: ${what}` })
  }

  #asFailure({ message }: Pick<Error, 'message'>): CheckpointFailure {
    const store = this.#currentName
    return store === null ? { kind: 'damaged', message } : { kind: 'damaged', message, store }
  }

  /** Damage of a store that a copy still shows is not damage of the checkpoint. */
  #named(error: unknown, store: string | null): unknown {
    if (!isDamage(error) || store === null) return error
    return Object.assign(error, { store, code: store === this.#currentName ? damageCode : retiredDamageCode })
  }

  #pathOf(name: string): string {
    return `${this.#options.folder}/${name}`
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw Object.assign(new Error('the checkpoint is closed'), { code: 'ECLOSED' })
  }

  #inOrder<T>(act: () => Promise<T>): Promise<T> {
    return this.#afterOthers(() => {
      this.#assertOpen()
      return act()
    })
  }

  #afterOthers<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#last.then(act)
    this.#last = result.catch(() => {})
    return result
  }
}

/** LevelDB rewrites its files whenever it opens a store. */
const contentUnchanged = 'no content was changed'

async function closeStore({ store, copies }: CurrentStore): Promise<void> {
  for (const copy of copies) await copy.abandon()
  await store.close()
}
