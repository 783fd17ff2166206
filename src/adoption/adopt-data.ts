/**
 * Makes the data in copied folders that of a server: the copy of a member's folders, or of this server's own, an older image
 * of a disk, the folders of a server that got another id. Owns: that log and checkpoint are read and checked wholly before
 * anything changes; that what cannot be vouched for does not count (adopt-log.ts); and the order of the changes. The identity
 * is written last, so until then a start is refused as before, and the command can be run again.
 *
 * - `join`: the data is used in the living ensemble of its cluster. It may lack what this server has acknowledged, so the
 *   server counts in no quorum until a leader that has a quorum without it has brought it into step.
 * - `moved`: the operator vouches that the writer of the data was stopped before the copy and has not run since. That says
 *   nothing about what another server has acknowledged under its number, so the number is the writer's, or a new one.
 * - `new-cluster`: the history is kept and continues in a cluster of its own, with which no server of the old one works.
 */

import { assertNever } from '../base/assert.ts'
import { goOnFromCheckpoint } from '../base/data-advice.ts'
import { explainDiskFailure } from '../base/disk-failure.ts'
import { type Epoch, hexOfZxid, type ServerId, type Zxid, zeroEpoch } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import { factsOf } from '../checkpoint/checkpoint-meta.ts'
import {
  checkpointFolderOf,
  currentFileName,
  describeNamelessStores,
  removeCurrent,
} from '../checkpoint/current-file.ts'
import type { CheckpointFacts } from '../ports/checkpoints.ts'
import type { Disk, FolderLock } from '../ports/disk.ts'
import type { KeyValueStores } from '../ports/key-values.ts'
import type { Log } from '../ports/log.ts'
import type { ClusterId, TxnEntry } from '../protocol/disk/log-record.ts'
import { decodeTxn } from '../protocol/txn/txn-codec.ts'
import {
  type AdoptedLog,
  adoptLog,
  type FoundWriter,
  findLogWriter,
  type LogAdoption,
  type LogToAdopt,
} from '../storage/adopt-log.ts'
import type { DataIdentity, IdentityReading } from '../storage/data-identity.ts'
import { readIdentityFile, writeIdentityFile } from '../storage/identity-file.ts'
import type { LogBase, LogState } from '../storage/log-state.ts'
import type { OpenFailure } from '../storage/open-failure.ts'
import type { FoundLog } from '../storage/recover-log.ts'
import { restoreMarkOf } from '../storage/restore-mark.ts'
import { type FoundStore, findStore, renameStore } from './found-store.ts'

export type AdoptionKind =
  | { readonly kind: 'join' }
  | { readonly kind: 'moved' }
  /** The next epoch is above `epochMin`, and above all that the data has. */
  | { readonly kind: 'new-cluster'; readonly clusterId: ClusterId; readonly epochMin: Epoch }

export interface AdoptOptions {
  readonly disk: Disk
  readonly stores: KeyValueStores
  readonly dataDir: string
  readonly dataLogDir: string
  readonly serverId: ServerId
  /** Of the configuration, this server included. */
  readonly members: readonly ServerId[]
  readonly segmentSizeBytes: number
  readonly adoption: AdoptionKind
}

export interface AdoptedData {
  /** The server that used the data last. */
  readonly writerId: ServerId
  readonly clusterId: ClusterId
  readonly clusterIdBefore: ClusterId
  readonly epoch: Epoch
  readonly lastZxid: Zxid
  /** The txns up to it are known to be committed. */
  readonly committedZxid: Zxid
  /** When the last txn was made; null: no txn follows the checkpoint. */
  readonly lastTimeMs: number | null
  readonly checkpoint: CheckpointFacts | null
  readonly mustSync: boolean
  /** What was repaired or is missing and not needed. */
  readonly notes: readonly string[]
}

const unchanged = 'Nothing was changed.'
/**
 * In dataDir, until the data was adopted: the log folder held the lock of a server, so it was copied while that server ran.
 * The first lock of the copy removes that lock, and a second attempt would not find it.
 */
const copiedInUseName = 'copied-while-in-use'
/** Once the checkpoint was opened: LevelDB rewrites its files then. */
const contentUnchanged = 'Neither the log nor the content of the checkpoint was changed.'

/** The error says what is wrong, where, and what to do. */
export async function adoptData(options: AdoptOptions): Promise<Result<AdoptedData, string>> {
  try {
    return await adoptLocked(options)
  } catch (cause) {
    // Only an error that has a system's code is a fault of the disk; any other is a bug.
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    return err(`${options.dataDir}: ${explainDiskFailure(cause)} Then run the command again.`)
  }
}

async function adoptLocked(options: AdoptOptions): Promise<Result<AdoptedData, string>> {
  const { disk, dataDir } = options
  const walFolder = walFolderOf(options)
  const unfinished = await findUnfinished(disk, dataDir)
  if (unfinished !== null) return err(unfinished)
  const hasCheckpoint = await disk.exists(`${checkpointFolderOf(options)}/${currentFileName}`)
  const hasLog = (await disk.exists(walFolder)) && (await findLogWriter(disk, walFolder)).segmentCount > 0
  if (!hasCheckpoint && !hasLog) {
    const stores = await describeNamelessStores(disk, checkpointFolderOf(options))
    const where = `there is no data in ${dataDir} and no log in ${walFolder}`
    return err(`${where}.${stores} Check dataDir and dataLogDir. ${unchanged}`)
  }
  await disk.makeFolder(walFolder)
  let lock: FolderLock
  try {
    lock = await disk.lock(walFolder)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ELOCKED')) throw cause
    return err(`a server runs in this folder; stop it first. ${unchanged} ${cause.message}`)
  }
  try {
    const mark = `${dataDir}/${copiedInUseName}`
    if (lock.isCopy && !(await disk.exists(mark))) {
      await (await disk.open(mark, 'create-new')).close()
      await disk.syncDirectory(dataDir)
    }
    const wasInUse = await disk.exists(mark)
    if (wasInUse && options.adoption.kind === 'moved') {
      return err(
        `the copy in ${dataDir} was made while its server ran, or after it was killed: it may lack what that server acknowledged ` +
          `later. ${withoutMoved(options)} ${unchanged}`,
      )
    }
    const adopted = await adopt(options, walFolder)
    if (adopted.ok && wasInUse) {
      await disk.remove(mark)
      await disk.syncDirectory(dataDir)
    }
    return adopted
  } finally {
    await lock.release()
  }
}

/** Why nothing can be adopted before a restore has ended; null: none was interrupted. */
export async function findUnfinished(disk: Disk, dataDir: string): Promise<string | null> {
  const mark = restoreMarkOf(dataDir)
  if (!(await disk.exists(mark))) return null
  return (
    `a backup was being restored into ${dataDir} and the restore did not end (${mark}), so the data is not complete. Run the ` +
    `same "zkts-cli restore" again; what it restores needs no adoption. ${unchanged}`
  )
}

async function adopt(options: AdoptOptions, walFolder: string): Promise<Result<AdoptedData, string>> {
  const { disk, stores, dataDir, serverId } = options
  const identity = await readIdentityFile(disk, dataDir)
  if (identity.kind === 'newer') {
    return err(`${dataDir}/identity has format ${identity.format}: use the version of zkts that wrote it. ${unchanged}`)
  }
  const folder = checkpointFolderOf(options)
  const found = await findStore(disk, stores, folder)
  if (found.kind === 'unusable') return err(`${found.message} ${contentUnchanged}`)
  const writer = await findLogWriter(disk, walFolder)
  const writerId = writer.serverId ?? (found.kind === 'whole' ? (found.meta.serverId as ServerId) : serverId)
  const { notes, log } = notesOf(found)
  let lastTimeMs: number | null = null
  const noteTxn = ({ payload }: TxnEntry): void => {
    lastTimeMs = decodeTxn(payload).timeMs
  }
  const source: LogToAdopt = {
    disk,
    log,
    folder: walFolder,
    segmentSizeBytes: options.segmentSizeBytes,
    base: baseOf(found, options),
    writer: writerId,
    check: (facts) => refusalOf(facts, { options, identity, found, walFolder, writer, writerId }),
    onCommitted: noteTxn,
  }
  const adopted = await adoptLog(source, (state) => adoptionOf(state, writerId, options))
  if (!adopted.ok) return err(await explained(adopted.error, { options, found, walFolder }))
  const { before, after, committed, tail, damagedFront } = adopted.value
  tail.forEach(noteTxn)
  if (damagedFront !== null) {
    notes.push(`the log before the checkpoint is damaged (${damagedFront}); the checkpoint has all that is in it`)
  }
  if (found.kind === 'damaged') await removeCurrent(disk, folder)
  if (found.kind === 'whole') await renameStore(stores, found, { serverId, clusterId: after.clusterId })
  await writeIdentity(options, adopted.value)
  return ok({
    writerId,
    clusterId: after.clusterId,
    clusterIdBefore: before.clusterId,
    epoch: after.currentEpoch,
    lastZxid: after.lastZxid,
    committedZxid: committed,
    lastTimeMs,
    checkpoint: found.kind === 'whole' ? factsOf(found.meta) : null,
    mustSync: after.mustSync,
    notes,
  })
}

/** A log that lacks something: says also what the checkpoint is worth. */
async function explained(
  { kind, message }: OpenFailure,
  { options, found, walFolder }: Pick<Judged, 'options' | 'found' | 'walFolder'>,
): Promise<string> {
  if (kind !== 'corrupt') return message
  switch (found.kind) {
    case 'none':
      return `${message}${await describeNamelessStores(options.disk, checkpointFolderOf(options))}`
    case 'damaged':
      return `${found.message}, and the log cannot replace it: ${message}`
    case 'whole':
      if (options.members.length > 1 && options.adoption.kind !== 'new-cluster') return message
      return `${message} ${goOnFromCheckpoint(hexOfZxid(found.meta.zxid), walFolder)}`
    case 'unusable':
      return message
    default:
      return assertNever(found)
  }
}

/**
 * The files of a running server are not copied at one moment: a checkpoint that was copied after the log goes further, and
 * replaces it. Data that was moved is complete, so its log has the point of the checkpoint.
 */
function baseOf(found: FoundStore, { adoption }: AdoptOptions): LogBase | null {
  if (found.kind !== 'whole') return null
  const facts = factsOf(found.meta)
  return adoption.kind === 'moved' ? facts : { ...facts, origin: 'restored' }
}

function adoptionOf(state: LogState, writerId: ServerId, { adoption, serverId }: AdoptOptions): LogAdoption | null {
  const asItWas = { serverId, clusterId: state.clusterId, epochMin: zeroEpoch }
  switch (adoption.kind) {
    case 'join':
      return { ...asItWas, mustSync: true }
    case 'moved':
      return writerId === serverId ? null : { ...asItWas, mustSync: false }
    case 'new-cluster':
      return { serverId, clusterId: adoption.clusterId, epochMin: adoption.epochMin, mustSync: false }
  }
}

interface Judged {
  readonly options: AdoptOptions
  readonly identity: IdentityReading
  readonly found: FoundStore
  readonly walFolder: string
  readonly writer: FoundWriter
  readonly writerId: ServerId
}

/** What to do in place of `moved`. */
function withoutMoved({ members }: AdoptOptions): string {
  return members.length > 1
    ? 'Leave --moved out: "zkts-cli data adopt --config FILE" lets the server vote once a leader has brought it into step.'
    : 'Use --new-cluster in place of --moved, which gives up what the copy lacks.'
}

/** Null: no other data can have acknowledged writes under the number that the data gets. */
function refusalOfNumber({ options, identity, writerId }: Judged): string | null {
  const { dataDir, serverId } = options
  if (writerId === serverId) return null
  const members = identity.kind === 'valid' ? identity.identity.members : null
  const from = `the data in ${dataDir} is that of server ${writerId}, and this is server ${serverId}`
  const why = 'This number may have acknowledged writes that the data lacks.'
  if (members === null) {
    return `${from}; no identity file says whether ${serverId} is a member of its ensemble. ${why} ${withoutMoved(options)}`
  }
  if (!members.includes(serverId)) return null
  return `${from}, another member of its ensemble (${members.join(', ')}). ${why} ${withoutMoved(options)}`
}

/** Called once the log was read, before anything is changed. */
function refusalOf(facts: FoundLog, judged: Judged): OpenFailure | null {
  const { options, identity, found, walFolder, writer } = judged
  const { adoption, dataDir, serverId } = options
  const refuse = (message: string): OpenFailure => ({ kind: 'foreign', message: `${message} ${contentUnchanged}` })
  if (facts.isReplaced && found.kind === 'whole' && facts.lastZxid >= found.meta.zxid) {
    const at = hexOfZxid(found.meta.zxid)
    return refuse(
      `the log in ${walFolder} has another history than the checkpoint at ${at}: they do not belong together. Bring both ` +
        'from the same copy.',
    )
  }
  if (facts.clusterId === 0 && found.kind === 'damaged') {
    return refuse(
      `${found.message}, and the log in ${walFolder} holds nothing that could replace it. Bring the files back, with the log that ` +
        'belongs to them, or restore a backup.',
    )
  }
  if (facts.clusterId === 0) {
    return refuse(
      `the data in ${dataDir} has never been in step with a leader, so it holds nothing to adopt. Move the content of dataDir and ` +
        `dataLogDir away, except myid and zoo.cfg, and start the server: ${options.members.length > 1 ? 'it gets the data from the others' : 'it begins without data'}.`,
    )
  }
  const known = identity.kind === 'valid' ? identity.identity : null
  if (adoption.kind === 'new-cluster' && adoption.clusterId === facts.clusterId) {
    // An adoption that did not end has changed the log, and not the identity.
    const isUnfinished = writer.serverId === serverId && writer.isUnused && known?.clusterId !== facts.clusterId
    if (known !== null && isUnfinished) return null
    return refuse(
      `the data is of cluster 0x${facts.clusterId.toString(16)} already. A new ensemble that had this id would work together ` +
        'with the servers of the old one. Leave --cluster-id out, or write the id that the first member of the new ensemble got.',
    )
  }
  if (adoption.kind !== 'moved') return null
  if (facts.mustSync) {
    return refuse(
      `the data in ${dataDir} was adopted before, and has not been in step with a leader since, so it is not complete. Leave ` +
        '--moved out, or begin a new ensemble with --new-cluster.',
    )
  }
  const ofNumber = refusalOfNumber(judged)
  if (ofNumber !== null) return refuse(ofNumber)
  if (known === null) return null
  if (known.newestSegment > facts.newestSegment) {
    return refuse(
      `${dataDir}/identity says that the log has had file ${known.newestSegment}, but the log in ${walFolder} ends with file ` +
        `${facts.newestSegment}: it is not complete. Leave --moved out, or bring the missing file back.`,
    )
  }
  if (known.currentEpoch <= facts.currentEpoch && known.clusterId === facts.clusterId) return null
  return refuse(
    `${dataDir}/identity remembers epoch ${known.currentEpoch} of cluster 0x${known.clusterId.toString(16)}, but the log in ` +
      `${walFolder} ends in epoch ${facts.currentEpoch} of cluster 0x${facts.clusterId.toString(16)}: it is not complete. Leave ` +
      '--moved out, or bring the right log back.',
  )
}

async function writeIdentity(options: AdoptOptions, { after, newestSegment }: AdoptedLog): Promise<void> {
  const { disk, dataDir, serverId, members } = options
  const walFolder = walFolderOf(options)
  const { inode, birth } = await disk.identityOf(walFolder)
  const identity: DataIdentity = {
    serverId,
    clusterId: after.clusterId,
    currentEpoch: after.currentEpoch,
    newestSegment,
    walFolder,
    walMark: { inode, birth },
    isInitialized: false,
    members,
  }
  await writeIdentityFile(disk, dataDir, identity)
}

/** Recovery reports what it repairs to a log; here the operator reads it in the answer. */
function notesOf(found: FoundStore): { readonly notes: string[]; readonly log: Log } {
  const notes: string[] = []
  if (found.kind === 'damaged') {
    notes.push(`${found.message}; the log holds the whole history, so the checkpoint is given up and made again`)
  }
  const note: Log['info'] = (event, fields = {}) => {
    const { path, offset, sizeBytes, zxid } = fields
    if (event === 'log-torn-tail-cut') {
      notes.push(
        `${path}: the last write was not complete; ${sizeBytes} bytes at offset ${offset}, after ${zxid}, were cut`,
      )
    } else if (event === 'log-restarted') {
      notes.push(`the checkpoint of ${zxid} goes further than the log in ${path}, and has replaced it`)
    } else if (event === 'log-unused-segment-removed') notes.push(`${path}, which held nothing, was removed`)
  }
  const log: Log = { error: note, warn: note, info: note, debug: () => {}, child: () => log }
  return { notes, log }
}

function walFolderOf({ dataLogDir }: AdoptOptions): string {
  return `${dataLogDir}/wal`
}
