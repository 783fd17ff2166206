/**
 * The value of a `server.N` line (ZK: QuorumPeer.QuorumServer), one member of the ensemble.
 * Grammar: host:quorumPort:electionPort[:participant][;[clientHost:]clientPort[;[tlsHost:]tlsPort]], IPv6 hosts in
 * brackets.
 * ZooKeeper also allows parts that change who votes or how peers are reached. They are refused and never ignored.
 */
import type { ServerId } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { EnsembleMember } from './config.ts'

export interface ServerLineError {
  readonly wrong: string
  readonly write: string | null
}

const example = 'write host:2888:3888;2181'

/** The id is the top byte of the session ids that a server makes; 255 would collide with the marker of TTL owners. */
const serverIdMax = 254

export function parseServerId(text: string): Result<ServerId, ServerLineError> {
  const id = wholeNumber(text)
  if (id === null || id < 0 || id > serverIdMax) {
    return err({
      wrong: `a server id is a number from 0 to ${serverIdMax}`,
      write: 'write server.1=…, and 1 into its myid',
    })
  }
  return ok(id as ServerId)
}

export function parseServerLine(id: ServerId, text: string): Result<EnsembleMember, ServerLineError> {
  if (text.includes('|'))
    return err({ wrong: 'several addresses for one server are not supported yet', write: 'keep one of them' })
  const [peerPart = '', clientPart = '', securePart = '', ...rest] = splitFields(text, ';')
  const peer = parsePeerPart(peerPart)
  if (!peer.ok) return peer
  if (rest.length > 0) return err({ wrong: `"${rest.join(';')}" is more than a server line has`, write: example })
  const client = clientPart === '' ? ok(null) : parseClientPart(clientPart, 'client port')
  if (!client.ok) return client
  // The third part is the port for TLS (ZK: trunk; 3.9.5 refuses it). It has no effect here, but a mistake in it counts.
  const secure = securePart === '' ? ok(null) : parseClientPart(securePart, 'TLS client port')
  if (!secure.ok) return secure
  if (secure.value !== null && client.value === null) {
    return err({
      wrong: 'this server has a TLS client port only, and TLS is not supported yet',
      write: 'add a plain client port: ;2181',
    })
  }
  return ok({
    id,
    ...peer.value,
    role: 'participant',
    clientHost: client.value === null ? null : client.value.host,
    clientPort: client.value === null ? null : client.value.port,
  })
}

type PeerPart = Pick<EnsembleMember, 'host' | 'quorumPort' | 'electionPort'>

function parsePeerPart(text: string): Result<PeerPart, ServerLineError> {
  const fields = splitHostAndFields(text)
  if (fields === null)
    return err({ wrong: 'the brackets around the IPv6 address do not match', write: 'write [::1]:2888:3888' })
  const [host = '', quorum, election, role, ...rest] = fields
  if (host === '') return err({ wrong: 'the host is missing', write: example })
  if (quorum === undefined || election === undefined) {
    return err({ wrong: 'a server needs a quorum port and an election port', write: example })
  }
  const quorumPort = parsePort(quorum)
  const electionPort = parsePort(election)
  if (quorumPort === null || electionPort === null) {
    return err({ wrong: 'quorum and election port are numbers from 1 to 65535', write: example })
  }
  if (quorumPort === electionPort) return err({ wrong: 'quorum and election port must differ', write: example })
  if (role !== undefined && role.toLowerCase() === 'observer') {
    return err({
      wrong: 'observers are not supported yet, and an observer that votes would change the quorum',
      write: 'remove the line on every server, or write :participant on every server',
    })
  }
  if (role !== undefined && role.toLowerCase() !== 'participant') {
    return err({ wrong: `unknown role "${role}"`, write: 'write participant, or nothing' })
  }
  if (rest.length > 0) return err({ wrong: `"${rest.join(':')}" is more than a server line has`, write: example })
  return ok({ host, quorumPort, electionPort })
}

function parseClientPart(
  text: string,
  what: 'client port' | 'TLS client port',
): Result<{ host: string | null; port: number }, ServerLineError> {
  const advice = 'write ;2181 or ;host:2181'
  const fields = splitHostAndFields(text)
  if (fields === null || fields.length > 2) return err({ wrong: `"${text}" is no client address`, write: advice })
  const portText = fields.length === 1 ? fields[0]! : fields[1]!
  const port = parseClientPort(portText)
  if (port === null) return err({ wrong: `${what} "${portText}" is not a number from 0 to 65535`, write: advice })
  // An empty name means the loopback address in Java and every address in Node.
  if (fields.length === 2 && fields[0] === '') {
    return err({ wrong: 'the host before the client port is missing', write: advice })
  }
  return ok({ host: fields.length === 2 ? fields[0]! : null, port })
}

/** Splits at colons, except inside the brackets of a leading IPv6 address. Null if the brackets do not match. */
function splitHostAndFields(text: string): readonly string[] | null {
  if (!text.startsWith('[')) return splitFields(text, ':')
  const end = text.indexOf(']')
  if (end < 0) return null
  const rest = text.slice(end + 1)
  if (rest !== '' && !rest.startsWith(':')) return null
  return [text.slice(1, end), ...(rest === '' ? [] : splitFields(rest.slice(1), ':'))]
}

/** A port between servers, which the others must be able to dial. */
function parsePort(text: string): number | null {
  const port = wholeNumber(text)
  return port !== null && port >= 1 && port <= 65535 ? port : null
}

/** 0: the system chooses a free one. */
export function parseClientPort(text: string): number | null {
  const port = wholeNumber(text)
  return port !== null && port >= 0 && port <= 65535 ? port : null
}

/** As Java's parseInt reads it, with a sign and leading zeros, and up to 15 digits after those. */
export function wholeNumber(text: string): number | null {
  return /^[+-]?0*\d{1,15}$/.test(text) ? Number(text) + 0 : null
}

/** As Java's String.split: empty fields at the end do not count. */
function splitFields(text: string, separator: string): readonly string[] {
  const fields = text.split(separator).map((field) => field.trim())
  while (fields.length > 1 && fields.at(-1) === '') fields.pop()
  return fields
}
