/**
 * The sequence of a seed, one step at a time. Each step depends on the answers so far.
 * Owns: which clients are connected, and that a step has only one outcome. A request that ends its connection comes last
 * in its step, since requests after it may or may not be read. Authentication comes first, since its answer may overtake others.
 */
import type { SeededRandom } from '../../support/seeded-random.ts'
import { type Call, type ConnectStep, frameSizeBytesMax, type Operation, type Step, top } from './calls.ts'
import { type Decoded, exactValue } from './decode-frame.ts'
import { KnownTree } from './known-tree.ts'
import type { Profile } from './profiles.ts'
import { newPath, openAcl, randomMoment } from './random-arguments.ts'
import { randomAuth, randomOperation, randomReconfig } from './random-operation.ts'
import { randomQuotaOperation } from './random-quota.ts'
import { isForSingleServersOnly } from './single-server-only.ts'

const slotCount = 4
const nodeCountMax = 250

interface Connected {
  readonly session: number
  /** A connection to another server has taken over the session. The first write on this connection closes it. */
  isSuperseded: boolean
}

export class Generator {
  readonly #random: SeededRandom
  readonly #profile: Profile
  readonly #actualTop: string
  readonly #known = new KnownTree()
  readonly #slots = new Map<number, Connected>()
  /** Without a connection, or with one: all that were made and not closed. */
  readonly #sessions = new Set<number>()
  #sessionCount = 0
  #nextXid = 1
  #isTopMade = false

  constructor(random: SeededRandom, profile: Profile, actualTop: string) {
    this.#random = random
    this.#profile = profile
    this.#actualTop = actualTop
  }

  next(): Step {
    const random = this.#random
    if (this.#slots.size < 2) return this.#connect()
    if (!this.#isTopMade) return this.#makeTop()
    const dice = random.below(100)
    if (dice < 3) return this.#connect()
    const slot = random.pick([...this.#slots.keys()].sort())
    if (dice < 4) return { kind: 'drop', slot }
    if (dice < 5 && random.chance(3)) return this.#badBytes(slot)
    const calls = this.#calls()
    // Requests after the first write may or may not be answered.
    return { kind: 'requests', slot, calls: this.#slots.get(slot)?.isSuperseded === true ? calls.slice(0, 1) : calls }
  }

  /** The outcome of the step; `closed` are the connections that it closed. */
  learn(step: Step, answers: readonly (Decoded | null)[], closed: readonly number[], connected: boolean): void {
    if (step.kind === 'connect' && connected) {
      const session = step.session === 'new' ? step.gives : step.session
      for (const other of this.#slots.values()) if (other.session === session) other.isSuperseded = true
      this.#slots.set(step.slot, { session, isSuperseded: false })
      this.#sessions.add(session)
    }
    if ('calls' in step) {
      const session = this.#slots.get(step.slot)?.session
      for (const [index, { operation }] of step.calls.entries()) {
        const answer = answers[index] ?? null
        this.#known.learn(operation, answer, session, this.#actualTop)
        if (operation.op === 'closeSession' && session !== undefined && answer !== null) {
          this.#known.sessionEnded(session)
          this.#sessions.delete(session)
        }
      }
    }
    if (this.#known.has(top)) this.#isTopMade = true
    for (const slot of closed) this.#slots.delete(slot)
    if (step.kind === 'drop') this.#slots.delete(step.slot)
  }

  #makeTop(): Step {
    const slot = this.#random.pick([...this.#slots.keys()].sort())
    const operation: Operation = { op: 'create', path: top, data: 'top', acl: openAcl, flags: 0 }
    return { kind: 'requests', slot, calls: [this.#call(operation)] }
  }

  #connect(): Step {
    const random = this.#random
    const free = Array.from({ length: slotCount }, (_, slot) => slot).find((slot) => !this.#slots.has(slot))
    if (free === undefined) return { kind: 'drop', slot: random.pick([...this.#slots.keys()].sort()) }
    const sessions = [...this.#sessions]
    const session = sessions.length > 0 && random.chance(2) ? random.pick(sessions) : 'new'
    this.#sessionCount += 1
    const isUsual = !random.chance(4)
    return {
      kind: 'connect',
      slot: free,
      server: random.below(this.#profile.serverCount),
      session,
      gives: this.#sessionCount,
      password: isUsual ? 'right' : random.pick(['right', 'wrong', 'empty', 'null', 'short'] as const),
      timeoutMs: isUsual ? 500_000 : random.pick([0, -1, 1, 500_000, 2 ** 31 - 1, -(2 ** 31), 800_001]),
      readOnly: isUsual ? 'no' : random.pick(['no', 'yes', 'absent'] as ConnectStep['readOnly'][]),
      lastZxid: random.chance(15) ? randomMoment(random) : { back: random.below(5) },
      // A call that makes ZooKeeper close the connection without an answer would close it before the connect response.
      calls: random.chance(3) ? this.#calls().filter((call) => !mayCloseInSilence(call)) : [],
    }
  }

  #calls(): readonly Call[] {
    const random = this.#random
    // Refused before it is queued, so its answer may overtake others.
    if (random.chance(80)) return [this.#call(this.#unservedOperation())]
    const count = this.#profile.asks.quotas ? 1 : random.pick([1, 1, 1, 1, 2, 2, 3, 4, 6, 9, 16])
    const calls: Call[] = []
    if (random.chance(300) && !this.#profile.asks.quotas) return [this.#frameAtTheLimit()]
    if (random.chance(400))
      return [{ ...this.#call({ op: 'auth', ...randomAuth(random) }), cutBytes: 1 + random.below(6) }]
    if (random.chance(25)) {
      const auth = randomAuth(random)
      calls.push(this.#call({ op: 'auth', ...auth }))
      // Probably refused, and then the connection ends.
      if (auth.scheme !== 'digest' && auth.scheme !== 'ip') return calls
      if (auth.auth === null) return calls
    }
    for (let index = 0; index < count; index += 1) {
      const operation =
        this.#profile.asks.quotas && random.chance(4)
          ? randomQuotaOperation(random, this.#known)
          : this.#known.size > nodeCountMax && random.chance(2)
            ? ({ op: 'delete', path: this.#known.leaf(random), version: -1 } as const)
            : randomOperation(random, this.#known)
      const call = this.#damaged(this.#call(operation))
      if (this.#profile.serverCount > 1 && isForSingleServersOnly(call)) continue
      // ZooKeeper leaves out blank names when it looks for the quota of a path, and finds the quota of another path.
      if (this.#profile.asks.quotas && JSON.stringify(operation).includes('/ ')) continue
      calls.push(call)
      // ZooKeeper checks writes that are queued after a setACL against the old list until the setACL is applied.
      if (operation.op === 'setACL') break
      // A multi that fails on such a null is not rolled back before ZooKeeper checks the writes queued after it.
      if (operation.op === 'multi' && /"(id|scheme)":null/.test(JSON.stringify(operation))) break
      // Until it is applied, ZooKeeper treats a container that was made with ephemeral flags as an ephemeral.
      if (operation.op === 'createContainer' && (operation.flags & 1) === 1) break
    }
    const hasContainer = calls.some(({ operation }) => JSON.stringify(operation).includes('"createContainer"'))
    if (!hasContainer && random.chance(60)) calls.push(this.#call(this.#lastOperation()))
    return calls.length > 0 ? calls : [this.#call({ op: 'whoAmI' })]
  }

  /**
   * The largest frame that is allowed, or one that is a byte longer: the connection closes. Not with quotas: a write under
   * limits that cannot be parsed fails, and ZooKeeper then logs the whole request in hexadecimal, which takes seconds.
   */
  #frameAtTheLimit(): Call {
    const random = this.#random
    const path = this.#known.any(random)
    const overheadBytes = 8 + 4 + Buffer.byteLength(path) + 4 + 4
    const count = frameSizeBytesMax - overheadBytes + random.pick([-1, 0, 0, 1])
    return this.#call({ op: 'setData', path, data: { repeat: 'z', count }, version: -1 })
  }

  #call(operation: Operation): Call {
    const random = this.#random
    if (random.chance(60)) return { xid: random.pick([0, -2, -4, -8, -100, 1, 2 ** 31 - 1, -(2 ** 31)]), operation }
    return { xid: this.#nextXid++, operation }
  }

  #damaged(call: Call): Call {
    const random = this.#random
    if (!random.chance(40)) return call
    return random.chance(2) ? { ...call, cutBytes: 1 + random.below(12) } : { ...call, trailing: 'deadbeef00' }
  }

  #unservedOperation(): Operation {
    const random = this.#random
    if (random.chance(3)) return { op: 'check', path: this.#known.any(random), version: -1 }
    return { op: 'unknown', type: random.pick([0, -1, 10, 23, 99, 108, 499, 2 ** 31 - 1]), body: '' }
  }

  /** One after which the connection may be closed. */
  #lastOperation(): Operation {
    const random = this.#random
    const { asks } = this.#profile
    const dice = asks.internal ? random.below(8) : 3 + random.below(5)
    if (dice < 2) return { op: 'deleteContainer', path: `${newPath(random, this.#known)}/missing` }
    if (dice === 2) return { op: 'createSession', timeoutMs: 500_000 }
    if (dice > 4 && asks.reconfig) return randomReconfig(random)
    if (dice === 4 && asks.sasl) return { op: 'sasl', token: '' }
    return { op: 'closeSession' }
  }

  #badBytes(slot: number): Step {
    const hex = this.#random.pick([
      'ffffffff',
      '80000000',
      '00000000',
      '0000000400000001',
      '10000001',
      '7fffffff',
      '72756f6b',
    ])
    return { kind: 'bytes', slot, hex }
  }
}

/** Whether a connect step ended with a session. */
export function isConnected(decoded: Decoded | undefined): boolean {
  return decoded?.kind === 'connect-response' && exactValue(decoded, 'timeoutMs') !== '0'
}

function mayCloseInSilence({ operation, cutBytes }: Call): boolean {
  if (operation.op === 'auth' && cutBytes !== undefined) return true
  const data = 'data' in operation ? operation.data : null
  return data !== null && typeof data === 'object' && data.count > frameSizeBytesMax / 2
}
