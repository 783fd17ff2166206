/** The fields of the commands about the ensemble and the role of this server in it. */
import type { ServerId } from '../../base/ids.ts'
import type { MemberStatus } from '../server-status.ts'
import { answerOf, type CommandAnswer, type CommandFields, type CommandSources } from './admin-command.ts'
import type { JsonValue } from './json-text.ts'

export function leaderAnswer({ status, leaderId }: CommandSources): CommandAnswer {
  const { config, serverId } = status
  if (config.mode === 'standalone') return answerOf(new Map(), 'server is not initialized')
  return answerOf(
    new Map<string, JsonValue>([
      ['is_leader', leaderId === serverId],
      ['leader_id', leaderId ?? -1],
      ['leader_ip', memberOf(config.members, leaderId)?.host ?? ''],
    ]),
  )
}

export function votingViewFields({ status }: CommandSources): CommandFields {
  const voters = status.config.members.filter(({ role }) => role === 'participant')
  return new Map([['current_config', new Map(voters.map((member) => [String(member.id), memberFields(member)]))]])
}

function memberFields({ host, quorumPort, electionPort, clientHost, clientPort }: MemberStatus): JsonValue {
  return {
    server_addresses: [addressText(host, quorumPort)],
    election_addresses: [addressText(host, electionPort)],
    client_address: clientPort === null ? '' : addressText(clientHost ?? '0.0.0.0', clientPort),
    learner_type: 'participant',
  }
}

/** `zabstate` is `broadcast` on a server that serves: it joins a leader in one step, so the states between are not shown. */
export function zabStateFields({ status, leaderId }: CommandSources): CommandFields {
  const { config, serverId, serving } = status
  if (config.mode === 'standalone')
    return new Map<string, JsonValue>([
      ['voting', false],
      ['zabstate', ''],
    ])
  const self = memberOf(config.members, serverId)
  const zxid = serving?.zxid ?? 0
  const { host, port } = config.clientAddress
  return new Map<string, JsonValue>([
    ['myid', serverId],
    ['is_leader', leaderId === serverId],
    ['quorum_address', self === null ? null : addressText(self.host, self.quorumPort)],
    ['election_address', self === null ? null : addressText(self.host, self.electionPort)],
    ['client_address', addressText(host, port)],
    ['voting', self?.role === 'participant'],
    ['last_zxid', `0x${zxid.toString(16)}`],
    ['zab_epoch', Math.floor(zxid / 2 ** 32)],
    ['zab_counter', zxid % 2 ** 32],
    ['zabstate', serving === null || serving.mode === 'read-only' ? 'election' : 'broadcast'],
  ])
}

function memberOf(members: readonly MemberStatus[], id: ServerId | null): MemberStatus | null {
  return members.find((member) => member.id === id) ?? null
}

function addressText(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
