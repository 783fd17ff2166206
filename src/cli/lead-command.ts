/**
 * `lead <id>`: makes a server of the ensemble the leader. It finds the server by what the servers of the connect string say of
 * themselves (`conf`), asks it to take the leadership (`rqld`), and waits until it leads. Nothing but words is sent, so no
 * session is needed, and a server without a leader gives its reason. A leader that refuses does not say so to the server that
 * asked it, and may only be handing over to another one; so the request is repeated while this command waits.
 */
import type { AdminWord } from '../base/admin-words.ts'
import { handOverLimitMs } from '../base/limits.ts'
import type { Result } from '../base/result.ts'
import { describeAddress, parseConnectString } from '../client/connect-string.ts'
import type { Address } from '../ports/stream.ts'
import { type AskFailure, askWord, whitelistAdvice } from './ask-word.ts'
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
  /** Of servers of the connect string that did not say which id they have. */
  readonly failures: readonly CliFailure[]
}

interface Target {
  readonly id: number
  readonly address: Address
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
  const ensemble = await findEnsemble(cli, settings)
  const target: Target = { id, address: addressOf(id, ensemble) }
  const beganAtMs = cli.clock.monotonicMs()
  const mode = await modeBefore(cli, settings, target)
  if (mode === 'leader') return { id, durationMs: null }
  if (mode === null) throw new CliFailure('refused', withoutLeader(target))
  await request(cli, settings, target)
  const isLed = await waitUntilLed(cli, settings, target)
  if (isLed) return { id, durationMs: Math.round(cli.clock.monotonicMs() - beganAtMs) }
  throw new CliFailure('refused', await describeTimeout(cli, settings, target, ensemble))
}

export function leadText({ id, durationMs }: Led): string {
  return durationMs === null ? `server ${id} leads already` : `server ${id} leads, after ${durationMs} ms`
}

/** At least one server of the connect string has to answer. */
async function findEnsemble(cli: CliContext, settings: CliSettings): Promise<Ensemble> {
  const parsed = parseConnectString(settings.servers)
  if (!parsed.ok) throw new CliFailure('usage', parsed.error)
  const { addresses } = parsed.value
  const answers = await Promise.all(addresses.map((address) => ask(cli, settings, address, 'conf')))
  const named = new Map<number, Address>()
  const failures: CliFailure[] = []
  let members: readonly Member[] = []
  for (const [i, answer] of answers.entries()) {
    const address = addresses[i]!
    const id = answer.ok ? /^serverId=(\d+)$/m.exec(answer.value)?.[1] : undefined
    // Nothing was asked that could have taken effect, as `lost` would say.
    if (!answer.ok) failures.push(new CliFailure('unreachable', answer.error.message))
    else if (id === undefined) failures.push(new CliFailure('refused', refusalOfConf(address, answer.value)))
    else named.set(Number(id), address)
    if (answer.ok && members.length === 0) members = membersOf(answer.value)
  }
  if (members.length > 0) return { named, members, failures }
  const [first] = failures
  if (named.size > 0 || first === undefined) {
    throw new CliFailure('refused', `${settings.servers}: a standalone server always leads`)
  }
  throw new CliFailure(first.exit, linesOf(failures).join('\n'))
}

function linesOf(failures: readonly CliFailure[]): readonly string[] {
  return failures.map(({ message }) => message)
}

function refusalOfConf(address: Address, answer: string): string {
  const said = `${describeAddress(address)}: ${answer.trimEnd()}`
  if (answer.includes('whitelist')) return `${said} ${whitelistAdvice}`
  return `${said}. It has no leader that could hand over; look for no-leader in its log, or name other servers with -s`
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

function addressOf(id: number, { named, members, failures }: Ensemble): Address {
  const member = members.find((each) => each.id === id)
  if (member === undefined) {
    const ids = members.map((each) => each.id).join(', ')
    throw new CliFailure('usage', `there is no server ${id}; the servers of this ensemble are ${ids}`)
  }
  if (!member.votes) {
    const voters = members.filter(({ votes }) => votes).map((each) => each.id)
    const those = voters.length === 0 ? '' : `; those with a vote are ${voters.join(', ')}`
    throw new CliFailure('refused', `server ${id} has no vote, so it cannot lead${those}`)
  }
  const address = named.get(id) ?? member.address
  if (address !== null) return address
  const unknown = `the configuration does not say where clients reach server ${id}`
  const [first] = failures
  if (first === undefined) throw new CliFailure('usage', `${unknown}; add it to -s`)
  const what = `${unknown}. It may be one of these servers of -s, which did not say their ids; nothing has changed. Start or resume it:`
  throw new CliFailure(first.exit, [what, ...linesOf(failures)].join('\n  '))
}

// --- the server that is to lead ---

/** Null: it is not in step with a leader. */
async function modeBefore(cli: CliContext, settings: CliSettings, target: Target): Promise<string | null> {
  const answer = await ask(cli, settings, target.address, 'srvr')
  if (answer.ok) return modeIn(answer.value)
  // It has not been asked to lead, so nothing has changed.
  const { kind, message } = answer.error
  throw new CliFailure('unreachable', `${describe(target)} ${kind === 'unreachable' ? absent : silent} (${message})`)
}

const absent =
  'cannot be reached, so nothing has changed. Start it, wait until the answer to srvr has "Mode: follower", and try again'
const silent =
  'does not answer, so nothing has changed: its process is paused, or its machine is overloaded. Resume or restart it, wait ' +
  'until the answer to srvr has "Mode: follower", and try again; or let another server lead'

async function request(cli: CliContext, settings: CliSettings, target: Target): Promise<void> {
  const answer = await ask(cli, settings, target.address, 'rqld')
  if (!answer.ok) throw new CliFailure('lost', noLongerAnswers(target, settings, answer.error))
  if (answer.value.startsWith('Sent')) return
  const said = answer.value.trimEnd()
  if (said.includes('whitelist')) {
    throw new CliFailure('refused', `${describeAddress(target.address)}: ${said} ${whitelistAdvice}`)
  }
  const problem = said.split('\n').at(-1)
  // Both may have begun since the answer to srvr. A server that leads is what the caller wants.
  if (problem !== `server ${target.id} leads already`)
    throw new CliFailure('refused', `server ${target.id}: ${problem}`)
}

/** False: the time is over. */
async function waitUntilLed(cli: CliContext, settings: CliSettings, target: Target): Promise<boolean> {
  const beganAtMs = cli.clock.monotonicMs()
  let askedAtMs = beganAtMs
  for (let nowMs = beganAtMs; nowMs - beganAtMs < settings.timeoutMs; nowMs = cli.clock.monotonicMs()) {
    const answer = await ask(cli, settings, target.address, 'srvr')
    if (!answer.ok) throw new CliFailure('lost', noLongerAnswers(target, settings, answer.error))
    const mode = modeIn(answer.value)
    if (mode === 'leader') return true
    // A hand-over that was under way when the leader got the request is over now.
    if (mode !== null && nowMs - askedAtMs > handOverLimitMs) {
      askedAtMs = nowMs
      await ask(cli, settings, target.address, 'rqld')
    }
    await new Promise<void>((resolve) => cli.timers.after(pollMs, resolve))
  }
  return false
}

async function describeTimeout(
  cli: CliContext,
  settings: CliSettings,
  target: Target,
  { named, members }: Ensemble,
): Promise<string> {
  const others = members.flatMap(({ id, address }): readonly Target[] => {
    const known = named.get(id) ?? address
    return known === null || id === target.id ? [] : [{ id, address: known }]
  })
  const answers = await Promise.all(others.map(({ address }) => ask(cli, settings, address, 'srvr')))
  const leader = others.find((_other, i) => {
    const answer = answers[i]!
    return answer.ok && modeIn(answer.value) === 'leader'
  })
  const what = `server ${target.id} does not lead after ${settings.timeoutMs} ms`
  if (leader === undefined) {
    return `${what}, and no other server says that it leads. Look for no-leader in the log of server ${target.id}`
  }
  return (
    `${what}: ${describe(leader)} leads. Its log says why it does not hand over: hand-over-refused, if it hands over to ` +
    `another server or server ${target.id} is not in step, or hand-over-failed, if server ${target.id} did not catch up in time`
  )
}

function modeIn(srvr: string): string | null {
  return /^Mode: (\S+)$/m.exec(srvr)?.[1] ?? null
}

function ask(
  cli: CliContext,
  { timeoutMs }: CliSettings,
  address: Address,
  word: AdminWord,
): Promise<Result<string, AskFailure>> {
  return askWord(cli, address, { word, traceMask: null }, { connectMs: timeoutMs, answerMs: timeoutMs })
}

function describe({ id, address }: Target): string {
  return `server ${id} at ${describeAddress(address)}`
}

function withoutLeader({ id }: Target): string {
  return (
    `server ${id} is not in step with a leader: wait until it follows one ("Mode: follower" in the answer to srvr). If no server ` +
    'has a leader, the line no-leader in their logs says what to do'
  )
}

/** The request was sent, or may have been. */
function noLongerAnswers(target: Target, { servers }: CliSettings, { message }: AskFailure): string {
  return (
    `${describe(target)} was asked to lead and no longer answers (${message}). Whether it leads is not known: ` +
    `"zkts-cli srvr -s ${servers}" shows which server does`
  )
}
