/**
 * At the end of a run the leader hands over, then one closes in order, and later one dies, while nothing else is wrong. Then no
 * client of a server that runs on loses its connection, unless that server names a cause (kept-connections.ts judges the causes), and none leaves
 * because a request gets no answer.
 */
import type { ServerId, SessionId } from '../../../src/base/ids.ts'
import type { Checker, Report } from '../sim-trace.ts'
import { serverCloses } from './orderly-closes.ts'

interface OpenConnection {
  readonly serverId: ServerId
  readonly sessionId: SessionId
  readonly timeoutMs: number
}

/** The faults after which connections are judged. */
export const leaderHandsOver = 'the leader hands over, and nothing else is wrong'
export const leaderDies = 'the leader dies, and nothing else is wrong'
const leaderChanges = new Set<string>([leaderHandsOver, leaderDies, serverCloses])
/** Why the operator closes its connection: its backup is complete, or it tries again. */
export const operatorLeaves = 'the operator leaves'
/** Clients with shorter timeouts may give up by themselves while an election takes its time on a slow network. */
const judgedTimeoutMsMin = 3_000

/** `keepsClients` is false for servers that are configured as ZooKeeper. */
export function connectionsOutliveLeader(keepsClients: boolean, report: Report): Checker {
  const open = new Map<number, OpenConnection>()
  const cut = new Set<SessionId>()
  let judged = new Map<number, OpenConnection>()
  return {
    name: 'connections-outlive-leader',
    observe({ event }) {
      switch (event.kind) {
        case 'attached':
          open.set(event.connection, event)
          cut.delete(event.sessionId)
          return
        case 'request':
          if (event.request.kind !== 'close-session') return
          open.delete(event.connection)
          judged.delete(event.connection)
          return
        case 'closed': {
          const { connection, by, reason } = event
          open.delete(connection)
          const facts = judged.get(connection)
          if (facts === undefined || cut.has(facts.sessionId) || reason === operatorLeaves) return
          const what = `connection ${connection} to server ${facts.serverId} does not outlive the leader`
          return report(`${what}; it is closed by ${by}: ${reason}`)
        }
        case 'fault':
          if (!leaderChanges.has(event.text) || !keepsClients) return
          judged = new Map([...open].filter(([, { timeoutMs }]) => timeoutMs >= judgedTimeoutMsMin))
          return
        case 'server-asked-to-stop':
        case 'server-crashed':
          for (const [connection, { serverId }] of judged) if (serverId === event.serverId) judged.delete(connection)
          return
        case 'server':
          if (event.event.kind === 'client-cut') cut.add(event.event.sessionId)
      }
    },
    finish() {},
  }
}
