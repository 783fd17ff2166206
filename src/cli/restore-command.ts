/**
 * The command `restore`: makes the folders of one stopped server from a backup. It contacts no server. The members of an
 * ensemble are restored one by one, all with the cluster id that the first restore prints: by it they know each other, and
 * refuse the servers of the ensemble that was backed up.
 */

import { type Restored, restoreBackup } from '../backup/restore.ts'
import { isoOf, type RestoreTarget } from '../backup/restore-point.ts'
import { hexOfZxid, type Zxid } from '../base/ids.ts'
import { givenEpochMax } from '../base/limits.ts'
import type { Config } from '../config/config.ts'
import { jsonLine } from './cli-command.ts'
import type { CliContext } from './cli-context.ts'
import { freshClusterId, readClusterId } from './cluster-id.ts'
import { CliFailure } from './exit-codes.ts'
import { ProgressLine, sizeText } from './progress-line.ts'
import { readServerConfig } from './server-config.ts'

export interface RestoreFlags {
  readonly from?: string
  readonly config?: string
  readonly toZxid?: string
  readonly toTime?: string
  readonly clusterId?: string
  readonly epoch?: string
}

export async function runRestore(cli: CliContext, flags: RestoreFlags, isJson: boolean): Promise<void> {
  const { from, config: configPath } = flags
  if (from === undefined || configPath === undefined)
    throw new CliFailure('usage', 'write --from FILE, the backup, and --config zoo.cfg, of the server to restore')
  const target = targetOf(flags)
  const epoch = flags.epoch === undefined ? null : epochOf(flags.epoch)
  const clusterId =
    flags.clusterId === undefined ? freshClusterId(cli) : readClusterId(flags.clusterId, 'the first restore')
  const config = await readServerConfig(cli, configPath)
  const progress = new ProgressLine(cli)
  const restored = await restoreBackup({
    disk: cli.disk,
    stores: await cli.stores(),
    path: from,
    folders: config,
    serverId: config.serverId,
    target,
    clusterId,
    epoch,
    onProgress: (step, done, sizeBytes) =>
      progress.show(`${step === 'check' ? 'checking' : 'restoring'}: ${sizeText(done)} of ${sizeText(sizeBytes)}`),
  }).finally(() => progress.clear())
  if (!restored.ok) throw new CliFailure('refused', restored.error)
  if (isJson) cli.write(jsonLine(restoredJson(restored.value, config)))
  else
    cli.write(
      restoredLines(restored.value, config, from)
        .map((line) => `${line}\n`)
        .join(''),
    )
}

function targetOf({ toZxid, toTime }: RestoreFlags): RestoreTarget {
  if (toZxid !== undefined && toTime !== undefined)
    throw new CliFailure('usage', 'write one of --to-zxid and --to-time, or neither for all of the backup')
  if (toZxid !== undefined) {
    const isHex = /^0x[0-9a-fA-F]{1,16}$/.test(toZxid)
    const zxid = isHex ? Number(toZxid) : Number.NaN
    if (!Number.isSafeInteger(zxid))
      throw new CliFailure('usage', `--to-zxid ${toZxid} is not a zxid; write it as 0x and hexadecimal digits`)
    return { kind: 'zxid', zxid: zxid as Zxid }
  }
  return toTime === undefined ? { kind: 'end' } : { kind: 'time', timeMs: timeOf(toTime) }
}

const timeForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?:(:\d\d)(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

/** A time without a zone would mean another moment on another machine. */
function timeOf(text: string): number {
  const form = 'write it as 2026-01-31T14:05:00Z or 2026-01-31T14:05:00+01:00'
  const [, minute, seconds = ':00'] = timeForm.exec(text) ?? []
  if (minute === undefined) throw new CliFailure('usage', `--to-time ${text} is not a time with a zone; ${form}`)
  const timeMs = Date.parse(text)
  // Date.parse takes February 30 as March 2, and 24:00 as the next day.
  const withoutZoneMs = Date.parse(`${minute}${seconds}Z`)
  const exists = !Number.isNaN(withoutZoneMs) && new Date(withoutZoneMs).toISOString().startsWith(`${minute}${seconds}`)
  if (Number.isNaN(timeMs) || !exists)
    throw new CliFailure('usage', `--to-time ${text} names a day or a time that does not exist; ${form}`)
  return timeMs
}

/** The restore itself decides whether enough epochs are left: a backup may have greater ones than an operator may give. */
function epochOf(text: string): number {
  const epoch = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (epoch >= 1) return epoch
  throw new CliFailure('usage', `--epoch ${text} is not a whole number from 1 to ${givenEpochMax}`)
}

function restoredLines({ facts, point }: Restored, { dataDir, mode }: Config, from: string): readonly string[] {
  const cluster = `0x${facts.clusterId.toString(16)}`
  const time = point.timeMs === null ? '' : `, of ${isoOf(point.timeMs)}`
  const lines = [
    `restored ${dataDir} up to ${hexOfZxid(point.zxid)}${time}: ${facts.znodeCount} znodes, ${facts.sessionCount} sessions`,
    `cluster ${cluster}, epoch ${facts.epoch}`,
  ]
  if (mode === 'standalone') return lines
  return [
    ...lines,
    'Before a member starts, restore at least a majority of the members in this way, each with its own zoo.cfg:',
    `  zkts-cli restore --from ${from} --config zoo.cfg --to-zxid ${hexOfZxid(point.zxid)} --cluster-id ${cluster} --epoch ${facts.epoch}`,
    'The other members may start with empty folders once the restored ones serve.',
  ]
}

function restoredJson({ facts, point, backup }: Restored, { dataDir, dataLogDir, serverId }: Config): object {
  return {
    dataDir,
    dataLogDir,
    serverId,
    clusterId: `0x${facts.clusterId.toString(16)}`,
    epoch: facts.epoch,
    zxid: hexOfZxid(point.zxid),
    time: point.timeMs === null ? null : isoOf(point.timeMs),
    znodeCount: facts.znodeCount,
    sessionCount: facts.sessionCount,
    digest: facts.digest,
    backedUpClusterId: `0x${backup.end.clusterId.toString(16)}`,
  }
}
