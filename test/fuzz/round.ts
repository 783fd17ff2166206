/**
 * One round: a handful of strangers connect, each in a mood, and send in turns, pieces of any size. At its end all
 * of them are gone, some in the middle of a frame.
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

export interface RoundWorld {
  readonly random: SeededRandom
  readonly values: Values
  readonly counts: FuzzCounts
  /** Sessions that were had, some of them still alive: for those who come back. */
  readonly sessions: SessionHandle[]
  connect(): Promise<FuzzConnection>
  run(ms: number): Promise<void>
}

type Mood = 'clean' | 'spoils bodies' | 'breaks framing' | 'bad handshake' | 'words'
const moods: readonly Mood[] = [
  'clean',
  'clean',
  'clean',
  'clean',
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

interface Stranger {
  readonly connection: FuzzConnection
  readonly mood: Mood
  readonly sent: Uint8Array[]
  requestsLeft: number
  xid: number
}

/** What each stranger sent, as hex. */
export async function playRound(world: RoundWorld): Promise<readonly string[]> {
  const { random } = world
  const strangers: Stranger[] = []
  for (let left = 3 + random.below(5); left > 0; left--) {
    const stranger: Stranger = {
      connection: await world.connect(),
      mood: random.pick(moods),
      sent: [],
      requestsLeft: 20 + random.below(140),
      xid: random.below(1000) + 1,
    }
    greet(world, stranger)
    strangers.push(stranger)
  }
  if (random.chance(2)) await world.run(10)
  for (let busy = strangers; busy.length > 0; busy = busy.filter((stranger) => stranger.requestsLeft > 0)) {
    const stranger = random.pick(busy)
    const burst = Math.min(stranger.requestsLeft, 1 + random.below(30))
    stranger.requestsLeft = stranger.connection.isClosed ? 0 : stranger.requestsLeft - burst
    if (!stranger.connection.isClosed) sendBurst(world, stranger, burst)
    if (random.chance(3)) await world.run(random.below(8))
  }
  await world.run(60)
  for (const { connection } of strangers) {
    remember(world, connection)
    connection.checkAnswered()
    if (random.chance(3)) connection.end()
    else connection.destroy()
  }
  await world.run(20)
  return strangers.map(({ mood, sent }) => `${mood}: ${hexOf(joined(...sent))}`)
}

function greet(world: RoundWorld, stranger: Stranger): void {
  const { random, counts } = world
  const { mood } = stranger
  if (mood === 'words') {
    counts.sent('four-letter word')
    const tail = random.chance(3) ? random.bytes(random.below(20)) : new Uint8Array(0)
    write(world, stranger, joined(new TextEncoder().encode(random.pick(words)), tail), 'broken')
    return
  }
  if (mood === 'bad handshake') {
    counts.sent('handshake, spoilt')
    const bytes = handshake(randomHandshake(world))
    const mutate = random.pick([...Object.values(framingMutations), bodyMutations['bits flipped']!])
    write(world, stranger, mutate(bytes, random), 'broken')
    return
  }
  counts.sent('handshake')
  const bytes = random.chance(4)
    ? handshake(randomHandshake(world))
    : handshake({ timeoutMs: 2000 + random.below(4000) })
  write(world, stranger, bytes, 'sound')
  write(world, stranger, createFrame(++stranger.xid, rootPath), 'sound') // another stranger may have deleted it
}

function randomHandshake({ random, sessions }: RoundWorld): Parameters<typeof handshake>[0] {
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

function sendBurst(world: RoundWorld, stranger: Stranger, burst: number): void {
  const { random, values, counts } = world
  for (let left = burst; left > 0; left--) {
    const { type, body } = nextRequest(random, values)
    const payload = payloadOf(++stranger.xid, type, body)
    if (stranger.mood === 'breaks framing' && random.chance(20)) {
      const [kind, mutate] = random.pick(Object.entries(framingMutations))
      counts.sent(kind)
      write(world, stranger, mutate(frame(payload), random), 'broken')
    } else if (stranger.mood === 'spoils bodies' && random.chance(2)) {
      const [kind, mutate] = random.pick(Object.entries(bodyMutations))
      counts.sent(kind)
      write(world, stranger, frame(mutate(payload, random)), 'sound')
    } else {
      counts.sent('by grammar')
      write(world, stranger, frame(payload), 'sound')
    }
  }
}

/** In pieces of any size, often many frames in one. */
function write({ random }: RoundWorld, stranger: Stranger, bytes: Uint8Array, framing: 'sound' | 'broken'): void {
  const { connection, sent } = stranger
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

function remember({ sessions, random }: RoundWorld, { session }: FuzzConnection): void {
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
