/**
 * Reads the data of a server when it starts: takes the folders, loads the checkpoint, then reads the log after it.
 * Owns: the order of these steps, and that nothing on disk is removed before the log was accepted. A damaged checkpoint
 * is given up only if the log still holds the whole history; otherwise the server does not start, since it would serve
 * a tree that lacks acknowledged writes.
 */
import { assertNever } from '../base/assert.ts'
import { goOnFromCheckpoint, moveDataAway } from '../base/data-advice.ts'
import { isDamage } from '../base/disk-failure.ts'
import { hexOfZxid } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import { loadCheckpoint } from '../checkpoint/checkpoint-loader.ts'
import { checkpointFolderOf, describeNamelessStores } from '../checkpoint/current-file.ts'
import type { Config } from '../config/config.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { CheckpointCopy, CheckpointFacts, CheckpointFailure, Checkpoints } from '../ports/checkpoints.ts'
import type { Log } from '../ports/log.ts'
import type { Ports } from '../ports/ports.ts'
import { ReplicatedState, type StateContents } from '../replica/applying/replicated-state.ts'
import { LogStorage, type RecoveredLog } from '../storage/log-storage.ts'
import type { OpenFailure } from '../storage/open-failure.ts'
import { sequenceOfName } from '../storage/segment-header.ts'
import type { LogGrowth } from './checkpoints/checkpoint-schedule.ts'
import { DataFolder } from './data-folder.ts'
import { findForeignData } from './foreign-data.ts'
import { missingHash, type StartFailure, underItsSetting, withDiskFailures } from './start-failure.ts'
import { StartProgress } from './start-progress.ts'
import { timedDisk } from './timed-disk.ts'
import { findUnfinishedRestore } from './unfinished-restore.ts'

export interface DataStartOptions {
  readonly config: Config
  readonly ports: Ports
  readonly log: Log
  readonly metrics: ServerMetrics
}

export interface OpenedData {
  readonly dataFolder: DataFolder
  readonly storage: LogStorage
  readonly checkpoints: Checkpoints
  readonly state: ReplicatedState
  readonly recovered: RecoveredLog
  readonly startedFrom: CheckpointStart
}

export interface CheckpointStart {
  readonly facts: CheckpointFacts | null // null: the log alone
  readonly sizeBytes: number // of the store
  readonly later: LogGrowth // the part of the log after the checkpoint
}

/** The checkpoint as it was found. `damaged`: the log alone is used if it is whole. */
type FoundCheckpoint =
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged'; readonly message: string }
  | { readonly kind: 'loaded'; readonly facts: CheckpointFacts; readonly contents: StateContents }

export class DataStart {
  readonly #options: DataStartOptions
  readonly #dataFolder: DataFolder
  readonly #storage: LogStorage
  readonly #progress: StartProgress
  #txnCount = 0
  #txnsSizeBytes = 0

  constructor(options: DataStartOptions) {
    this.#options = options
    const { config, ports, log, metrics } = options
    const { disk, timers, clock } = ports
    const dataFolder = new DataFolder({ disk, clock, timers, log, config })
    const { segmentSizeBytes, slowFlushMs } = config.storage
    this.#dataFolder = dataFolder
    this.#progress = new StartProgress(clock, log)
    this.#storage = new LogStorage({
      disk: timedDisk(disk, { clock, log, durableWritesMs: metrics.fsynctime, slowMs: slowFlushMs }),
      clock,
      timers,
      log,
      folder: dataFolder.walFolder,
      serverId: config.serverId,
      check: (found) => dataFolder.checkWal(found),
      onSegment: (sequence) => dataFolder.noteSegment(sequence),
      segmentSizeBytes,
      onProgress: (read) => this.#progress.logRead(read, segmentSizeBytes, this.#txnCount),
    })
  }

  /** Checks the folders, and takes that of the log for this process. Null: they can be read. */
  async take(): Promise<StartFailure | null> {
    const { config, ports } = this.#options
    const { digestAlgorithm } = config.auth
    if (!ports.digest.offers(digestAlgorithm)) return missingHash(digestAlgorithm)
    const unusable =
      (await findForeignData(ports.disk, config)) ??
      (await findUnfinishedRestore(ports.disk, config)) ??
      (await this.#dataFolder.inspect())
    if (unusable !== null) return unusable
    const refused = await this.#storage.lock()
    if (refused !== null) return underItsSetting(refused, config)
    // A restore holds the same lock. It may have begun after the first look, and have been killed.
    const unfinished = await findUnfinishedRestore(ports.disk, config)
    if (unfinished !== null) await this.#storage.close()
    return unfinished
  }

  /** Called instead of `read`: gives the folders back to other processes. */
  release(): Promise<void> {
    return this.#storage.close()
  }

  /** If the result is a failure, the folders are released. */
  async read(): Promise<Result<OpenedData, StartFailure>> {
    const { ports, config } = this.#options
    const checkpoints = ports.openCheckpoints({
      folder: checkpointFolderOf(config),
      logFolder: this.#dataFolder.walFolder,
      serverId: config.serverId,
    })
    const opened = await this.#read(checkpoints)
    if (!opened.ok) {
      await this.#dataFolder.close()
      await this.#storage.close()
      await checkpoints.close()
    }
    return opened
  }

  async #read(checkpoints: Checkpoints): Promise<Result<OpenedData, StartFailure>> {
    const { clock } = this.#options.ports
    const beganAtMs = clock.monotonicMs()
    const found = await this.#loadCheckpoint(checkpoints)
    if (!found.ok) return found
    const state = new ReplicatedState()
    if (found.value.kind === 'loaded') state.install(found.value.contents)
    const recovery = await this.#readLog(state, found.value)
    if (!recovery.ok) return err(await this.#explained(recovery.error, found.value))
    this.#options.metrics.dbinittime.note(clock.monotonicMs() - beganAtMs)
    const { newestSegment } = this.#storage
    const contradicted = await this.#dataFolder.confirm({ ...recovery.value, newestSegment })
    if (contradicted !== null) return err(contradicted)
    const facts = found.value.kind === 'loaded' ? found.value.facts : null
    const sizeBytes = await this.#tidy(checkpoints, found.value)
    if (!sizeBytes.ok) return sizeBytes
    return ok({
      dataFolder: this.#dataFolder,
      storage: this.#storage,
      checkpoints,
      state,
      recovered: recovery.value,
      startedFrom: {
        facts,
        sizeBytes: sizeBytes.value,
        later: { txnCount: this.#txnCount, sizeBytes: this.#txnsSizeBytes },
      },
    })
  }

  async #loadCheckpoint(checkpoints: Checkpoints): Promise<Result<FoundCheckpoint, StartFailure>> {
    const { clock } = this.#options.ports
    const beganAtMs = clock.monotonicMs()
    let found: FoundCheckpoint = { kind: 'none' }
    const failure = await withDiskFailures(this.#options.config, async () => {
      const opened = await checkpoints.open()
      if (!opened.ok && opened.error.kind !== 'damaged') return startFailureOf(opened.error)
      if (!opened.ok) found = { kind: 'damaged', message: opened.error.message }
      else if (opened.value !== null) {
        const foreign = this.#dataFolder.checkCheckpoint(opened.value)
        if (foreign !== null) return foreign
        found = await this.#load(checkpoints, opened.value)
      }
      return null
    })
    if (failure !== null) return err(failure)
    return this.#accept(found, clock.monotonicMs() - beganAtMs)
  }

  async #load(checkpoints: Checkpoints, facts: CheckpointFacts): Promise<FoundCheckpoint> {
    let copy: CheckpointCopy | null = null
    try {
      copy = await checkpoints.copy(false)
      const loaded = await loadCheckpoint(copy, (znodeCount) =>
        this.#progress.checkpointRead(znodeCount, facts.znodeCount),
      )
      if (!loaded.ok) return { kind: 'damaged', message: loaded.error }
      return { kind: 'loaded', facts, contents: loaded.value }
    } catch (cause) {
      if (!isDamage(cause)) throw cause
      return { kind: 'damaged', message: cause.message }
    } finally {
      await copy?.close()
    }
  }

  /** Without its front the log is of no use without the checkpoint. */
  async #accept(found: FoundCheckpoint, durationMs: number): Promise<Result<FoundCheckpoint, StartFailure>> {
    const { log, metrics, config } = this.#options
    switch (found.kind) {
      case 'none':
        return ok(found)
      case 'loaded': {
        const { zxid, znodeCount, sessionCount } = found.facts
        metrics.startup_snap_load_time.note(durationMs)
        const what = { zxid: hexOfZxid(zxid), znodeCount, sessionCount }
        log.info('checkpoint-loaded', { ...what, durationMs: Math.round(durationMs) })
        return ok(found)
      }
      case 'damaged': {
        const { message } = found
        if (await this.#logIsWhole()) {
          const advice =
            'The log holds the whole history, so it is read from its beginning and the checkpoint is made again. ' +
            'Find out why the files changed: check the disk.'
          log.error('checkpoint-damaged', { folder: checkpointFolderOf(config), text: message, advice })
          return ok(found)
        }
        return err({ kind: 'corrupt', message: damagedText(message, config) })
      }
      default:
        return assertNever(found)
    }
  }

  async #logIsWhole(): Promise<boolean> {
    const names = await this.#options.ports.disk.list(this.#dataFolder.walFolder)
    return names.some((name) => sequenceOfName(name) === 1)
  }

  async #readLog(state: ReplicatedState, found: FoundCheckpoint): ReturnType<LogStorage['open']> {
    const { ports, metrics } = this.#options
    const beganAtMs = ports.clock.monotonicMs()
    const recovery = await this.#storage.open(
      (entry) => {
        this.#txnCount++
        this.#txnsSizeBytes += entry.payload.length
        state.restore(entry)
      },
      found.kind === 'loaded' ? found.facts : null,
    )
    metrics.startup_txns_loaded.note(this.#txnCount)
    metrics.startup_txns_load_time.note(ports.clock.monotonicMs() - beganAtMs)
    return recovery
  }

  /** A log that lacks something: says also what the checkpoint is worth, if the text has no better way out. */
  async #explained(failure: OpenFailure, found: FoundCheckpoint): Promise<StartFailure> {
    const { config, ports } = this.#options
    const isCorrupt = failure.kind === 'corrupt'
    let wayOut = ''
    if (isCorrupt && found.kind === 'none') {
      wayOut = await describeNamelessStores(ports.disk, checkpointFolderOf(config))
    } else if (
      isCorrupt &&
      found.kind === 'loaded' &&
      config.mode === 'standalone' &&
      !failure.message.includes('--new-cluster')
    ) {
      wayOut = ` ${goOnFromCheckpoint(hexOfZxid(found.facts.zxid), this.#dataFolder.walFolder)}`
    }
    return underItsSetting({ ...failure, message: `${failure.message}${wayOut}` }, config)
  }

  /** The log was accepted: what is not in use is removed. Returns the size of the store. */
  async #tidy(checkpoints: Checkpoints, found: FoundCheckpoint): Promise<Result<number, StartFailure>> {
    let sizeBytes = 0
    const failure = await withDiskFailures(this.#options.config, async () => {
      if (found.kind === 'damaged') await checkpoints.discard()
      await checkpoints.clean()
      sizeBytes = await checkpoints.sizeBytes()
      return null
    })
    return failure === null ? ok(sizeBytes) : err(failure)
  }
}

function startFailureOf({ kind, message }: CheckpointFailure): StartFailure {
  return { kind: kind === 'damaged' ? 'corrupt' : kind, message: `dataDir: ${message}` }
}

function damagedText(message: string, { mode }: Config): string {
  const wayOut =
    mode === 'ensemble'
      ? `If the other members of the ensemble hold the data, ${moveDataAway}, and start while they serve: the data is copied from them.`
      : 'Bring dataDir and dataLogDir back from a backup.'
  return (
    `dataDir: ${message}. The log no longer begins with its first segment, so it cannot replace the checkpoint, and this ` +
    `server does not start. ${wayOut}`
  )
}
