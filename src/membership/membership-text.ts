/**
 * The members of an ensemble as ZooKeeper writes them, in the configuration znode and in `conf` (ZK:
 * QuorumVerifier.toString, QuorumServer.toString). Clients parse it, so every character counts.
 */
import type { ServerId } from '../base/ids.ts'

export interface MemberLine {
  readonly id: ServerId
  readonly host: string
  readonly quorumPort: number
  readonly electionPort: number
  readonly role: string
  readonly clientHost: string | null
  readonly clientPort: number | null
}

/** One line for each member, then the version: 0 for members that are written in files. No newline at the end. */
export function membershipText(members: readonly MemberLine[]): string {
  return [...members.map(describeMember), 'version=0'].join('\n')
}

/** The client part is written only if the server line has it: the key clientPort is a setting of one server alone. */
function describeMember({ id, host, quorumPort, electionPort, role, clientHost, clientPort }: MemberLine): string {
  const peer = `server.${id}=${bracketed(host)}:${quorumPort}:${electionPort}:${role}`
  return clientPort === null ? peer : `${peer};${bracketed(clientHost ?? '0.0.0.0')}:${clientPort}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
