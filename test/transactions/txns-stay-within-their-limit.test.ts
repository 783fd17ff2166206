import { describe, expect, it } from 'vitest'
import { aclEntryCountMax, authIdUnitsMax, ephemeralPathUnitsPerSessionMax } from '../../src/base/limits.ts'
import type { MultiOp } from '../../src/protocol/client/multi.ts'
import { encodeTxn } from '../../src/protocol/txn/txn-codec.ts'
import { pathUnitsOf } from '../../src/tree/ephemeral-index.ts'
import { closeSession, create, LeaderHarness, other, remove, self, setAcl } from '../support/leader-harness.ts'

const ephemeral = { flags: 1 } as const

describe('the ephemeral znodes of one session', () => {
  /** A leader in whose tree `self` owns ephemerals of such a size that one more path of ten units fits, and no more. */
  function leaderWithNearlyFullSession(): LeaderHarness {
    const leader = new LeaderHarness()
    const ofTree = leader.tree.ephemeralPathUnitsOf.bind(leader.tree)
    const before = ephemeralPathUnitsPerSessionMax - pathUnitsOf('/123456789')
    leader.tree.ephemeralPathUnitsOf = (session) => ofTree(session) + (session === self ? before : 0)
    return leader
  }

  it('are as many as the txn that closes the session can name, applied and in flight together', () => {
    const leader = leaderWithNearlyFullSession()
    expect(leader.errorOf(create('/12345678ten', ephemeral))).toBe('quota-exceeded')
    expect(leader.errorOf(create('/123456789', ephemeral))).toBe(null)
    expect(leader.errorOf(create('/1', ephemeral))).toBe('quota-exceeded')
    leader.apply()
    expect(leader.errorOf(create('/1', ephemeral))).toBe('quota-exceeded')
  })

  it('may be created again once others are deleted, and limit neither other sessions nor other znodes', () => {
    const leader = leaderWithNearlyFullSession()
    leader.changesOf(create('/123456789', ephemeral))
    expect(leader.errorOf(create('/a'))).toBe(null)
    expect(leader.errorOf(create('/of-another', ephemeral), { sessionId: other })).toBe(null)
    leader.apply()
    leader.changesOf(remove('/123456789'))
    leader.apply()
    expect(leader.errorOf(create('/987654321', ephemeral))).toBe(null)
  })

  it('are refused together when a multi would create too many, and none of them is created', () => {
    const leader = leaderWithNearlyFullSession()
    const parts: MultiOp[] = [create('/1234', ephemeral), create('/5678', ephemeral)]
    expect(leader.errorOf({ kind: 'multi', ops: parts })).toBe('quota-exceeded')
    expect(leader.inFlight).toEqual([])
    expect(leader.errorOf({ kind: 'multi', ops: parts.slice(1) })).toBe(null)
  })

  it('no longer count once their session is closed', () => {
    const leader = new LeaderHarness()
    leader.have(create('/e', ephemeral), create('/f', ephemeral))
    expect(leader.tree.ephemeralPathUnitsOf(self)).toBe(2 * pathUnitsOf('/e'))
    leader.have(closeSession(self))
    expect(leader.tree.ephemeralPathUnitsOf(self)).toBe(0)
  })
})

describe('an ACL that becomes longer than the request', () => {
  const longId = { scheme: 'digest', id: `${'u'.repeat(authIdUnitsMax - 100)}:hash` }
  const authAcl = [{ perms: 31, scheme: 'auth', id: '' }]

  it('makes a multi too long for the log, which is refused before it is proposed', () => {
    const leader = new LeaderHarness()
    const creates = (count: number): MultiOp[] =>
      Array.from({ length: count }, (_, i) => create(`/n${i}`, { acl: authAcl }))
    expect(leader.errorOf({ kind: 'multi', ops: creates(2000) }, { ids: [longId] })).toBe('marshalling-error')
    expect(leader.inFlight).toEqual([])
    expect(leader.errorOf({ kind: 'multi', ops: creates(20) }, { ids: [longId] })).toBe(null)
    expect(encodeTxn(leader.inFlight[0]!.txn).length).toBeGreaterThan(20 * longId.id.length)
  })

  it('has a limited number of entries', () => {
    const leader = new LeaderHarness()
    leader.have(create('/a'))
    const ids = Array.from({ length: 300 }, (_, i) => ({ scheme: 'digest', id: `u${i}:hash` }))
    const acl = (count: number) => Array.from({ length: count }, (_, perms) => ({ perms, scheme: 'auth', id: '' }))
    const fittingCount = Math.floor(aclEntryCountMax / ids.length)
    expect(leader.errorOf(setAcl('/a', acl(fittingCount + 1)), { ids })).toBe('invalid-acl')
    expect(leader.errorOf(setAcl('/a', acl(fittingCount)), { ids })).toBe(null)
  })
})
