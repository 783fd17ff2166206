/**
 * Random txns as a leader would decide them: ordinary changes, and changes of quotas, sessions, containers and times to
 * live.
 */
import type { ServerId, SessionId, Zxid } from '../../src/base/ids.ts'
import { limitsPathOf, usagePathOf } from '../../src/protocol/client/quota-text.ts'
import type { Change, Origin } from '../../src/protocol/txn/txn.ts'
import { containerOwner } from '../../src/tree/owner-kind.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { creation, timeMsOf } from '../support/tree-driver.ts'
import { PlainModel, parentOf } from './plain-model.ts'
import { randomChange, sessions } from './random-changes.ts'

export const quotaTops = ['', '/a', '/a/b', '/aa', '/é'] as const
const usageTexts = ['count=5,bytes=7', 'count=-1', '', 'no quota', 'count=1,bytes=2=;byteHardLimit=3'] as const
const oneMinuteToLive = (0xffn << 56n) | 60_000n

export interface HistoryTxn {
  readonly zxid: Zxid
  readonly timeMs: number
  readonly origin: Origin | null
  readonly changes: readonly Change[]
}

export function randomHistory(
  random: SeededRandom,
  txnCount: number,
  zxidOf: (index: number) => number = (index) => 0x7_0000_0001 + index,
): readonly HistoryTxn[] {
  const model = new PlainModel()
  return Array.from({ length: txnCount }, (_, index) => {
    const zxid = zxidOf(index) as Zxid
    const changes: Change[] = []
    for (let count = 1 + random.below(4); count > 0; count--) {
      const drawn = someChange(random, model)
      const change: Change = isLegal(drawn, model) ? drawn : { kind: 'check', path: '/' }
      model.apply(zxid, timeMsOf(zxid), change)
      changes.push(change)
    }
    const serverId = (index % 3) as ServerId
    const origin = index % 4 === 0 ? null : { serverId, incarnation: 1, sequence: index }
    return { zxid, timeMs: timeMsOf(zxid), origin, changes }
  })
}

function someChange(random: SeededRandom, model: PlainModel): Change {
  switch (random.below(6)) {
    case 0:
      return quotaChange(random, model)
    case 1: {
      const sessionId = random.pick(sessions)
      if (!random.chance(4)) return { kind: 'create-session', sessionId, timeoutMs: 1000 + random.below(9000) }
      return { kind: 'close-session', sessionId, deletedPaths: [...model.ephemeralsOf(sessionId), '/gone', '/a'] }
    }
    case 2: {
      const change = randomChange(random, model)
      const owner = random.pick([containerOwner, oneMinuteToLive]) as SessionId
      return change.kind === 'create' ? { ...change, ephemeralOwner: owner } : change
    }
    default:
      return randomChange(random, model)
  }
}

function quotaChange(random: SeededRandom, model: PlainModel): Change {
  const top = random.pick(quotaTops)
  const path = random.chance(2) ? limitsPathOf(top) : usagePathOf(top)
  const data = random.chance(6) ? null : new TextEncoder().encode(random.pick(usageTexts))
  const known = model.nodes.get(path)
  if (known !== undefined && random.chance(3) && model.childrenOf(path).length === 0) return { kind: 'delete', path }
  if (known !== undefined) return { kind: 'set-data', path, data, version: known.version + 1 }
  const missing = [path]
  while (!model.nodes.has(parentOf(missing[0]!))) missing.unshift(parentOf(missing[0]!))
  const parent = model.nodes.get(parentOf(missing[0]!))!
  return creation(missing[0]!, parent.childrenEverCreated + 1, { data })
}

/** A leader would refuse the children of ephemerals. */
function isLegal(change: Change, model: PlainModel): boolean {
  if (change.kind !== 'create') return true
  const owner = model.nodes.get(parentOf(change.path))!.owner
  return !sessions.includes(owner)
}
