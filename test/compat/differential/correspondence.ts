/**
 * Pairs the zxids, times and sessions of one server with those of the other.
 * Owns the claim on which every comparison of zxids rests: both have the same txns in the same order, so their zxids are
 * paired one to one and both grow. The zxid in the header of a read or a refusal is a moment between two txns: the
 * same moment of the one is always the same of the other, and an earlier one is never a later one. Where a session that moves
 * takes a zxid of ours and none of theirs, a moment of theirs is a range of ours, and the ranges do not overlap.
 */
import type { ZxidRef } from './calls.ts'

export type SideName = 'theirs' | 'ours'

interface Pair {
  readonly theirs: bigint
  readonly ours: bigint
}

interface Moment extends Pair {
  readonly oursLast: bigint
}

export class Correspondence {
  /** Moments are paired one to one too: every refusal takes a zxid on both. */
  readonly #isOneToOne: boolean
  readonly #movesTakeZxids: boolean
  /** Sorted by `theirs`; invariant: `ours` never falls. */
  readonly #moments: Moment[] = []
  /** The zxids of txns, in the order in which they became known. */
  readonly #txns: Pair[] = []
  readonly #theirsOfOurs = new Map<bigint, bigint>()
  readonly #oursOfTheirs = new Map<bigint, bigint>()
  /** Sessions of clients of earlier runs, which have no number in this run. */
  readonly #otherSessions = new Map<bigint, bigint>()
  readonly #timeOf = { theirs: new Map<bigint, bigint>(), ours: new Map<bigint, bigint>() }

  constructor({ isOneToOne, movesTakeZxids }: { isOneToOne: boolean; movesTakeZxids: boolean }) {
    this.#isOneToOne = isOneToOne
    this.#movesTakeZxids = movesTakeZxids
  }

  /** Null, or what is wrong. */
  txn(theirs: bigint, ours: bigint): string | null {
    if (isPlain(theirs) || isPlain(ours)) return theirs === ours ? null : 'only one of them is a zxid'
    const [knownOurs, knownTheirs] = [this.#oursOfTheirs.get(theirs), this.#theirsOfOurs.get(ours)]
    if (knownOurs === ours) return null
    if (knownOurs !== undefined) return `theirs was paired with ${hex(knownOurs)}`
    if (knownTheirs !== undefined) return `ours was paired with ${hex(knownTheirs)}`
    const wrong = this.#place(theirs, ours)
    if (wrong !== null) return wrong
    this.#oursOfTheirs.set(theirs, ours)
    this.#theirsOfOurs.set(ours, theirs)
    this.#txns.push({ theirs, ours })
    return null
  }

  moment(theirs: bigint, ours: bigint): string | null {
    if (isPlain(theirs) || isPlain(ours)) return theirs === ours ? null : 'only one of them is a zxid'
    return this.#place(theirs, ours)
  }

  /** The time of a txn is the same wherever it shows, and a time of this run. */
  time(side: SideName, zxid: bigint, timeMs: bigint): string | null {
    if (zxid === 0n) return timeMs === 0n ? null : `${side}: a time without a txn`
    const times = this.#timeOf[side]
    const known = times.get(zxid)
    if (known === undefined) times.set(zxid, timeMs)
    else if (known !== timeMs) return `${side}: ${hex(zxid)} had the time ${known} elsewhere`
    const now = BigInt(Date.now())
    return timeMs > now - 3_600_000n && timeMs <= now + 1_000n ? null : `${side}: not a time of this run`
  }

  /** Pairs a session that no client of this run has: one of theirs must always be the same one of ours. */
  pairOtherSessions(theirs: bigint, ours: bigint): string | null {
    if (theirs === 0n || ours === 0n) return theirs === ours ? null : 'only one of them is a session'
    const known = this.#otherSessions.get(theirs)
    this.#otherSessions.set(theirs, ours)
    return known === undefined || known === ours ? null : `theirs was paired with ${hex(known)}`
  }

  /** The zxid that a reference means on one of the servers. */
  resolve(side: SideName, ref: ZxidRef): bigint {
    if ('number' in ref) return BigInt(ref.number)
    const moment = this.#moments.at(-1 - ref.back)
    return moment?.[side] ?? 0n
  }

  #place(theirs: bigint, ours: bigint): string | null {
    let low = 0
    let high = this.#moments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#moments[middle]!.theirs < theirs) low = middle + 1
      else high = middle
    }
    const found = this.#moments[low]
    const same = found?.theirs === theirs ? found : undefined
    if (same !== undefined && same.ours <= ours && ours <= same.oursLast) return null
    if (same !== undefined && !this.#movesTakeZxids) return `theirs was paired with ${hex(same.ours)}`
    const [before, after] = [this.#moments[low - 1], same === undefined ? found : this.#moments[low + 1]]
    if (before !== undefined && before.oursLast > ours)
      return `${hex(before.theirs)} was paired with ${hex(before.oursLast)}`
    const twin = this.#isOneToOne ? [before, after].find((each) => each?.ours === ours) : undefined
    if (twin !== undefined) return `ours was paired with ${hex(twin.theirs)}`
    if (after !== undefined && after.ours < ours) return `${hex(after.theirs)} was paired with ${hex(after.ours)}`
    if (same === undefined) this.#moments.splice(low, 0, { theirs, ours, oursLast: ours })
    else this.#moments[low] = { theirs, ours: least(same.ours, ours), oursLast: greatest(same.oursLast, ours) }
    return null
  }
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function greatest(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function isPlain(zxid: bigint): boolean {
  return zxid === 0n || zxid === -1n
}

function hex(zxid: bigint): string {
  return `0x${zxid.toString(16)}`
}
