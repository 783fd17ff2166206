/** `data adopt`: makes the data in copied folders that of the server whose configuration is named. It connects to no server. */
import { type AdoptedData, type AdoptionKind, adoptData, findUnfinished } from '../adoption/adopt-data.ts'
import { type Epoch, hexOfZxid, zeroEpoch } from '../base/ids.ts'
import { givenEpochMax } from '../base/limits.ts'
import type { Config } from '../config/config.ts'
import { memberIdsOf } from '../config/members.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { CliContext } from './cli-context.ts'
import { freshClusterId, readClusterId } from './cluster-id.ts'
import { CliFailure } from './exit-codes.ts'
import { readServerConfig } from './server-config.ts'

export interface AdoptFlags {
  readonly config?: string
  readonly moved?: boolean
  readonly newCluster?: boolean
  readonly clusterId?: string
  readonly epoch?: string
}

/** Resolves with what was adopted, and with the configuration. */
export async function runAdopt(
  cli: CliContext,
  flags: AdoptFlags,
): Promise<{ readonly adopted: AdoptedData; readonly config: Config }> {
  if (flags.config === undefined) throw new CliFailure('usage', 'data adopt needs --config, the zoo.cfg of the server')
  const config = await readServerConfig(cli, flags.config)
  const { dataDir, dataLogDir, serverId, storage } = config
  const adopted = await adoptData({
    disk: cli.disk,
    stores: await cli.stores(),
    dataDir,
    dataLogDir,
    serverId,
    members: memberIdsOf(config),
    segmentSizeBytes: storage.segmentSizeBytes,
    adoption: await adoptionOf(cli, flags, config),
  })
  if (!adopted.ok) throw new CliFailure('refused', adopted.error)
  return { adopted: adopted.value, config }
}

async function adoptionOf(cli: CliContext, flags: AdoptFlags, config: Config): Promise<AdoptionKind> {
  const { moved = false, newCluster = false, clusterId, epoch } = flags
  if (moved && newCluster)
    throw new CliFailure('usage', '--moved and --new-cluster exclude each other; write one of them')
  if (!newCluster && (clusterId !== undefined || epoch !== undefined)) {
    throw new CliFailure('usage', '--cluster-id and --epoch belong to --new-cluster')
  }
  if (moved) return { kind: 'moved' }
  if (newCluster) {
    return {
      kind: 'new-cluster',
      clusterId: clusterId === undefined ? freshClusterId(cli) : readClusterId(clusterId, 'the first adoption'),
      epochMin: epoch === undefined ? zeroEpoch : epochOf(epoch),
    }
  }
  if (memberIdsOf(config).length > 1) return { kind: 'join' }
  const unfinished = await findUnfinished(cli.disk, config.dataDir)
  if (unfinished !== null) throw new CliFailure('refused', unfinished)
  throw new CliFailure(
    'usage',
    `this configuration names no other server that could bring ${config.dataDir} into step. Add --moved if the server was stopped ` +
      'before the data was copied and has not run since; add --new-cluster if the copy may be older than that, or if it is that ' +
      'of a member of an ensemble',
  )
}

function epochOf(text: string): Epoch {
  const epoch = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (epoch >= 1 && epoch <= givenEpochMax) return epoch as Epoch
  throw new CliFailure(
    'usage',
    `--epoch ${text} is not a whole number from 1 to ${givenEpochMax}; each new leader needs a further epoch, so some must be left`,
  )
}

export function adoptedLines({ adopted, config }: Awaited<ReturnType<typeof runAdopt>>): readonly string[] {
  const { writerId, clusterIdBefore, clusterId, epoch, lastZxid, lastTimeMs, checkpoint } = adopted
  // The time of the checkpoint's last write is not in the checkpoint.
  const time = lastTimeMs === null ? '' : ` of ${new Date(lastTimeMs).toISOString()}`
  const state =
    checkpoint === null ? '' : `; checkpoint of ${hexOfZxid(checkpoint.zxid)} with ${checkpoint.znodeCount} znodes`
  const cluster = hexOf(clusterId)
  const lines = [
    `found the data of server ${writerId} of cluster ${hexOf(clusterIdBefore)}, epoch ${epoch}, up to ${hexOfZxid(lastZxid)}${time}${state}`,
    ...adopted.notes,
    `${config.dataDir} is the data folder of server ${config.serverId} now`,
  ]
  if (adopted.mustSync) {
    lines.push(
      'it does not vote until a leader that has a quorum without it has brought it into step; start it while the others serve',
    )
  } else lines.push('it votes as soon as it starts')
  if (clusterId === clusterIdBefore) return lines
  lines.push(`its cluster is ${cluster}: the servers of the old ensemble do not work together with it`)
  if (memberIdsOf(config).length === 1) return lines
  return [
    ...lines,
    'the other members of the new ensemble start with empty folders once a quorum serves, or adopt a copy each with',
    `  zkts-cli data adopt --config zoo.cfg --new-cluster --cluster-id ${cluster}`,
  ]
}

export function adoptedJson({ adopted, config }: Awaited<ReturnType<typeof runAdopt>>): object {
  const { lastTimeMs, checkpoint } = adopted
  return {
    dataDir: config.dataDir,
    dataLogDir: config.dataLogDir,
    serverId: config.serverId,
    writerId: adopted.writerId,
    clusterId: hexOf(adopted.clusterId),
    clusterIdBefore: hexOf(adopted.clusterIdBefore),
    epoch: adopted.epoch,
    lastZxid: hexOfZxid(adopted.lastZxid),
    lastTime: lastTimeMs === null ? null : new Date(lastTimeMs).toISOString(),
    checkpointZxid: checkpoint === null ? null : hexOfZxid(checkpoint.zxid),
    znodeCount: checkpoint?.znodeCount ?? null,
    votes: !adopted.mustSync,
    notes: adopted.notes,
  }
}

function hexOf(clusterId: ClusterId): string {
  return `0x${clusterId.toString(16)}`
}
