/**
 * The text of conf (ZK: ZooKeeperServer.dumpConf, QuorumZooKeeperServer.dumpConf). Its first lines are those of ZooKeeper; the
 * settings that ZooKeeper does not show follow them, and in an ensemble come before its part about the members.
 */
import { membershipText } from '../membership/membership-text.ts'
import { asLines } from './connection-text.ts'
import type { ConfigStatus, ServerStatus } from './server-status.ts'

/** `further`: settings beside those of ZooKeeper's own list. */
export function renderConf(status: ServerStatus, further: readonly (readonly [key: string, value: string])[]): string {
  const { config } = status
  const common = asLines([
    `clientPort=${config.clientAddress.port}`,
    'secureClientPort=-1',
    `dataDir=${config.dataDir}`,
    `dataDirSize=${status.dataDirSizeBytes}`,
    `dataLogDir=${config.dataLogDir}`,
    `dataLogSize=${status.dataLogDirSizeBytes}`,
    `tickTime=${config.tickTimeMs}`,
    `maxClientCnxns=${config.maxClientConnectionsPerAddress}`,
    `minSessionTimeout=${config.minSessionTimeoutMs}`,
    `maxSessionTimeout=${config.maxSessionTimeoutMs}`,
    `clientPortListenBacklog=${config.clientBacklog}`,
    `serverId=${config.mode === 'standalone' ? 0 : status.serverId}`,
    ...further.map(([key, value]) => `${key}=${value}`),
  ])
  return config.mode === 'standalone' ? common : common + renderEnsemble(config, status)
}

/** The member list ends without a newline, as in ZooKeeper. */
function renderEnsemble(config: ConfigStatus, status: ServerStatus): string {
  const self = config.members.find((member) => member.id === status.serverId)
  return (
    asLines([
      `initLimit=${config.initLimitMs / config.tickTimeMs}`,
      `syncLimit=${config.syncLimitMs / config.tickTimeMs}`,
      'electionAlg=3',
      `electionPort=${self?.electionPort ?? -1}`,
      `quorumPort=${self?.quorumPort ?? -1}`,
      'peerType=0',
      'membership: ',
    ]) + membershipText(config.members)
  )
}
