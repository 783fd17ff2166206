/**
 * The server lines as a whole: each id once, each address once. Two members behind one address would be one
 * process with two votes.
 */
import type { EnsembleMember } from './config.ts'
import type { ConfigProblem } from './config-problem.ts'
import { parseServerId, parseServerLine } from './server-line.ts'
import type { SourcedEntry } from './settings.ts'

/** By id. Problems are added to `problems`; lines that have one are left out. */
export function readMembers(entries: readonly SourcedEntry[], problems: ConfigProblem[]): readonly EnsembleMember[] {
  const members: EnsembleMember[] = []
  const usedBy = new Map<string, string>()
  for (const entry of entries) {
    const { source, line, key, value } = entry
    const refuse = (wrong: string, write: string | null): void => {
      problems.push({ source, line, key, value, wrong, write })
    }
    const id = parseServerId(key.slice('server.'.length))
    if (!id.ok) {
      refuse(id.error.wrong, id.error.write)
      continue
    }
    const member = parseServerLine(id.value, value)
    if (!member.ok) {
      refuse(member.error.wrong, member.error.write)
      continue
    }
    if (members.some((other) => other.id === id.value)) {
      refuse(`there are two lines for server ${id.value}`, 'give each server its own number')
      continue
    }
    const { host, quorumPort, electionPort } = member.value
    for (const port of [quorumPort, electionPort]) {
      const address = `${host.toLowerCase()}:${port}`
      const other = usedBy.get(address)
      if (other !== undefined) refuse(`${address} is already used by ${other}`, 'give each server its own address')
      usedBy.set(address, key)
    }
    members.push(member.value)
  }
  return members.sort((a, b) => a.id - b.id)
}
