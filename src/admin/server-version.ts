/**
 * How the server names its version. Clients and monitors read the leading number and decide by it what the
 * server can do, so it is the version of ZooKeeper that we match; our own stands behind it. Known readers:
 * kazoo takes the digits and dots after `zookeeper.version=` of envi, Telegraf takes letters, digits, dots and
 * dashes after `zk_version`.
 */
const matchedZooKeeperVersion = '3.9.5'

/** As in `Zookeeper version: 3.9.5-zkts-0.1.0, built on 2026-07-17 00:00 UTC`, where it is what follows the colon. */
export function versionText(ownVersion: string, builtAtWallMs: number): string {
  const built = new Date(builtAtWallMs).toISOString()
  return `${matchedZooKeeperVersion}-zkts-${ownVersion}, built on ${built.slice(0, 10)} ${built.slice(11, 16)} UTC`
}
