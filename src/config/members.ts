/**
 * The server lines as a whole: each id once, each address once. Two members at one address would be one
 * process with two votes.
 */
import type { ServerId } from '../base/ids.ts'
import { Membership } from '../membership/membership.ts'
import type { Config, EnsembleMember } from './config.ts'
import type { ConfigProblem } from './config-problem.ts'
import { plainHost } from './host-text.ts'
import { parseServerId, parseServerLine } from './server-line.ts'
import type { SourcedEntry } from './settings.ts'

export interface MembersRead {
  /** By id, without the lines that have a problem. */
  readonly members: readonly EnsembleMember[]
  /** The ids of the lines that have a problem; null where the id is wrong. They are not reported a second time. */
  readonly refusedIds: readonly (ServerId | null)[]
}

/** Problems are added to `problems`. */
export function readMembers(entries: readonly SourcedEntry[], problems: ConfigProblem[]): MembersRead {
  const members: EnsembleMember[] = []
  const refusedIds: (ServerId | null)[] = []
  const usedBy = new Map<string, string>()
  for (const entry of entries) {
    const { source, line, key, value } = entry
    const refuse = (wrong: string, write: string | null): void => {
      problems.push({ source, line, key, value, wrong, write })
    }
    const id = parseServerId(key.slice('server.'.length))
    if (!id.ok) {
      refuse(id.error.wrong, id.error.write)
      refusedIds.push(null)
      continue
    }
    const member = parseServerLine(id.value, value)
    if (!member.ok) {
      refuse(member.error.wrong, member.error.write)
      refusedIds.push(id.value)
      continue
    }
    if (members.some((other) => other.id === id.value)) {
      refuse(`there are two lines for server ${id.value}`, 'give each server its own number')
      continue
    }
    const { host, quorumPort, electionPort } = member.value
    for (const port of [quorumPort, electionPort]) {
      const address = `${plainHost(host)}:${port}`
      const other = usedBy.get(address)
      if (other !== undefined) refuse(`${address} is already used by ${other}`, 'give each server its own address')
      usedBy.set(address, key)
    }
    members.push(member.value)
  }
  return { members: members.sort((a, b) => a.id - b.id), refusedIds }
}

/** By id, the server itself included. A standalone server is the only member. */
export function memberIdsOf({
  mode,
  members,
  serverId,
}: Pick<Config, 'mode' | 'members' | 'serverId'>): readonly ServerId[] {
  return mode === 'standalone' ? [serverId] : members.map(({ id }) => id)
}

/** Participants vote, each with the same weight; observers learn. */
export function membershipOf(members: readonly EnsembleMember[]): Membership {
  const idsOf = (role: EnsembleMember['role']) => members.filter((member) => member.role === role).map(({ id }) => id)
  return Membership.ofMajority(idsOf('participant'), idsOf('observer'))
}
