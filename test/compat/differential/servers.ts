/**
 * The pair of servers under comparison: Apache ZooKeeper and ours, with the same zoo.cfg.
 * Owns: their folders, on a file system in memory if there is one, since nothing here depends on the disk.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findZooKeeperClasspath, startZooKeeperServer } from '../../bench/apache-zookeeper.ts'
import { freePorts } from '../../bench/server-process.ts'
import { startZktsServer } from '../../bench/zkts-server.ts'
import type { Sides } from './compare.ts'
import type { Profile } from './profiles.ts'

export interface ServerPair {
  readonly ports: Sides<number>
  /** How a server ended, if one has. */
  obituaries(): readonly string[]
  stop(): Promise<void>
}

let classpath: string | undefined

export async function startPair(profile: Profile): Promise<ServerPair> {
  classpath ??= await findZooKeeperClasspath()
  const memory = '/dev/shm'
  const dir = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), 'zkts-differential-'))
  const [theirPort, ourPort] = await freePorts(2)
  const { settings } = profile
  const [theirs, ours] = await Promise.all([
    startZooKeeperServer({
      dir: join(dir, 'theirs'),
      clientPort: theirPort!,
      settings,
      classpath,
      systemProperties: { 'zookeeper.preAllocSize': '1024', 'zookeeper.forceSync': 'no' },
    }),
    startZktsServer({ dir: join(dir, 'ours'), clientPort: ourPort!, settings }),
  ])
  return {
    ports: { theirs: theirs.clientPort, ours: ours.clientPort },
    obituaries: () => [theirs.obituary(), ours.obituary()].filter((each) => each !== undefined),
    async stop() {
      await Promise.all([theirs.stop(), ours.stop()])
      await rm(dir, { recursive: true, force: true })
    },
  }
}
