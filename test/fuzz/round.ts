/**
 * One round: a few clients connect, each with one way to misbehave or none, and send in turns, in pieces of any size. At
 * its end all of them disconnect, some in the middle of a frame.
 */

import { frame, joined } from '../support/conversation.ts'
import { createFrame } from '../support/requests.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { expectedOf, type FuzzConnection, type SessionHandle } from './fuzz-connection.ts'
import type { FuzzCounts } from './fuzz-counts.ts'
import { handshake } from './handshake.ts'
import { bodyMutations, framingMutations } from './mutations.ts'
import { nextRequest } from './request-grammar.ts'
import { rootPath, type Values } from './values.ts'

export interface RoundContext {
  readonly random: SeededRandom
  readonly values: Values
  readonly counts: FuzzCounts
  /** Sessions of earlier connections, some of them still alive: a handshake may name one. */
  readonly sessions: SessionHandle[]
  connect(): Promise<FuzzConnection>
  run(ms: number): Promise<void>
}

type Behaviour = 'valid' | 'spoils bodies' | 'breaks framing' | 'bad handshake' | 'words'
const behaviours: readonly Behaviour[] = [
  'valid',
  'valid',
  'valid',
  'valid',
  'spoils bodies',
  'spoils bodies',
  'spoils bodies',
  'spoils bodies',
  'breaks framing',
  'bad handshake',
  'words',
]
const words = [
  'ruok',
  'srvr',
  'stat',
  'mntr',
  'cons',
  'conf',
  'envi',
  'dump',
  'wchs',
  'wchc',
  'wchp',
  'dirs',
  'hash',
  'isro',
  'crst',
  'srst',
  'gtmk',
  'stmk',
  'xxxx',
]
const sessionsKept = 50

interface RoundClient {
  readonly connection: FuzzConnection
  readonly behaviour: Behaviour
  readonly sent: Uint8Array[]
  requestsLeft: number
  xid: number
}

/** What each client sent, as hex. */
export async function playRound(context: RoundContext): Promise<readonly string[]> {
  const { random } = context
  const clients: RoundClient[] = []
  for (let left = 3 + random.below(5); left > 0; left--) {
    const client: RoundClient = {
      connection: await context.connect(),
      behaviour: random.pick(behaviours),
      sent: [],
      requestsLeft: 20 + random.below(140),
      xid: random.below(1000) + 1,
    }
    sendFirstBytes(context, client)
    clients.push(client)
  }
  if (random.chance(2)) await context.run(10)
  for (let busy = clients; busy.length > 0; busy = busy.filter((client) => client.requestsLeft > 0)) {
    const client = random.pick(busy)
    const burst = Math.min(client.requestsLeft, 1 + random.below(30))
    client.requestsLeft = client.connection.isClosed ? 0 : client.requestsLeft - burst
    if (!client.connection.isClosed) sendBurst(context, client, burst)
    if (random.chance(3)) await context.run(random.below(8))
  }
  await context.run(60)
  for (const { connection } of clients) {
    remember(context, connection)
    connection.checkAnswered()
    if (random.chance(3)) connection.end()
    else connection.destroy()
  }
  await context.run(20)
  return clients.map(({ behaviour, sent }) => `${behaviour}: ${hexOf(joined(...sent))}`)
}

function sendFirstBytes(context: RoundContext, client: RoundClient): void {
  const { random, counts } = context
  const { behaviour } = client
  if (behaviour === 'words') {
    counts.sent('four-letter word')
    const tail = random.chance(3) ? random.bytes(random.below(20)) : new Uint8Array(0)
    write(context, client, joined(new TextEncoder().encode(random.pick(words)), tail), 'broken')
    return
  }
  if (behaviour === 'bad handshake') {
    counts.sent('handshake, spoilt')
    const bytes = handshake(randomHandshake(context))
    const mutate = random.pick([...Object.values(framingMutations), bodyMutations['bits flipped']!])
    write(context, client, mutate(bytes, random), 'broken')
    return
  }
  counts.sent('handshake')
  const bytes = random.chance(4)
    ? handshake(randomHandshake(context))
    : handshake({ timeoutMs: 2000 + random.below(4000) })
  write(context, client, bytes, 'sound')
  write(context, client, createFrame(++client.xid, rootPath), 'sound') // another client may have deleted it
}

function randomHandshake({ random, sessions }: RoundContext): Parameters<typeof handshake>[0] {
  const known = sessions.length > 0 && random.chance(2) ? random.pick(sessions) : null
  return {
    timeoutMs: random.chance(5) ? random.int32() : 3000,
    lastZxidSeen: random.chance(6) ? BigInt(random.int32()) << 16n : 0n,
    readOnly: random.pick([true, false, null]),
    ...(known === null
      ? {
          sessionId: random.chance(3) ? BigInt(random.int32()) : 0n,
          password: random.pick([null, random.bytes(5), random.bytes(16)]),
        }
      : { sessionId: known.id, password: random.chance(4) ? random.bytes(16) : known.password }),
  }
}

function sendBurst(context: RoundContext, client: RoundClient, burst: number): void {
  const { random, values, counts } = context
  for (let left = burst; left > 0; left--) {
    const { type, body } = nextRequest(random, values)
    const payload = payloadOf(++client.xid, type, body)
    if (client.behaviour === 'breaks framing' && random.chance(20)) {
      const [kind, mutate] = random.pick(Object.entries(framingMutations))
      counts.sent(kind)
      write(context, client, mutate(frame(payload), random), 'broken')
    } else if (client.behaviour === 'spoils bodies' && random.chance(2)) {
      const [kind, mutate] = random.pick(Object.entries(bodyMutations))
      counts.sent(kind)
      write(context, client, frame(mutate(payload, random)), 'sound')
    } else {
      counts.sent('by grammar')
      write(context, client, frame(payload), 'sound')
    }
  }
}

/** In pieces of any size, often many frames in one. */
function write({ random }: RoundContext, client: RoundClient, bytes: Uint8Array, framing: 'sound' | 'broken'): void {
  const { connection, sent } = client
  const isFirst = sent.length === 0
  sent.push(bytes)
  const pieces = random.chance(10) ? random.split(bytes, 1 + random.below(20)) : [bytes]
  if (framing === 'broken') {
    for (const piece of pieces) connection.sendBroken(piece)
    return
  }
  const expected = isFirst ? [] : [expectedOf(bytes.subarray(4))]
  for (const [index, piece] of pieces.entries()) connection.send(piece, index === 0 ? expected : [])
}

function remember({ sessions, random }: RoundContext, { session }: FuzzConnection): void {
  if (session === null) return
  if (sessions.length < sessionsKept) sessions.push(session)
  else sessions[random.below(sessionsKept)] = session
}

function payloadOf(xid: number, type: number, body: Uint8Array): Uint8Array {
  const payload = new Uint8Array(8 + body.length)
  const view = new DataView(payload.buffer)
  view.setInt32(0, xid)
  view.setInt32(4, type)
  payload.set(body, 8)
  return payload
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
