/**
 * One client of the chaos run: writes its own values, increments shared counters and reads them, on any server that answers.
 * It sends every write once and never repeats it; without an answer the outcome is unknown.
 * It re-attaches its session with the last zxid that it saw, so a later read must not return an older state.
 */
import { bodies, connectRaw, opcodes, type RawReply, type RawSession, readStat } from '../raw-client.ts'
import type { CounterWrite, Outcome, ValueWrite } from './checker.ts'
import { type SeededRandom, seededRandom } from './random.ts'

export const chaosPaths = {
  root: '/chaos',
  values: '/chaos/values',
  sequential: '/chaos/sequential',
  counters: '/chaos/counters',
  live: '/chaos/live',
}
export const counterCount = 4

const answerTimeoutMs = 4000
const sessionTimeoutMs = 6000
const pauseMsMax = 40 // so that all data of a ten minute run can be read at the end
const pipelineDepth = 4 // writes in flight at once, so that a crash interrupts some

export interface Recorder {
  readonly values: ValueWrite[]
  readonly counters: CounterWrite[]
  readonly staleReads: string[]
  lastAckAtMs: number
  longestSilenceMs: number
}

export function newRecorder(): Recorder {
  return { values: [], counters: [], staleReads: [], lastAckAtMs: Date.now(), longestSilenceMs: 0 }
}

export interface ClientOptions {
  readonly name: string
  readonly ports: readonly number[]
  readonly random: SeededRandom
  readonly recorder: Recorder
  readonly isOver: () => boolean
}

/** Each client has a name and random choices of its own. Resolves when all have ended. */
export async function runClients(
  count: number,
  { seed, ...shared }: Omit<ClientOptions, 'name' | 'random'> & { readonly seed: number },
): Promise<void> {
  const clients = Array.from({ length: count }, (_, index) =>
    runClient({ ...shared, name: `c${index}`, random: seededRandom(seed * 1000 + index) }),
  )
  await Promise.all(clients)
}

/** Runs until `isOver`. Then closes its last session, so that its ephemerals must be deleted. */
async function runClient(options: ClientOptions): Promise<void> {
  let previous: RawSession | undefined
  let lastZxidSeen = 0n
  let valueCount = 0
  const versionsSeen = new Map<string, number>()
  while (!options.isOver()) {
    const session = await attach(options, previous, lastZxidSeen)
    if (session === undefined) {
      previous = undefined // the server refused the session; the next attempt opens a new one
      await pauseMs(50)
      continue
    }
    if (session.sessionId !== previous?.sessionId) {
      const path = `${chaosPaths.live}/${options.name}-${session.sessionId}`
      await answered(session, opcodes.create, bodies.create(path, null, 1)).catch(() => undefined)
    }
    previous = session
    try {
      while (!options.isOver()) {
        const steps = Array.from({ length: options.random.between(1, pipelineDepth) }, (_, index) =>
          oneStep(options, session, `${options.name}-${valueCount + index}`, versionsSeen),
        )
        valueCount += steps.length
        const results = await Promise.allSettled(steps)
        for (const result of results) {
          if (result.status === 'rejected') throw result.reason
          if (result.value > lastZxidSeen) lastZxidSeen = result.value
        }
        await pauseMs(options.random.between(0, pauseMsMax))
      }
      await answered(session, opcodes.closeSession, Buffer.alloc(0))
    } catch {
      session.drop() // writes in flight are already recorded as unknown
      if (options.random.below(4) === 0) previous = undefined // sometimes as if the process had died: its session expires
    }
  }
}

async function attach(
  options: ClientOptions,
  previous: RawSession | undefined,
  lastZxidSeen: bigint,
): Promise<RawSession | undefined> {
  const port = options.ports[options.random.below(options.ports.length)]!
  const resumed = previous === undefined ? {} : { sessionId: previous.sessionId, password: previous.password }
  try {
    const session = await withTimeout(connectRaw({ port, timeoutMs: sessionTimeoutMs, lastZxidSeen, ...resumed }))
    if (session.negotiatedTimeoutMs > 0) return session
    session.drop()
    return undefined
  } catch {
    await pauseMs(50)
    return options.isOver() ? undefined : attach(options, previous, lastZxidSeen)
  }
}

/** Returns the zxid of the answer. Rejects if no answer arrives. */
async function oneStep(
  options: ClientOptions,
  session: RawSession,
  value: string,
  versionsSeen: Map<string, number>,
): Promise<bigint> {
  const { random, recorder } = options
  const counter = `${chaosPaths.counters}/${random.below(counterCount)}`
  switch (random.below(4)) {
    case 0:
      return writeValue(recorder, session, `${chaosPaths.values}/${value}`, value, 0)
    case 1:
      return writeValue(recorder, session, `${chaosPaths.sequential}/n-`, value, 2)
    case 2:
      return raiseCounter(recorder, session, counter, value, versionsSeen)
    default:
      return readCounter(recorder, session, counter, versionsSeen)
  }
}

async function writeValue(
  recorder: Recorder,
  session: RawSession,
  path: string,
  value: string,
  flags: number,
): Promise<bigint> {
  const record = (outcome: Outcome, finalPath: string): void =>
    void recorder.values.push({ value, outcome, path: finalPath })
  const reply = await answered(session, opcodes.create, bodies.create(path, Buffer.from(value), flags)).catch(
    (error: unknown) => {
      record('unknown', path)
      throw error
    },
  )
  if (reply.err === 0) {
    noteAck(recorder)
    record('acknowledged', reply.body.ustring() ?? path)
  } else {
    record('refused', path)
  }
  return reply.zxid
}

async function raiseCounter(
  recorder: Recorder,
  session: RawSession,
  counter: string,
  value: string,
  versionsSeen: Map<string, number>,
): Promise<bigint> {
  const reply = await answered(session, opcodes.setData, bodies.setData(counter, Buffer.from(value), -1)).catch(
    (error: unknown) => {
      recorder.counters.push({ counter, outcome: 'unknown', version: -1 })
      throw error
    },
  )
  if (reply.err === 0) {
    noteAck(recorder)
    const { version } = readStat(reply.body)
    recorder.counters.push({ counter, outcome: 'acknowledged', version })
    versionsSeen.set(counter, Math.max(version, versionsSeen.get(counter) ?? 0))
  } else {
    recorder.counters.push({ counter, outcome: 'refused', version: -1 })
  }
  return reply.zxid
}

async function readCounter(
  recorder: Recorder,
  session: RawSession,
  counter: string,
  versionsSeen: Map<string, number>,
): Promise<bigint> {
  const bound = versionsSeen.get(counter) ?? 0
  const reply = await answered(session, opcodes.exists, bodies.pathAndWatch(counter, false))
  if (reply.err === 0) {
    const { version } = readStat(reply.body)
    if (version < bound) recorder.staleReads.push(`${counter}: version ${version} after ${bound}`)
    versionsSeen.set(counter, Math.max(version, versionsSeen.get(counter) ?? 0))
  }
  return reply.zxid
}

function noteAck(recorder: Recorder): void {
  const nowMs = Date.now()
  recorder.longestSilenceMs = Math.max(recorder.longestSilenceMs, nowMs - recorder.lastAckAtMs)
  recorder.lastAckAtMs = nowMs
}

export function answered(session: RawSession, opcode: number, body: Buffer): Promise<RawReply> {
  return withTimeout(session.request(1, opcode, body))
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), answerTimeoutMs)
  })
  work.catch(() => undefined) // may still reject after the timeout
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

export function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
