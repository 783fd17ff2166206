/**
 * The data folder of a server (design D14). Checks that it is the folder that this server used before, once before and
 * once after the log is read; keeps its identity file up to date; and decides whether an empty log may vote.
 * Owns: the files `identity` and `initialize` in dataDir. Assumes: `noteEpoch` is called when the record of an epoch is
 * durable in the log, and messages that wait for that record leave after it resolves. In the opposite order a
 * crash between the two writes could leave an identity that contradicts a healthy log.
 */
import { assert, assertNever } from '../base/assert.ts'
import { adoptAdvice, moveDataAway } from '../base/data-advice.ts'
import { type Epoch, hexOfZxid } from '../base/ids.ts'
import type { Config } from '../config/config.ts'
import { memberIdsOf } from '../config/members.ts'
import type { CheckpointFacts } from '../ports/checkpoints.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk } from '../ports/disk.ts'
import type { Log } from '../ports/log.ts'
import type { Timers } from '../ports/timers.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import { type DataIdentity, type FolderMark, type IdentityReading, isSameFolder } from '../storage/data-identity.ts'
import { draftName, identityFileName, readIdentityFile } from '../storage/identity-file.ts'
import {
  checkWal,
  type FolderFacts,
  type FolderRefusal,
  type LogFacts,
  type LogRefusal,
  planFolder,
} from '../storage/identity-plan.ts'
import type { OpenFailure } from '../storage/open-failure.ts'
import type { FoundLog } from '../storage/recover-log.ts'
import { endOfSegmentName, sequenceOfName } from '../storage/segment-header.ts'
import { isFolder, namesIn, noFolderOfOurs, noSuchFolder, placeOf } from './found-folders.ts'
import { IdentityWriter } from './identity-writer.ts'
import { type StartFailure, withDiskFailures } from './start-failure.ts'

export interface DataFolderOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly config: Config
}

/**
 * What stands where the log should be, if that is no log. `usable`: a folder that a log can be moved into. `taken`: a
 * folder in the place of the one that this server used; a log that is moved into it would count as copied.
 */
type WalPlace = 'free' | 'usable' | 'taken'

/** What the identity repeats of the log. */
type RepeatedFacts = Pick<LogFacts, 'currentEpoch' | 'clusterId' | 'newestSegment'>
type ConfirmedLog = RepeatedFacts & Pick<FoundLog, 'mustSync'>

const initializeFileName = 'initialize'
const unchanged = 'Nothing was changed.'
/** Once the checkpoint was opened: LevelDB rewrites its files then. */
const contentUnchanged = 'Neither the log nor the content of the checkpoint was changed.'
/** The end of a sentence that says how a server starts empty. */
const onlyWhileOthersServe =
  '. Do that only while all other members of the ensemble run and serve: what only this server held is lost then.'

export class DataFolder {
  readonly walFolder: string
  readonly #options: DataFolderOptions
  readonly #writer: IdentityWriter
  #identity: DataIdentity | null = null
  #inode: string | null = null // as the identity says; a copy of the file has another one
  #hasSlots = false // the file can be overwritten; otherwise an older version wrote it, or a part of it is damaged
  #walMark: FolderMark | null = null
  #otherFolders: readonly string[] = []
  #walPlace: WalPlace = 'free'
  #wasDamaged = false
  #hasCheckpoint = false

  constructor(options: DataFolderOptions) {
    this.#options = options
    this.#writer = new IdentityWriter({ ...options, dataDir: options.config.dataDir })
    this.walFolder = walFolderOf(options.config.dataLogDir)
  }

  /** Whether an empty log may vote and be counted. */
  get trustsEmptyLog(): boolean {
    return this.#options.config.dbAutocreate || (this.#identity?.isInitialized ?? false)
  }

  /** Since when the identity waits for space on the disk, by the monotonic clock; null while it does not. */
  get diskFullSinceMs(): number | null {
    return this.#writer.fullSinceMs
  }

  /** Called before the log is opened, which would create its folder. Changes nothing. */
  async inspect(): Promise<StartFailure | null> {
    return withDiskFailures(this.#options.config, () => this.#inspect())
  }

  /**
   * Called before the checkpoint is loaded. A checkpoint of this server is compared with the log as well, by its hash;
   * a log that a checkpoint from elsewhere replaces cannot show that the two belong together.
   */
  checkCheckpoint({ clusterId, zxid }: Pick<CheckpointFacts, 'clusterId' | 'zxid'>): StartFailure | null {
    const known = this.#identity
    if (known === null || known.clusterId === 0 || clusterId === 0 || clusterId === known.clusterId) return null
    const { dataDir } = this.#options.config
    const message =
      `dataDir: the checkpoint in ${dataDir}/checkpoint, of ${hexOfZxid(zxid)}, is of cluster 0x${clusterId.toString(16)}, ` +
      `but ${this.#identityPath} says cluster 0x${known.clusterId.toString(16)}: one of the two was replaced. Bring the ` +
      `right one back. ${adoptAdvice} ${contentUnchanged}`
    return { kind: 'foreign', message }
  }

  /** Called once the log was read, before recovery changes anything. */
  checkWal(found: LogFacts): OpenFailure | null {
    const identity = this.#identity ?? (this.#wasDamaged ? 'damaged' : 'missing')
    const problem = checkWal(identity, found)
    return problem === null ? null : this.#walRefusal(problem, found)
  }

  /**
   * Called after the log was opened, before the first record is appended. Writes the identity file if it is missing or
   * outdated; removes `initialize`.
   */
  async confirm(found: ConfirmedLog): Promise<StartFailure | null> {
    return withDiskFailures(this.#options.config, () => this.#confirm(found))
  }

  /** Resolves when the identity is durable, or may stay as it is until the disk has space. One call at a time. */
  noteEpoch(currentEpoch: Epoch, clusterId: ClusterId): Promise<void> {
    const isInitialized = clusterId === 0 && (this.#identity?.isInitialized ?? false)
    const newestSegment = this.#identity?.newestSegment ?? 0
    this.#identity = { ...this.#fresh(), currentEpoch, clusterId, newestSegment, isInitialized }
    return this.#writer.write(this.#identity)
  }

  /** The log has begun a new segment, which is durable. Nothing waits until the identity says so, too. */
  noteSegment(newestSegment: number): void {
    assert(this.#identity !== null, 'segments are created after `confirm`', { newestSegment })
    this.#identity = { ...this.#identity, newestSegment }
    this.#writer.writeSoon(this.#identity)
  }

  /** Called before the folder is released to other processes. Resolves when nothing is written to it any more. */
  close(): Promise<void> {
    return this.#writer.close()
  }

  async #inspect(): Promise<StartFailure | null> {
    const { disk, config } = this.#options
    const mistaken = await this.#mistakenKind()
    if (mistaken !== null) return { kind: 'misplaced', message: `${mistaken} ${unchanged}` }
    const reading = await readIdentityFile(disk, config.dataDir)
    if (reading.kind === 'newer') {
      const message =
        `${this.#identityPath} has format ${reading.format}, this program reads the formats 1 and 2. ` +
        'Start the version that wrote it; nothing was changed.'
      return { kind: 'foreign', message }
    }
    this.#identity = reading.kind === 'valid' ? reading.identity : null
    this.#writer.found(this.#identity)
    this.#inode = reading.kind === 'valid' ? reading.inode : null
    this.#hasSlots = reading.kind === 'valid' && reading.slot !== null
    this.#wasDamaged = reading.kind === 'damaged'
    this.#hasCheckpoint = await disk.exists(`${config.dataDir}/checkpoint/current`)
    const hasWal = holdsSegment(await namesIn(disk, this.walFolder, noSuchFolder))
    const facts: FolderFacts = {
      identity: reading.kind === 'valid' ? reading.identity : reading.kind,
      serverId: config.serverId,
      hasWal,
      ...(hasWal && reading.kind === 'valid'
        ? await this.#changesOf(reading)
        : { isWalExchanged: false, isCopy: false }),
      isAlone: this.#isAlone,
      otherWals: await this.#otherWals(),
    }
    const plan = planFolder(facts)
    if (plan.kind === 'refuse') {
      this.#walPlace = await this.#findWalPlace()
      return this.#refusal(plan.why, facts)
    }
    this.#otherFolders = plan.kind === 'open-log' ? facts.otherWals : []
    return null
  }

  /** A folder in the place of a file of this server, or a file in the place of the log folder. */
  async #mistakenKind(): Promise<string | null> {
    const { disk, config } = this.#options
    for (const name of [identityFileName, draftName, initializeFileName]) {
      const path = `${config.dataDir}/${name}`
      if (await isFolder(disk, path)) {
        return `dataDir: ${path} is a folder, and this server needs a file with this name. Move the folder away.`
      }
    }
    if (!(await disk.exists(this.walFolder)) || (await isFolder(disk, this.walFolder))) return null
    const setting = config.dataLogDir === config.dataDir ? 'dataDir' : 'dataLogDir'
    const what =
      `${setting}: ${this.walFolder} is a file, and this server keeps its log in a folder with this name. Bring that ` +
      'folder back if it was moved.'
    if (!(await disk.exists(this.#identityPath))) return `${what} Otherwise move the file away.`
    const others = this.#belowDataDir(await this.#otherWals())
    const files = [this.walFolder, this.#identityPath, ...others].join(' and ')
    return `${what} If the log is lost, move ${files} away; then this server starts empty${onlyWhileOthersServe}`
  }

  async #findWalPlace(): Promise<WalPlace> {
    const { disk } = this.#options
    if ((await placeOf(disk, this.walFolder)) === null) return 'free'
    const mark = this.#identity?.walMark ?? null
    if (mark === null || samePath(this.#identity!.walFolder) !== samePath(this.walFolder)) return 'usable'
    return isSameFolder(mark, await disk.identityOf(this.walFolder)) ? 'usable' : 'taken'
  }

  /**
   * Whether the log folder was exchanged, or the data copied as a whole: then the identity is another file, too. A copy is
   * recognised only where folders have a time of birth: file systems that give new inodes at each mount have none.
   */
  async #changesOf({
    identity,
    inode,
  }: Extract<IdentityReading, { kind: 'valid' }>): Promise<Pick<FolderFacts, 'isWalExchanged' | 'isCopy'>> {
    const { disk } = this.#options
    const { walMark } = identity
    if (walMark === null || identity.currentEpoch === 0) return { isWalExchanged: false, isCopy: false }
    const mark = await disk.identityOf(this.walFolder)
    const isOther = !isSameFolder(walMark, mark)
    const isOtherIdentity = (await disk.identityOf(this.#identityPath)).inode !== inode
    return {
      isWalExchanged: isOther && !isOtherIdentity && samePath(identity.walFolder) === samePath(this.walFolder),
      isCopy: isOther && isOtherIdentity && walMark.birth !== null && mark.birth !== null,
    }
  }

  async #confirm(found: ConfirmedLog): Promise<StartFailure | null> {
    const { disk, config, log } = this.#options
    const alone = found.mustSync ? this.#noteAdopted() : null
    if (alone !== null) return alone
    const before = this.#identity
    // Only now, since a log that is refused may be the wrong one of the two.
    if (this.#otherFolders.length > 0) this.#noteOtherWals(this.#otherFolders)
    await disk.makeFolder(config.dataDir)
    const { inode, birth } = await disk.identityOf(this.walFolder)
    this.#walMark = { inode, birth }
    const initializePath = `${config.dataDir}/${initializeFileName}`
    const isAsked = await disk.exists(initializePath)
    const isUnnamed = found.clusterId === 0
    const isInitialized = isUnnamed && (isAsked || (before?.isInitialized ?? false))
    if (isUnnamed && !isInitialized && !config.dbAutocreate) {
      const refusal = this.#noteUntrusted()
      if (refusal !== null) return refusal
    }
    const identity: DataIdentity = { ...this.#fresh(), ...pick(found), isInitialized }
    if (before !== null && isSame(before, identity) && this.#hasSlots && !(await this.#isCopied())) {
      await this.#writer.open()
    } else {
      if (before === null && found.currentEpoch > 0) {
        log.info('identity-rebuilt', { path: this.#identityPath, cause: this.#wasDamaged ? 'damaged' : 'missing' })
      } else if (before !== null && before.walFolder !== identity.walFolder) {
        log.info('log-folder-changed', { folder: identity.walFolder, previousFolder: before.walFolder })
      }
      this.#identity = identity
      await this.#writer.writeAtStart(identity)
    }
    if (isAsked && this.#writer.isWritten) {
      // The identity file keeps its meaning now. If the file stayed, it would make the next empty log trusted, too.
      await disk.remove(initializePath)
      await disk.syncDirectory(config.dataDir)
      log.info('initialize-file-used', { path: initializePath, isEmpty: isUnnamed })
    }
    return null
  }

  async #isCopied(): Promise<boolean> {
    return (await this.#options.disk.identityOf(this.#identityPath)).inode !== this.#inode
  }

  /** A single server does not start: it would wait for ever for a leader (ZooKeeper serves an empty tree then). */
  #noteUntrusted(): StartFailure | null {
    const { config, log } = this.#options
    const what = `db.autocreate=false, and ${config.dataDir} holds no data and no file "${initializeFileName}"`
    if (!this.#isAlone) {
      const text =
        `${what}: this server does not vote; it waits for a leader that has a quorum without it and sends it the data. ` +
        `If this is a new ensemble, stop its servers, run "zkts-cli data initialize ${config.dataDir}" for each, and start them. ` +
        'If this ensemble had data and this server has lost its disk, leave it running: it gets the data once a quorum of ' +
        'the servers that hold it runs. If fewer than a quorum still hold data, do not initialize this server before the ' +
        'server with the newest data runs; that server logs what to do.'
      log.warn('empty-data-not-trusted', { dataDir: config.dataDir, text })
      return null
    }
    const message =
      `${what}, so its data may be lost or in another folder. If this server never had data, run ` +
      `"zkts-cli data initialize ${config.dataDir}", and start again.`
    return { kind: 'empty', message }
  }

  /** A single server does not start: it would wait for ever for a leader. */
  #noteAdopted(): StartFailure | null {
    const { config, log } = this.#options
    const what = `the data in ${config.dataDir} was adopted ("zkts-cli data adopt"), and has not been in step with a leader since`
    if (!this.#isAlone) {
      const text =
        `${what}: writes that this server has acknowledged may be missing, so it does not vote; it waits for a leader that has ` +
        'a quorum without it and brings it into step. If no such quorum exists any more, "zkts-cli data adopt --new-cluster" ' +
        'begins a new ensemble with this data.'
      log.warn('adopted-data-not-trusted', { dataDir: config.dataDir, text })
      return null
    }
    const message =
      `dataDir: ${what}. This server has no leader that could do that. To begin a new ensemble with this data, run ` +
      `"zkts-cli data adopt --config FILE --new-cluster", with the configuration of this server. ${contentUnchanged}`
    return { kind: 'foreign', message }
  }

  #refusal(why: FolderRefusal, { identity, otherWals }: FolderFacts): StartFailure {
    const { config } = this.#options
    const { walFolder } = this
    const known = typeof identity === 'string' ? null : identity
    switch (why) {
      case 'of-another-server': {
        const message =
          `dataDir: ${config.dataDir} is the data folder of server ${known!.serverId}${ensembleText(known!)} ` +
          `(${this.#identityPath}), this is server ${config.serverId}. Check dataDir and myid. ${adoptAdvice} ${unchanged}`
        return { kind: 'foreign', message }
      }
      case 'member-alone': {
        const message =
          `dataDir: ${config.dataDir} is the data folder of server ${known!.serverId}${ensembleText(known!)} ` +
          `(${this.#identityPath}), and this configuration names no other server. Alone, it would take writes that the ensemble ` +
          `does not have. Check the server lines of the configuration. ${adoptAdvice} ${unchanged}`
        return { kind: 'foreign', message }
      }
      case 'copied': {
        const message =
          `dataDir: ${config.dataDir} and ${walFolder} are a copy of the data of server ${known!.serverId}${ensembleText(known!)}. ` +
          'Writes that were acknowledged after the copy was made are missing, and the original may be in use. If the original ' +
          `still exists, use it. ${adoptAdvice} If the server was stopped before the data was copied and has not run ` +
          `since, add --moved. ${unchanged}`
        return { kind: 'foreign', message }
      }
      case 'log-missing': {
        const isMoved = samePath(known!.walFolder) !== samePath(walFolder)
        const was = isMoved ? `its log was in ${known!.walFolder}` : 'its log was in that folder'
        const found = otherWals.length > 0 ? `; there is a log in ${otherWals.join(' and in ')}` : ''
        const wayOut =
          otherWals.length > 0
            ? `${this.#wayTo(otherWals[0]!)}. If you do not need it`
            : `Mount the disk or bring the folder back${isMoved ? `, or write dataLogDir=${parentOf(known!.walFolder)}` : ''}. If that log is lost`
        const message =
          `dataLogDir: there is no log in ${walFolder}, but ${config.dataDir} has held data of cluster ` +
          `0x${known!.clusterId.toString(16)} up to epoch ${known!.currentEpoch}, and ${was}${found}. ${wayOut}, ` +
          `${this.#discarding(this.#remembered, otherWals)}; then this server starts empty${onlyWhileOthersServe} ${unchanged}`
        return { kind: 'misplaced', message }
      }
      case 'log-exchanged': {
        const message =
          `dataLogDir: ${walFolder} is not the folder that this server used, but ${this.#identityPath} is: the log was ` +
          'copied from elsewhere or restored. Writes that were acknowledged after the copy was made may be missing. If the ' +
          `former folder still exists, bring it back. If the other members of the ensemble hold the data, ${moveDataAway}, ` +
          `and start while they serve: the data is copied from them. ${adoptAdvice} If this copy is complete, add --moved; if ` +
          `it is all there is and you accept the loss, add --new-cluster. ${unchanged}`
        return { kind: 'foreign', message }
      }
      case 'log-elsewhere': {
        const message =
          `dataLogDir: there is no log in ${walFolder}, but there is one in ${otherWals.join(' and in ')}. ` +
          `${this.#wayTo(otherWals[0]!)}. If you do not need it, move ${otherWals.join(' and ')} ` +
          `out of dataDir. ${unchanged}`
        return { kind: 'misplaced', message }
      }
      case 'identity-damaged': {
        const message =
          `dataDir: ${this.#identityPath} is damaged, and there is no log in ${walFolder}. Bring the log back (check ` +
          'dataLogDir and the disk). If it is lost or this folder never held data, ' +
          `${this.#discarding(this.#remembered, otherWals)}; then this server starts empty${onlyWhileOthersServe} ${unchanged}`
        return { kind: 'misplaced', message }
      }
      default:
        return assertNever(why)
    }
  }

  #walRefusal(why: LogRefusal, found: LogFacts): OpenFailure {
    const path = this.#identityPath
    const known = this.#identity
    const restore =
      `Bring the right folder back. In an ensemble whose other servers are intact you may also ${moveDataAway}, and ` +
      'start: the data is copied from them.'
    switch (why) {
      case 'log-emptied':
        return { kind: 'corrupt', message: this.#emptiedText(found) }
      case 'older-log': {
        const what =
          `the log in ${this.walFolder} ends in epoch ${found.currentEpoch}, but ${path} remembers epoch ` +
          `${known!.currentEpoch}: it is an older copy, without the writes that this server has acknowledged since`
        return {
          kind: 'foreign',
          message: `${what}. ${restore} ${adoptAdvice} ${contentUnchanged}`,
        }
      }
      case 'of-another-cluster': {
        const [own, theirs] = [`0x${known!.clusterId.toString(16)}`, `0x${found.clusterId.toString(16)}`]
        const what = `the log in ${this.walFolder} is of cluster ${theirs}, but ${path} says cluster ${own}: one of the two folders was replaced`
        return {
          kind: 'foreign',
          message: `${what}. ${restore} ${adoptAdvice} ${contentUnchanged}`,
        }
      }
      case 'newest-segment-missing': {
        const what = `the log in ${this.walFolder} ends with file ${found.newestSegment}`
        const message =
          `${what}, but ${path} says that it has had file ${known!.newestSegment}: the one whose name ends with ` +
          `${endOfSegmentName(known!.newestSegment)} is missing or was emptied. Writes that this server has acknowledged ` +
          `may be in it. Bring it back. If it is lost and the other members of the ensemble hold the data, ` +
          `${moveDataAway}, and start while they serve: the data is copied from them. ${adoptAdvice} If nothing else is left ` +
          `and you accept the loss, add --new-cluster. ${contentUnchanged}`
        return { kind: 'corrupt', message }
      }
      default:
        return assertNever(why)
    }
  }

  /** The log holds no record, and this folder has held data, or may have. */
  #emptiedText({ unusedSegment }: LogFacts): string {
    const path = this.#identityPath
    const { config } = this.#options
    const where =
      unusedSegment === null ? `the log in ${this.walFolder}` : `${unusedSegment}, the only file of the log,`
    const reason =
      this.#identity !== null
        ? `${config.dataDir} has held data of cluster 0x${this.#identity.clusterId.toString(16)} up to epoch ${this.#identity.currentEpoch} (${path})`
        : this.#wasDamaged
          ? `${path} is damaged, so this folder may have held data`
          : `${path} is missing, so this folder may have held data`
    const unneeded = unusedSegment === null ? `the files in ${this.walFolder}` : unusedSegment
    const files = this.#identity !== null || this.#wasDamaged ? [unneeded, path] : [unneeded]
    return (
      `${where} holds no record: it was emptied or overwritten. ${reason}. Bring the log back from the disk or from a ` +
      `backup. If it is lost, ${this.#discarding(files, this.#otherFolders)}; then this server starts empty${onlyWhileOthersServe} ` +
      (this.#identity === null ? `If this server never held data, do the same. ${contentUnchanged}` : contentUnchanged)
    )
  }

  /** Two paths of one folder, as by a symbolic link, count once; a path of the configured log folder never counts. */
  async #otherWals(): Promise<readonly string[]> {
    const { disk, config } = this.#options
    const { dataDir } = config
    const candidates = [walFolderOf(dataDir)]
    for (const name of await namesIn(disk, dataDir, noSuchFolder)) {
      const folder = `${dataDir}/${name}`
      const names = await namesIn(disk, folder, noFolderOfOurs)
      // A data folder of another server, as `--local` creates them, holds no log of this server.
      if (!names.includes('myid') && !names.includes(identityFileName)) candidates.push(walFolderOf(folder))
    }
    if (this.#identity !== null) candidates.push(this.#identity.walFolder)
    const seen = new Set<string>()
    const own = await placeOf(disk, this.walFolder)
    if (own !== null) seen.add(own)
    const found: string[] = []
    for (const folder of candidates) {
      if (!holdsSegment(await namesIn(disk, folder, noFolderOfOurs))) continue
      const place = await placeOf(disk, folder)
      if (place === null || seen.has(place)) continue
      seen.add(place)
      found.push(folder)
    }
    return found
  }

  /** Folders of this server, which an operator may move. Another folder may be the one that another server uses. */
  #isOwn(folder: string): boolean {
    const { dataDir, dataLogDir } = this.#options.config
    return [dataDir, dataLogDir].some((parent) => samePath(folder).startsWith(`${samePath(parent)}/`))
  }

  /** How to make this server use the log in `folder`. */
  #wayTo(folder: string): string {
    const setting = `Write dataLogDir=${parentOf(folder)}`
    if (!this.#isOwn(folder)) return `${setting} if no other server uses that folder`
    switch (this.#walPlace) {
      case 'free':
        return `${setting}, or move ${folder} to ${this.walFolder}`
      case 'usable':
        return `${setting}, or move the files in ${folder} to ${this.walFolder}`
      case 'taken':
        return `${setting}, or replace ${this.walFolder}, which holds no log, by ${folder}`
      default:
        return assertNever(this.#walPlace)
    }
  }

  /** How to make this server start empty. A log that is left below dataDir would be found, and the start refused. */
  #discarding(files: readonly string[], otherWals: readonly string[]): string {
    const others = this.#belowDataDir(otherWals)
    return `remove ${files.join(' and ')}${others.length === 0 ? '' : `, and move ${others.join(' and ')} out of dataDir`}`
  }

  #belowDataDir(folders: readonly string[]): readonly string[] {
    return folders.filter((folder) => samePath(folder).startsWith(`${samePath(this.#options.config.dataDir)}/`))
  }

  #noteOtherWals(otherFolders: readonly string[]): void {
    const own = otherFolders.filter((folder) => this.#isOwn(folder))
    const outside = otherFolders.filter((folder) => !this.#isOwn(folder))
    const texts = [`the log in ${this.walFolder} is used`]
    if (own.length > 0) texts.push(`move ${own.join(' and ')} away, so that no later start uses it by mistake`)
    if (outside.length > 0) {
      texts.push(
        `${this.#identityPath} names ${outside.join(' and ')}: if another server uses it, this data folder is a copy of ` +
          'that server; leave it where it is',
      )
    }
    this.#options.log.warn('other-log-found', { folder: this.walFolder, otherFolders, text: texts.join('; ') })
  }

  #fresh(): Pick<DataIdentity, 'serverId' | 'walFolder' | 'walMark' | 'members'> {
    const { config } = this.#options
    return {
      serverId: config.serverId,
      walFolder: this.walFolder,
      walMark: this.#walMark,
      members: memberIdsOf(config),
    }
  }

  get #isAlone(): boolean {
    return memberIdsOf(this.#options.config).length === 1
  }

  /** What remembers that this server held data. */
  get #remembered(): readonly string[] {
    const { dataDir } = this.#options.config
    return this.#hasCheckpoint ? [this.#identityPath, `${dataDir}/checkpoint`] : [this.#identityPath]
  }

  get #identityPath(): string {
    return `${this.#options.config.dataDir}/${identityFileName}`
  }
}

function walFolderOf(parent: string): string {
  return `${parent}/wal`
}

function ensembleText({ members }: DataIdentity): string {
  return members === null || members.length === 1 ? '' : ` of an ensemble of the servers ${members.join(', ')}`
}

function parentOf(walFolder: string): string {
  return walFolder.replace(/\/wal$/, '')
}

/** The path without repeated or final slashes and without `./` in front. For folders that exist, compare `placeOf`. */
function samePath(path: string): string {
  return path.replace(/\/+/g, '/').replace(/^(\.\/)+|\/$/g, '')
}

function pick({ currentEpoch, clusterId, newestSegment }: RepeatedFacts): RepeatedFacts {
  return { currentEpoch, clusterId, newestSegment }
}

function isSame(a: DataIdentity, b: DataIdentity): boolean {
  return (
    a.serverId === b.serverId &&
    a.clusterId === b.clusterId &&
    a.currentEpoch === b.currentEpoch &&
    a.newestSegment === b.newestSegment &&
    a.walFolder === b.walFolder &&
    a.walMark?.inode === b.walMark?.inode &&
    a.walMark?.birth === b.walMark?.birth &&
    a.isInitialized === b.isInitialized &&
    a.members?.join() === b.members?.join()
  )
}

function holdsSegment(names: readonly string[]): boolean {
  return names.some((name) => sequenceOfName(name) !== null)
}
