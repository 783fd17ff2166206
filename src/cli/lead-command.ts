/**
 * `lead <id>`: makes a server of the ensemble the leader. It finds the server by what the servers of the connect string say of
 * themselves (`conf`), asks it to take the leadership (`rqld`), and waits until it leads. Nothing but words is sent, so no
 * session is needed, and a server without a leader gives its reason.
 */
import type { AdminWord } from '../base/admin-words.ts'
import { describeAddress, parseConnectString } from '../client/connect-string.ts'
import type { Address } from '../ports/stream.ts'
import { askWord, whitelistAdvice } from './ask-word.ts'
import type { CliContext, CliSettings } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'

export interface Led {
  readonly id: number
  /** Null: the server led already. */
  readonly durationMs: number | null
}

/** What the servers of the connect string say. */
interface Ensemble {
  /** By id: the servers of the connect string. */
  readonly named: ReadonlyMap<number, Address>
  readonly members: readonly Member[]
}

interface Member {
  readonly id: number
  readonly votes: boolean
  /** Null: the configuration does not have it. */
  readonly address: Address | null
}

const pollMs = 20
const anyAddress = ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']

export async function runLead(cli: CliContext, settings: CliSettings, idText: string): Promise<Led> {
  if (!/^\d{1,3}$/.test(idText)) throw new CliFailure('usage', `"${idText}" is not the id of a server; write a number`)
  const id = Number(idText)
  const address = addressOf(id, await findEnsemble(cli, settings))
  const beganAtMs = cli.clock.monotonicMs()
  const mode = await modeOf(cli, settings, address)
  if (mode === 'leader') return { id, durationMs: null }
  if (mode === null) {
    throw new CliFailure('refused', `server ${id} is not in step with a leader: start it, or wait until it follows one`)
  }
  const answer = await ask(cli, settings, address, 'rqld')
  if (!answer.startsWith('Sent')) throw new CliFailure('refused', refusalOf(id, address, answer))
  while (cli.clock.monotonicMs() - beganAtMs < settings.timeoutMs) {
    if ((await modeOf(cli, settings, address)) === 'leader') {
      return { id, durationMs: Math.round(cli.clock.monotonicMs() - beganAtMs) }
    }
    await new Promise<void>((resolve) => cli.timers.after(pollMs, resolve))
  }
  throw new CliFailure(
    'refused',
    `server ${id} does not lead after ${settings.timeoutMs} ms. The log of the leader says why (hand-over-refused or hand-over-failed)`,
  )
}

export function leadText({ id, durationMs }: Led): string {
  return durationMs === null ? `server ${id} leads already` : `server ${id} leads, after ${durationMs} ms`
}

/** At least one server of the connect string has to answer. */
async function findEnsemble(cli: CliContext, settings: CliSettings): Promise<Ensemble> {
  const parsed = parseConnectString(settings.servers)
  if (!parsed.ok) throw new CliFailure('usage', parsed.error)
  const named = new Map<number, Address>()
  let members: readonly Member[] = []
  let failure: CliFailure | null = null
  for (const address of parsed.value.addresses) {
    try {
      const text = await ask(cli, settings, address, 'conf')
      const id = /^serverId=(\d+)$/m.exec(text)?.[1]
      if (id !== undefined) named.set(Number(id), address)
      if (members.length === 0) members = membersOf(text)
      if (id === undefined) failure ??= new CliFailure('refused', `${describeAddress(address)}: ${text.trimEnd()}`)
    } catch (cause) {
      if (!(cause instanceof CliFailure)) throw cause
      failure ??= cause
    }
  }
  if (members.length > 0) return { named, members }
  if (named.size === 0 && failure !== null) throw failure
  throw new CliFailure('refused', `${settings.servers}: a standalone server always leads`)
}

/** `server.1=host:2888:3888:participant;clientHost:2181`, as zoo.cfg and `conf` write it. */
function membersOf(text: string): readonly Member[] {
  const members: Member[] = []
  for (const line of text.split('\n')) {
    const [, id, server = '', client = ''] = /^server\.(\d+)=([^;]+)(?:;(.*))?$/.exec(line) ?? []
    if (id === undefined) continue
    members.push({ id: Number(id), votes: !server.endsWith(':observer'), address: clientAddressOf(server, client) })
  }
  return members
}

/** A server that listens on all its addresses is reached at that of its `server` line. */
function clientAddressOf(server: string, client: string): Address | null {
  const [, host = '', port] = /^(?:(.*):)?(\d+)$/.exec(client) ?? []
  if (port === undefined) return null
  const bare = withoutBrackets(host)
  const serverHost = withoutBrackets(/^(.*?):\d+:\d+/.exec(server)?.[1] ?? '')
  return { host: bare === '' || anyAddress.includes(bare) ? serverHost : bare, port: Number(port) }
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

function addressOf(id: number, { named, members }: Ensemble): Address {
  const member = members.find((each) => each.id === id)
  if (member === undefined) {
    const ids = members.map((each) => each.id).join(', ')
    throw new CliFailure('usage', `there is no server ${id}; the servers of this ensemble are ${ids}`)
  }
  if (!member.votes) throw new CliFailure('refused', `server ${id} has no vote, so it cannot lead`)
  const address = named.get(id) ?? member.address
  if (address !== null) return address
  throw new CliFailure('usage', `the configuration does not say where clients reach server ${id}; add it to -s`)
}

/** Null: it is not in step with a leader. */
async function modeOf(cli: CliContext, settings: CliSettings, address: Address): Promise<string | null> {
  return /^Mode: (\S+)$/m.exec(await ask(cli, settings, address, 'srvr'))?.[1] ?? null
}

async function ask(cli: CliContext, { timeoutMs }: CliSettings, address: Address, word: AdminWord): Promise<string> {
  const answer = await askWord(cli, address, { word, traceMask: null }, { connectMs: timeoutMs, answerMs: timeoutMs })
  if (!answer.ok) throw new CliFailure(answer.error.kind, answer.error.message)
  return answer.value
}

function refusalOf(id: number, address: Address, answer: string): string {
  const said = answer.trimEnd()
  if (!said.includes('whitelist')) return `server ${id}: ${said.split('\n').at(-1)}`
  return `${describeAddress(address)}: ${said} ${whitelistAdvice}`
}
