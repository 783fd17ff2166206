/**
 * Compares what the two servers sent in one step: every frame of every connection, their
 * order, and who closed. Owns: which calls the frames answer, and that a difference is either accepted by a rule, and
 * counted, or reported.
 */
import type { Call, ConnectStep, Step } from './calls.ts'
import type { Correspondence } from './correspondence.ts'
import {
  type Decoded,
  decodeConnectResponse,
  decodeEvent,
  decodeReply,
  exactValue,
  type Field,
} from './decode-frame.ts'
import { type Difference, type FieldDifference, type Rule, refusalRule } from './rules.ts'
import type { Side, SlotOutcome, StepOutcome } from './side.ts'

export interface Sides<T> {
  readonly theirs: T
  readonly ours: T
}

export interface Unexplained {
  readonly slot: number
  readonly difference: Difference
  /** All that the connection received in this step. */
  readonly frames: Sides<readonly Decoded[]>
}

export interface Comparison {
  readonly unexplained: readonly Unexplained[]
  /** Connections that only one server has closed: the caller closes the other one. */
  readonly halfClosed: readonly number[]
  /** The answer of Apache ZooKeeper to each call of the step; the generator learns from it. */
  readonly answers: readonly (Decoded | null)[]
  /** In order, of every slot. */
  readonly closed: readonly number[]
}

export class Comparer {
  readonly #pairs: Correspondence
  readonly #sides: Sides<Side>
  readonly #rules: readonly Rule[]
  readonly #uses: Map<string, number>
  /** By slot; a closed connection is overwritten when the slot is used again. */
  readonly #sessionOf = new Map<number, number>()
  readonly #superseded = new Set<number>()

  /** `uses` counts how often each rule was needed. */
  constructor(pairs: Correspondence, sides: Sides<Side>, rules: readonly Rule[], uses: Map<string, number>) {
    this.#pairs = pairs
    this.#sides = sides
    this.#rules = rules
    this.#uses = uses
  }

  compare(step: Step, outcomes: Sides<StepOutcome>): Comparison {
    if (step.kind === 'connect') this.#attach(step, outcomes.theirs.get(step.slot)?.frames[0])
    const unexplained: Unexplained[] = []
    const halfClosed: number[] = []
    const closed: number[] = []
    let answers: readonly (Decoded | null)[] = []
    // The connection that sent the calls comes first: its replies pair the zxids of the txns that it caused.
    const slots = [...outcomes.theirs.keys()].sort((a, b) => Number(b === step.slot) - Number(a === step.slot))
    for (const slot of slots) {
      const [theirs, ours] = [outcomes.theirs.get(slot), outcomes.ours.get(slot)]
      if (theirs === undefined || ours === undefined) throw new Error(`connection ${slot} is open on one side only`)
      const frames = { theirs: decodeAll(step, slot, theirs), ours: decodeAll(step, slot, ours) }
      if (slot === step.slot) answers = answersIn(step, frames.theirs)
      for (const difference of this.#compareSlot(step, slot, frames, { theirs, ours })) {
        const rule = this.#rules.find((each) => each.accepts(difference))
        if (rule === undefined) unexplained.push({ slot, difference, frames })
        else this.#count(rule.name)
      }
      if (theirs.isClosed !== ours.isClosed) halfClosed.push(slot)
      if (theirs.isClosed || ours.isClosed) closed.push(slot)
    }
    return { unexplained, halfClosed, answers, closed }
  }

  #attach({ session, gives, slot }: ConnectStep, response: Buffer | undefined): void {
    if (response === undefined || exactValue(decodeConnectResponse(response), 'timeoutMs') === '0') return
    const number = session === 'new' ? gives : session
    for (const [other, its] of this.#sessionOf) if (its === number) this.#superseded.add(other)
    this.#sessionOf.set(slot, number)
    this.#superseded.delete(slot)
  }

  #compareSlot(step: Step, slot: number, frames: Sides<readonly Decoded[]>, ends: Sides<SlotOutcome>): Difference[] {
    const differences: Difference[] = []
    const calls = slot === step.slot && 'calls' in step ? step.calls : []
    const hasUnorderedEvents = 'calls' in step && step.calls.some(({ operation }) => operation.op === 'closeSession')
    const order = hasUnorderedEvents ? withEventsSorted : unchanged
    const [theirs, ours] = [order(frames.theirs), order(frames.ours)]
    const isSuperseded = this.#superseded.has(slot)
    let replyCount = step.kind === 'connect' && slot === step.slot ? -1 : 0
    for (let index = 0; index < Math.max(theirs.length, ours.length); index += 1) {
      const [their, our] = [theirs[index] ?? null, ours[index] ?? null]
      const call = their?.kind === 'event' ? null : (calls[replyCount] ?? null)
      if (their?.kind !== 'event') replyCount += 1
      const fields = their !== null && our?.kind === their.kind ? this.#compareFields(call, their, our) : null
      if (fields === null || fields.length > 0)
        differences.push({ kind: 'frame', call, theirs: their, ours: our, fields: fields ?? [], isSuperseded })
    }
    const call = calls.at(-1) ?? null
    if (ends.theirs.isSilent !== ends.ours.isSilent)
      differences.push({ kind: 'silence', call, silent: ends.theirs.isSilent ? 'theirs' : 'ours' })
    if (ends.theirs.isClosed !== ends.ours.isClosed)
      differences.push({ kind: 'closing', call, closedBy: ends.theirs.isClosed ? 'theirs' : 'ours', isSuperseded })
    return differences
  }

  #compareFields(call: Call | null, theirs: Decoded, ours: Decoded): readonly FieldDifference[] {
    const differences: FieldDifference[] = []
    // Txns first: a moment is only placed between txns that are known to correspond.
    for (const isTxn of [true, false]) {
      for (let index = 0; index < Math.max(theirs.fields.length, ours.fields.length); index += 1) {
        const [their, our] = [theirs.fields[index] ?? null, ours.fields[index] ?? null]
        if ((their?.kind === 'zxid') !== isTxn) continue
        const wrong = their === null || our === null ? 'only one has it' : this.#wrongIn(their, our)
        if (wrong !== null) differences.push({ theirs: their, ours: our, wrong })
        else if (their?.name === 'zxid' && our !== null) this.#noteRefusal(call, theirs)
      }
    }
    return differences
  }

  #wrongIn(theirs: Field, ours: Field): string | null {
    if (theirs.name !== ours.name || theirs.kind !== ours.kind) return 'not the same kind of answer'
    if (theirs.kind === 'exact' && ours.kind === 'exact') return theirs.value === ours.value ? null : 'different'
    if (theirs.kind === 'zxid' && ours.kind === 'zxid') return this.#pairs.txn(theirs.value, ours.value)
    if (theirs.kind === 'moment' && ours.kind === 'moment') return this.#pairs.moment(theirs.value, ours.value)
    if (theirs.kind === 'time' && ours.kind === 'time')
      return this.#pairs.time('theirs', theirs.zxid, theirs.value) ?? this.#pairs.time('ours', ours.zxid, ours.value)
    if (theirs.kind === 'session' && ours.kind === 'session') return this.#wrongSession(theirs.value, ours.value)
    if ('values' in theirs && 'values' in ours)
      return theirs.values.join('\n') === ours.values.join('\n') ? null : 'different'
    return 'not the same kind of answer'
  }

  #wrongSession(theirs: bigint, ours: bigint): string | null {
    const [their, our] = [this.#sides.theirs.numberOf(theirs), this.#sides.ours.numberOf(ours)]
    if (their === undefined && our === undefined) return this.#pairs.pairOtherSessions(theirs, ours)
    return their === our ? null : `theirs is session ${their ?? '(unknown)'}, ours ${our ?? '(unknown)'}`
  }

  #noteRefusal(call: Call | null, reply: Decoded): void {
    if (
      call !== null &&
      refusable.has(call.operation.op) &&
      exactValue(reply, 'err') !== '0' &&
      this.#rules.some(({ name }) => name === refusalRule)
    )
      this.#count(refusalRule)
  }

  #count(name: string): void {
    this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1)
  }
}

const refusable: ReadonlySet<string> = new Set(['create', 'create2', 'delete', 'setData', 'setACL', 'multi'])

function decodeAll(step: Step, slot: number, { frames }: SlotOutcome): readonly Decoded[] {
  const calls = slot === step.slot && 'calls' in step ? step.calls : []
  let replyCount = 0
  return frames.map((frame, index) => {
    if (step.kind === 'connect' && slot === step.slot && index === 0) return decodeConnectResponse(frame)
    if (frame.length >= 16 && frame.readInt32BE(0) === -1) return decodeEvent(frame)
    const call = calls[replyCount]
    replyCount += 1
    return decodeReply(frame, call?.operation ?? { op: 'unknown', type: 0, body: '' })
  })
}

/** By call; null for a call that was not answered. */
function answersIn(step: Step, frames: readonly Decoded[]): readonly (Decoded | null)[] {
  if (!('calls' in step)) return []
  const replies = frames.filter(({ kind }) => kind === 'reply')
  return step.calls.map((_, index) => replies[index] ?? null)
}

function unchanged(frames: readonly Decoded[]): readonly Decoded[] {
  return frames
}

/** The events of one txn, next to each other, sorted: those of the znodes that end with a session have no order. */
function withEventsSorted(frames: readonly Decoded[]): readonly Decoded[] {
  const groups: Decoded[][] = []
  for (const frame of frames) {
    const last = groups.at(-1)
    if (last !== undefined && isSameTxn(last[0]!, frame)) last.push(frame)
    else groups.push([frame])
  }
  const key = (frame: Decoded): string => `${exactValue(frame, 'path')} ${exactValue(frame, 'type')}`
  return groups.flatMap((group) => group.sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)))))
}

function isSameTxn(a: Decoded, b: Decoded): boolean {
  if (a.kind !== 'event' || b.kind !== 'event') return false
  const [zxidA, zxidB] = [a.fields[1], b.fields[1]]
  return zxidA?.kind === 'zxid' && zxidB?.kind === 'zxid' && zxidA.value === zxidB.value
}
