/**
 * The version text of the server. Clients and monitors read the leading number and decide by it what the server can do,
 * so it is the version of ZooKeeper that zkts matches; the version of zkts follows. Known readers:
 * kazoo takes the digits and dots after `zookeeper.version=` of envi, Telegraf takes letters, digits, dots and
 * dashes after `zk_version`.
 */
const matchedZooKeeperVersion = '3.9.5'

/** The part after the colon in `Zookeeper version: 3.9.5-zkts-0.1.0, built on 2026-07-17 00:00 UTC`. */
export function versionText(ownVersion: string, builtAtWallMs: number): string {
  const built = new Date(builtAtWallMs).toISOString()
  return `${matchedZooKeeperVersion}-zkts-${ownVersion}, built on ${built.slice(0, 10)} ${built.slice(11, 16)} UTC`
}
