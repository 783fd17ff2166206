/** Steps that many tests of a cluster share: start one, let it settle, check that all servers agree. */
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import { Membership } from '../../src/membership/membership.ts'
import type { ClusterOptions, ClusterServer } from './cluster-server.ts'
import { ZabCluster } from './zab-cluster.ts'

export function newCluster(voterCount: number, options: Partial<ClusterOptions> = {}): ZabCluster {
  const cluster = new ZabCluster({
    membership: majorityOf(voterCount),
    seed: 7,
    messageDelayMsMax: 0,
    diskDelayMsMax: 1,
    ...options,
  })
  cluster.startAll()
  return cluster
}

/** Servers 1, 2, …, all of which vote. */
export function majorityOf(voterCount: number): Membership {
  return Membership.ofMajority(Array.from({ length: voterCount }, (_, i) => (i + 1) as ServerId))
}

/** All servers serve, and have delivered everything that is committed. */
export function settle(cluster: ZabCluster): ClusterServer {
  const living = cluster.servers.filter(({ zab }) => zab !== null)
  const isSettled = (): boolean =>
    cluster.leader !== null &&
    living.every(({ id, serving }) => serving !== null && cluster.checks.deliveredBy(id) === committedCount(cluster))
  if (!cluster.runUntil(isSettled, 3_000)) throw new Error(`the cluster does not settle: ${states(cluster)}`)
  return cluster.leader!
}

export function committedCount(cluster: ZabCluster): number {
  return cluster.checks.committed.length
}

/** Proposes on the leader and waits until all live servers have delivered it. */
export function commit(cluster: ZabCluster, count: number): readonly Zxid[] {
  const zxids = cluster.propose(cluster.leader!.id, count)
  const last = zxids.at(-1)
  if (!cluster.runUntil(() => cluster.checks.committed.at(-1)?.zxid === last, 1_000)) throw new Error('no commit')
  settle(cluster)
  return zxids
}

export function followersOf(leader: ClusterServer, cluster: ZabCluster): readonly ClusterServer[] {
  return cluster.servers.filter(({ id }) => id !== leader.id)
}

export function logOf(cluster: ZabCluster, id: ServerId): readonly Zxid[] {
  return cluster.server(id).log.txns.map(({ zxid }) => zxid)
}

export function isCommitted(cluster: ZabCluster, zxid: Zxid): boolean {
  return cluster.checks.committed.some((entry) => entry.zxid === zxid)
}

function states(cluster: ZabCluster): string {
  return cluster.servers.map(({ id, zab, serving }) => `${id}=${zab?.state ?? 'dead'}/${serving?.as ?? '-'}`).join(', ')
}
