/**
 * The text of the four-letter word dump as fields: sessions with the time at which they expire (from the leader) or
 * with their timeout (from other servers), ephemerals by session, and connections with the time at which they expire.
 */
interface DumpedSession {
  readonly sessionId: string
  readonly scope: 'local' | 'global'
  readonly expiresAt: string | null
  readonly timeoutMs: number | null
}

interface DumpedConnection {
  readonly address: string
  readonly sessionId: string
  readonly expiresAt: string | null
}

export interface DumpFields {
  readonly sessions: readonly DumpedSession[]
  readonly ephemerals: Readonly<Record<string, readonly string[]>>
  readonly connections: readonly DumpedConnection[]
}

const bucketLine = /^\d+ expire at (.+):$/
const knownSession = /^(0x[0-9a-f]+)\t(\d+)ms$/
const connectionMember = /^\tip: \/(\S+) sessionId: (0x[0-9a-f]+)$/

export function fieldsOfDump(text: string): DumpFields {
  const sessions: DumpedSession[] = []
  const ephemerals: Record<string, string[]> = {}
  const connections: DumpedConnection[] = []
  let part: 'sessions' | 'ephemerals' | 'connections' = 'sessions'
  let scope: 'local' | 'global' = 'global'
  let expiresAt: string | null = null
  let owned: string[] = []
  for (const line of text.split('\n')) {
    const bucket = bucketLine.exec(line)
    const known = knownSession.exec(line)
    const connection = connectionMember.exec(line)
    if (bucket !== null) expiresAt = bucket[1]!
    else if (line === 'ephemeral nodes dump:') part = 'ephemerals'
    else if (line === 'Connections dump:') part = 'connections'
    else if (part === 'sessions' && /^(Local |Global )?Sessions?\b/.test(line)) {
      scope = line.startsWith('Local ') ? 'local' : 'global'
      expiresAt = null
    } else if (part === 'sessions' && known !== null) {
      sessions.push({ sessionId: known[1]!, scope, expiresAt: null, timeoutMs: Number(known[2]) })
    } else if (part === 'sessions' && line.startsWith('\t')) {
      sessions.push({ sessionId: line.slice(1), scope, expiresAt, timeoutMs: null })
    } else if (part === 'ephemerals' && line.startsWith('0x')) {
      owned = []
      ephemerals[line.slice(0, -1)] = owned
    } else if (part === 'ephemerals' && line.startsWith('\t')) owned.push(line.slice(1))
    else if (part === 'connections' && connection !== null) {
      connections.push({ address: connection[1]!, sessionId: connection[2]!, expiresAt })
    }
  }
  return { sessions, ephemerals, connections }
}
