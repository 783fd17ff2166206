/**
 * Restores a backup into the empty folders of a stopped server. The result is a checkpoint of origin `restored` and no log;
 * the server begins its log at the checkpoint when it starts. The history up to the point stays as it was. The cluster
 * id is new and the epoch is above every epoch of the backup, so that no server of the old ensemble works together with
 * the restored one.
 *
 * The file is read twice: it is checked to its end before anything is written. A mark in dataDir exists from before the first
 * write until all is durable (restore-mark.ts). So after a crash at any moment the server refuses to start, or has the
 * whole restored state; and a restore beside the mark removes what the one before it has left.
 */
import { assert } from '../base/assert.ts'
import { explainDiskFailure } from '../base/disk-failure.ts'
import { epochMax, type ServerId } from '../base/ids.ts'
import { checkpointStepSizeBytesMax, givenEpochMax } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import { checkStore } from '../checkpoint/check-store.ts'
import { type CheckpointMeta, encodeMeta, factsOf } from '../checkpoint/checkpoint-meta.ts'
import {
  checkpointFolderOf,
  currentDraftName,
  numberOfStore,
  removeCurrent,
  storeNameOf,
  writeCurrent,
} from '../checkpoint/current-file.ts'
import { Folding } from '../checkpoint/folding.ts'
import { openOrReject } from '../checkpoint/store-failure.ts'
import { metaKey } from '../checkpoint/store-keys.ts'
import { isSamePoint, type ReceiverOptions, StoreReceiver } from '../checkpoint/store-receiver.ts'
import type { CheckpointFacts } from '../ports/checkpoints.ts'
import type { Disk, FolderLock } from '../ports/disk.ts'
import type { KeyValueStore, KeyValueStores } from '../ports/key-values.ts'
import type { ClusterId, TxnEntry } from '../protocol/disk/log-record.ts'
import { removeRestoreMark, restoreMarkOf, writeRestoreMark } from '../storage/restore-mark.ts'
import type { BackupFacts } from './backup-check.ts'
import { BackupFileReader } from './backup-file.ts'
import { type DataFolders, findData, namesIn } from './data-in-folders.ts'
import { checkBackupFile, piecesOf, withFile } from './read-backup.ts'
import { type RestorePoint, RestorePointSearch, type RestoreTarget } from './restore-point.ts'

export interface RestoreOptions {
  readonly disk: Disk
  readonly stores: KeyValueStores
  readonly path: string // of the backup
  readonly folders: DataFolders
  readonly serverId: ServerId
  readonly target: RestoreTarget
  readonly clusterId: ClusterId // of the restored data
  /** Null: one above every epoch of the backup. */
  readonly epoch: number | null
  readonly onProgress?: (step: 'check' | 'write', doneSizeBytes: number, sizeBytes: number) => void
  readonly stepSizeBytesMax?: number
}

export interface Restored {
  readonly facts: CheckpointFacts
  readonly point: RestorePoint
  readonly backup: BackupFacts
}

interface Plan {
  readonly point: RestorePoint
  readonly backup: BackupFacts
  readonly epoch: number
}

/** The error says what, where and what to do. */
export async function restoreBackup(options: RestoreOptions): Promise<Result<Restored, string>> {
  const { disk, path, folders } = options
  try {
    const plan = await planRestore(options)
    if (!plan.ok) return plan
    return await inLockedFolders(options, () => restoreAsPlanned(options, plan.value))
  } catch (cause) {
    // Only an error that has a system's code is a fault of the disk; any other is a bug.
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    const isUnfinished = await disk.exists(restoreMarkOf(folders.dataDir)).catch(() => false)
    const where = isUnfinished ? `${folders.dataDir} is not restored` : `${path} cannot be restored`
    const again = isUnfinished ? ' Then run this restore again; until it has ended the server does not start.' : ''
    return err(`${where}: ${explainDiskFailure(cause)}${again}`)
  }
}

/** Changes nothing. */
async function planRestore(options: RestoreOptions): Promise<Result<Plan, string>> {
  const { disk, path, target, clusterId, onProgress } = options
  const search = new RestorePointSearch(target)
  const onCheck = (done: number, sizeBytes: number): void => onProgress?.('check', done, sizeBytes)
  const checked = await withFile(disk, path, (file) => checkBackupFile(file, { search, onProgress: onCheck }))
  if (!checked.ok) return err(`${path}: ${checked.error}. Use another backup; nothing was changed.`)
  const { facts: backup, broken } = checked.value
  const point = search.result(broken === null ? null : `offset ${broken.offset}: ${broken.what}`)
  if (!point.ok) return err(`${path}: ${point.error}. Nothing was changed.`)
  if (clusterId === backup.end.clusterId) {
    const cluster = `0x${clusterId.toString(16)}`
    return err(
      `${cluster} is the cluster id of the ensemble that was backed up. A restored server that had it would work together with ` +
        'the servers of that ensemble, and writes that they have acknowledged since would be lost. If they run, start this server ' +
        'with empty folders: it gets the data from them. If they do not, leave --cluster-id out. Nothing was changed.',
    )
  }
  const epoch = options.epoch ?? backup.epochMax + 1
  if (epoch <= backup.epochMax)
    return err(
      `the backup has epochs up to ${backup.epochMax}: write --epoch with a greater number. Nothing was changed.`,
    )
  if (epoch > Math.max(givenEpochMax, backup.epochMax + 1))
    return err(
      `--epoch ${epoch} leaves too few epochs: each new leader needs a further one, and ${epochMax} is the last. Write ` +
        `${givenEpochMax} or less, or leave --epoch out. Nothing was changed.`,
    )
  // The first leader opens the next epoch.
  if (epoch >= epochMax)
    return err(
      `the backup has epoch ${backup.epochMax}, and a restored server needs two greater ones, but ${epochMax} is the last. Use ` +
        'a backup from before that epoch. Nothing was changed.',
    )
  return ok({ point: point.value, backup, epoch })
}

/** Calls `act` if no server uses the folders and no data is in them. */
async function inLockedFolders(
  { disk, folders }: RestoreOptions,
  act: () => Promise<Result<Restored, string>>,
): Promise<Result<Restored, string>> {
  const { dataDir, dataLogDir } = folders
  const logFolder = `${dataLogDir}/wal`
  // Before the folder of the log is made, by which a server knows that data of Apache ZooKeeper is not its own.
  if (!(await disk.exists(logFolder))) {
    const found = await findDataBesideMark(disk, folders)
    if (found !== null) return err(holdsData(found))
    await disk.makeFolder(logFolder)
  }
  let lock: FolderLock
  try {
    lock = await disk.lock(logFolder)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ELOCKED')) throw cause
    return err(`a server or another restore runs in ${dataDir}; stop it first. Nothing was changed. ${cause.message}`)
  }
  try {
    const found = await findDataBesideMark(disk, folders)
    return found === null ? await act() : err(holdsData(found))
  } finally {
    await lock.release()
  }
}

/** The mark is written only into folders without data, and no server starts beside it: a checkpoint is of the restore. */
async function findDataBesideMark(disk: Disk, folders: DataFolders): Promise<string | null> {
  const isUnfinished = await disk.exists(restoreMarkOf(folders.dataDir))
  return findData(disk, folders, isUnfinished ? 'without-checkpoint' : 'all')
}

function holdsData(found: string): string {
  return (
    `${found} holds data. Move the content of dataDir and dataLogDir away, except myid and zoo.cfg, and run the restore again; ` +
    'keep what you moved until the restored servers serve. Nothing was changed.'
  )
}

async function restoreAsPlanned(options: RestoreOptions, plan: Plan): Promise<Result<Restored, string>> {
  const { disk, folders, stores } = options
  const { dataDir } = folders
  await disk.makeFolder(dataDir)
  await writeRestoreMark(disk, dataDir)
  const folder = checkpointFolderOf(folders)
  await disk.makeFolder(folder)
  await removeLeftovers(disk, stores, folder)
  const name = storeNameOf(1)
  const path = `${folder}/${name}`
  const fill = await stores.fill(path)
  const { serverId } = options
  const receiver = new CheckpointIntoStore({ fill, name, serverId, open: () => openOrReject(stores, path, false) })
  let meta: Result<CheckpointMeta, string>
  try {
    meta = await fillStore(options, plan, receiver)
    if (meta.ok) meta = await verified(receiver.store, meta.value)
  } finally {
    await receiver.close()
  }
  if (!meta.ok) return err(`${options.path}: ${meta.error}. Run the restore again.`)
  await writeCurrent(disk, folder, name)
  try {
    await removeRestoreMark(disk, dataDir)
  } catch (cause) {
    // The mark may be gone or not. With it a second restore is possible, whose outcome is known.
    await writeRestoreMark(disk, dataDir).catch(() => {})
    throw cause
  }
  return ok({ facts: factsOf(meta.value), point: plan.point, backup: plan.backup })
}

async function removeLeftovers(disk: Disk, stores: KeyValueStores, folder: string): Promise<void> {
  await removeCurrent(disk, folder)
  for (const name of (await namesIn(disk, folder)) ?? []) {
    if (name === currentDraftName) await disk.remove(`${folder}/${name}`)
    else if (numberOfStore(name) !== null) await stores.remove(`${folder}/${name}`)
  }
}

const changedMeanwhile = 'the file was changed while it was restored'

/** The checkpoint of the backup, then the txns up to the point, then what makes the data a cluster of its own. */
async function fillStore(
  options: RestoreOptions,
  { point, backup, epoch }: Plan,
  receiver: CheckpointIntoStore,
): Promise<Result<CheckpointMeta, string>> {
  const { disk, path, clusterId, onProgress, stepSizeBytesMax = checkpointStepSizeBytesMax } = options
  return withFile(disk, path, async (file) => {
    const reader = new BackupFileReader(file)
    const sizeBytes = await reader.sizeBytes()
    if ((await reader.open()) !== null) return err(changedMeanwhile)
    let folding: Folding | null = null
    for await (const { piece, end } of piecesOf(reader)) {
      onProgress?.('write', end.offset, sizeBytes)
      if (piece.kind === 'chunk') {
        if (!(await receiver.add(piece.bytes))) return err(changedMeanwhile)
        continue
      }
      folding ??= await receiver.finish(backup.checkpoint)
      if (folding === null) return err(changedMeanwhile)
      if (piece.kind === 'txns') {
        const wanted = piece.txns.filter(({ zxid }) => zxid <= point.zxid)
        await foldAll(folding, wanted, stepSizeBytesMax)
      }
      if (folding.zxid >= point.zxid) break
    }
    if (folding === null || folding.zxid !== point.zxid) return err(changedMeanwhile)
    const meta = { ...(await folding.write({ clusterId, epoch })), origin: 'restored', clusterId, epoch } as const
    await receiver.store.write([{ key: metaKey, value: encodeMeta(meta) }], [])
    return ok(meta)
  })
}

async function foldAll(folding: Folding, txns: readonly TxnEntry[], stepSizeBytesMax: number): Promise<void> {
  for (let at = 0; at < txns.length; ) {
    at += await folding.fold(txns, at, stepSizeBytesMax)
    if (folding.sizeBytes >= stepSizeBytesMax) await folding.write({ clusterId: 0, epoch: 0 })
  }
}

/** The chunks of the backup become the content of a store. */
class CheckpointIntoStore {
  readonly #receiver: StoreReceiver
  #store: KeyValueStore | null = null // null: not all chunks were added
  #meta: CheckpointMeta | null = null
  #chunkCount = 0

  constructor(options: Pick<ReceiverOptions, 'fill' | 'name' | 'serverId' | 'open'>) {
    this.#receiver = new StoreReceiver({
      ...options,
      origin: 'restored',
      install: async ({ store, meta }) => {
        this.#store = store
        this.#meta = meta
        return factsOf(meta)
      },
      discard: async (_name, store) => store?.close(),
    })
  }

  /** After `finish`. */
  get store(): KeyValueStore {
    assert(this.#store !== null, 'a store is used after all chunks were added', {})
    return this.#store
  }

  async add(chunk: Uint8Array): Promise<boolean> {
    return await this.#receiver.add(this.#chunkCount++, chunk)
  }

  /** Null: the chunks are not the checkpoint that was checked. */
  async finish(checked: CheckpointFacts): Promise<Folding | null> {
    const { meta } = this.#receiver
    if (meta === null || !isSamePoint(factsOf(meta), checked)) return null
    await this.#receiver.finish(checked)
    const folding = await Folding.over(this.store, this.#meta!)
    folding.readsMany = true
    return folding
  }

  async close(): Promise<void> {
    await this.#receiver.abort()
    await this.#store?.close()
  }
}

/** Reads all of the store, as the start of a server does. */
async function verified(store: KeyValueStore, meta: CheckpointMeta): Promise<Result<CheckpointMeta, string>> {
  const problem = await checkStore(store, meta)
  return problem === null ? ok(meta) : err(`what was restored is damaged or not complete: ${problem}`)
}
