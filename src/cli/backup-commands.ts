/**
 * The commands `backup` and `restore`. A backup is taken from a server that runs; a restore works on the folders of a
 * server that is stopped, and contacts none. What a backup consists of and how it is restored is in src/backup.
 */

import type { BackupFacts, TimedPoint } from '../backup/backup-check.ts'
import { namesIn } from '../backup/data-in-folders.ts'
import { checkBackupFile, withFile } from '../backup/read-backup.ts'
import { isoOf } from '../backup/restore-point.ts'
import { continueBackup, type WrittenBackup, writeNewBackup } from '../backup/write-backup.ts'
import { explainDiskFailure } from '../base/disk-failure.ts'
import { hexOfZxid } from '../base/ids.ts'
import { type Backup, BackupError, type BackupOptions } from '../client/backup.ts'
import { describeAddress } from '../client/connect-string.ts'
import { type Client, ClientError } from '../client/types.ts'
import type { Config } from '../config/config.ts'
import type { BackupPiece } from '../protocol/backup/backup-piece.ts'
import { localKeyPath } from '../storage/local-key-file.ts'
import { jsonLine } from './cli-command.ts'
import type { CliContext, CliSettings } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'
import { openClient } from './open-client.ts'
import { ProgressLine, sizeText } from './progress-line.ts'
import { readFile } from './read-file.ts'
import { readServerConfig } from './server-config.ts'

export interface BackupFlags {
  readonly to?: string
  readonly append?: string
  readonly check?: string
  readonly force?: boolean
  readonly config?: string
  readonly dataDir?: string
}

/** `namesServers`: the user wrote the option -s. */
export async function runBackup(
  cli: CliContext,
  settings: CliSettings,
  flags: BackupFlags,
  namesServers: boolean,
): Promise<void> {
  const given = [flags.to, flags.append, flags.check].filter((path) => path !== undefined)
  if (given.length !== 1 || given[0] === '')
    throw new CliFailure('usage', 'write one of --to FILE or FOLDER, --append FILE, --check FILE')
  if (flags.force === true && flags.to === undefined) throw new CliFailure('usage', '--force belongs to --to')
  if (flags.check !== undefined && (flags.config ?? flags.dataDir) !== undefined)
    throw new CliFailure('usage', '--check reads the file and contacts no server')
  await withDiskFailures(given[0]!, async () => {
    if (flags.check !== undefined) return checkFile(cli, settings, flags.check)
    const access = await withLocalKey(cli, settings, flags, namesServers)
    const client = await openWith(cli, access)
    try {
      if (flags.append !== undefined) await append(cli, access, client, flags.append)
      else await create(cli, access, client, { target: flags.to!, replaces: flags.force === true })
    } finally {
      await client.close()
    }
  })
}

/** A user who may read the files of the server has its local key, and needs no other credentials. */
async function withLocalKey(
  cli: CliContext,
  settings: CliSettings,
  flags: BackupFlags,
  namesServers: boolean,
): Promise<CliSettings> {
  if (flags.config === undefined && flags.dataDir === undefined) return settings
  if (flags.config !== undefined && flags.dataDir !== undefined)
    throw new CliFailure('usage', '--config names the data folder, too; write only one of --config and --data-dir')
  const config = flags.config === undefined ? null : await readServerConfig(cli, flags.config)
  const servers = config === null || namesServers ? settings.servers : addressOf(config)
  if (settings.auth.length > 0) return { ...settings, servers }
  const path = localKeyPath(config?.dataDir ?? flags.dataDir ?? '')
  const key = (await readFile(cli, path)).trim()
  return { ...settings, servers, auth: [{ scheme: 'local', credentials: key }] }
}

async function openWith(cli: CliContext, access: CliSettings): Promise<Client> {
  try {
    return await openClient(cli, access)
  } catch (error) {
    const isKey = access.auth.some(({ scheme }) => scheme === 'local')
    if (!isKey || !(error instanceof ClientError) || error.errorName !== 'auth-failed') throw error
    throw new CliFailure(
      'refused',
      'the file local-key of the data folder is not the key of the server that runs: check that the folder is that of this ' +
        'server; if its disk was full at its start, free space or restart it; or use --auth digest:super:PASSWORD',
      error.errorName,
    )
  }
}

function addressOf({ clientAddress: { host, port } }: Config): string {
  return describeAddress({ host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port })
}

async function create(
  cli: CliContext,
  settings: CliSettings,
  client: Client,
  { target, replaces }: { readonly target: string; readonly replaces: boolean },
): Promise<void> {
  const backup = await opened(client, settings, {})
  const progress = new ProgressLine(cli)
  const onProgress = (done: number): void =>
    progress.show(`${sizeText(done)} of about ${sizeText(backup.facts.sizeBytesEstimate)}`)
  try {
    const path = await fileFor(cli, target, backup)
    const options = { disk: cli.disk, path, replaces, pieces: readable(backup, settings), onProgress }
    const written = await writeNewBackup(options)
    if (!written.ok) throw new CliFailure('refused', written.error)
    progress.clear()
    report(cli, settings, path, written.value, `wrote ${path}`)
  } finally {
    progress.clear()
    await backup.close()
  }
}

/** In a folder the file gets a name that no other backup has. */
async function fileFor({ disk }: CliContext, target: string, { facts }: Backup): Promise<string> {
  const isFolder = (await namesIn(disk, target)) !== null
  if (!isFolder && !target.endsWith('/')) return target
  if (!isFolder) await disk.makeFolder(target)
  const cluster = facts.clusterId.toString(16)
  return `${target.replace(/\/+$/, '')}/zkts-${cluster}-${facts.through.toString(16).padStart(16, '0')}.backup`
}

async function append(cli: CliContext, settings: CliSettings, client: Client, path: string): Promise<void> {
  if (!(await cli.disk.exists(path))) {
    throw new CliFailure('refused', `${path} does not exist, so it cannot be continued; make it first with --to`)
  }
  const progress = new ProgressLine(cli)
  let backup: Backup | null = null
  try {
    const continued = await continueBackup({
      disk: cli.disk,
      path,
      open: async (after) => {
        backup = await opened(client, settings, { after })
        return readable(backup, settings)
      },
      onProgress: (sizeBytes) => progress.show(`${path}: ${sizeText(sizeBytes)}`),
    })
    if (!continued.ok) throw new CliFailure('refused', continued.error)
    progress.clear()
    report(cli, settings, path, continued.value, `continued ${path}`)
  } finally {
    progress.clear()
    await (backup as Backup | null)?.close()
  }
}

async function opened(client: Client, settings: CliSettings, options: BackupOptions): Promise<Backup> {
  try {
    return await client.openBackup(options)
  } catch (error) {
    throw asFailure(error, settings)
  }
}

async function* readable(backup: Backup, settings: CliSettings): AsyncGenerator<BackupPiece> {
  try {
    yield* backup
  } catch (error) {
    throw asFailure(error, settings)
  }
}

function asFailure(error: unknown, { servers }: CliSettings): unknown {
  if (error instanceof ClientError && error.errorName === 'no-auth') {
    const how = 'run it on the machine of the server with --config zoo.cfg, or with --auth digest:super:PASSWORD'
    return new CliFailure('refused', `${error.message}; ${how}`, error.errorName)
  }
  if (!(error instanceof BackupError)) return error
  const advice =
    error.refusal === 'log-begins-later' || error.refusal === 'other-history' ? ' Make a new backup with --to.' : ''
  return new CliFailure('refused', `${servers}: ${error.message.replace(/\.$/, '')}.${advice}`)
}

/** Also of a file that is damaged after its first whole backup: what comes before can be restored. */
async function checkFile(cli: CliContext, settings: CliSettings, path: string): Promise<void> {
  const progress = new ProgressLine(cli)
  const onProgress = (done: number, sizeBytes: number): void =>
    progress.show(`checking ${path}: ${sizeText(done)} of ${sizeText(sizeBytes)}`)
  const checked = await withFile(cli.disk, path, (file) => checkBackupFile(file, { onProgress }))
  progress.clear()
  if (!checked.ok) throw new CliFailure('refused', `${path}: ${checked.error}`)
  const { facts, sizeBytes, broken } = checked.value
  const title = broken === null ? `${path} is whole` : `${path} is whole up to ${hexOfZxid(facts.end.zxid)}`
  report(cli, settings, path, { facts, sizeBytes, cutSizeBytes: 0 }, title)
  if (broken !== null)
    throw new CliFailure(
      'refused',
      `${path}: offset ${broken.offset}: ${broken.what}. If a continuation was interrupted, continue the backup with ` +
        `--append; otherwise find out why the file has changed. It can be restored with --to-zxid ${hexOfZxid(facts.end.zxid)}`,
    )
}

function report(cli: CliContext, settings: CliSettings, path: string, written: WrittenBackup, title: string): void {
  const { facts, sizeBytes, cutSizeBytes } = written
  if (cutSizeBytes > 0 && !settings.isJson)
    cli.writeError(`${cutSizeBytes} bytes after the last whole part of ${path} were cut off: an interrupted backup\n`)
  if (settings.isJson) return cli.write(jsonLine({ path, sizeBytes, cutSizeBytes, ...factsJson(facts) }))
  cli.write([`${title}: ${sizeText(sizeBytes)}`, ...factsLines(facts)].map((line) => `${line}\n`).join(''))
}

function factsLines({ checkpoint, txnCount, firstTxn, lastTxn, end }: BackupFacts): readonly string[] {
  const txns =
    firstTxn === null || lastTxn === null
      ? 'no txns after it'
      : `${txnCount} txns after it, from ${pointText(firstTxn)} to ${pointText(lastTxn)}`
  return [
    `cluster 0x${end.clusterId.toString(16)}, from server ${end.serverId} at ${isoOf(end.wallMs)}, epoch ${end.epoch}`,
    `checkpoint at ${hexOfZxid(checkpoint.zxid)}: ${checkpoint.znodeCount} znodes, ${checkpoint.sessionCount} session${checkpoint.sessionCount === 1 ? '' : 's'}`,
    txns,
  ]
}

function pointText({ zxid, timeMs }: TimedPoint): string {
  return `${hexOfZxid(zxid)} (${isoOf(timeMs)})`
}

function factsJson({ checkpoint, txnCount, firstTxn, lastTxn, endCount, end, epochMax }: BackupFacts): object {
  return {
    clusterId: `0x${end.clusterId.toString(16)}`,
    serverId: end.serverId,
    time: isoOf(end.wallMs),
    zxid: hexOfZxid(end.zxid),
    epoch: epochMax,
    partCount: endCount,
    checkpoint: {
      zxid: hexOfZxid(checkpoint.zxid),
      znodeCount: checkpoint.znodeCount,
      sessionCount: checkpoint.sessionCount,
    },
    txnCount,
    firstTxn: firstTxn === null ? null : pointJson(firstTxn),
    lastTxn: lastTxn === null ? null : pointJson(lastTxn),
  }
}

function pointJson({ zxid, timeMs }: TimedPoint): object {
  return { zxid: hexOfZxid(zxid), time: isoOf(timeMs) }
}

/** An error of the disk becomes a failure of the command. */
async function withDiskFailures(path: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (error instanceof CliFailure || !(error instanceof Error && 'code' in error)) throw error
    throw new CliFailure('refused', `${path}: ${explainDiskFailure(error)}`)
  }
}
