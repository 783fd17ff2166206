/**
 * The two sides of the comparison, one server each or an ensemble each: Apache ZooKeeper and ours, with the same zoo.cfg.
 * Owns: their folders, on a file system in memory if there is one, since nothing here depends on the disk.
 */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { findZooKeeperClasspath } from '../../bench/apache-zookeeper.ts'
import { startEnsemble } from '../../bench/ensemble.ts'
import { checkpointSettings } from '../servers.ts'
import type { Sides } from './compare.ts'
import type { Profile } from './profiles.ts'

export interface ServerPair {
  /** Of each server; in an ensemble that of the leader comes last. */
  readonly ports: Sides<readonly number[]>
  /** How a server ended, if one has. */
  obituaries(): readonly string[]
  /** Of zkts, the fewest that one server has made; how often one has removed the front of its log. */
  checkpointCounts(): { readonly made: number; readonly frontsRemoved: number }
  stop(): Promise<void>
}

const memoryDir = '/dev/shm'
let classpath: string | undefined

export async function startPair({ serverCount, settings, isStrict }: Profile): Promise<ServerPair> {
  classpath ??= await findZooKeeperClasspath()
  const dir = existsSync(memoryDir) ? memoryDir : tmpdir()
  const sweep = 'znode.container.checkIntervalMs' // which ZooKeeper takes from a system property of this name only
  const systemProperties = {
    'zookeeper.preAllocSize': '1024',
    'zookeeper.forceSync': 'no',
    [sweep]: settings[sweep]!,
  }
  const [theirs, ours] = await Promise.all([
    startEnsemble('zookeeper', serverCount, dir, classpath, { settings, systemProperties }),
    startEnsemble('zkts', serverCount, dir, classpath, {
      settings: { ...settings, ...checkpointSettings, ...(isStrict && { compatibility: 'strict' }) },
    }),
  ])
  return {
    ports: { theirs: theirs.clientPorts, ours: ours.clientPorts },
    obituaries: () =>
      [...theirs.servers, ...ours.servers].map((server) => server.obituary()).filter((each) => each !== undefined),
    checkpointCounts() {
      const fewest = (event: string): number =>
        Math.min(...ours.servers.map((server) => server.printed().split(`"${event}"`).length - 1))
      return { made: fewest('checkpoint-made'), frontsRemoved: fewest('log-purged') }
    },
    async stop() {
      await Promise.all([theirs.stop(), ours.stop()])
    },
  }
}
