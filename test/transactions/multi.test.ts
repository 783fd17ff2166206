import { beforeEach, describe, expect, it } from 'vitest'
import { err, ok } from '../../src/base/result.ts'
import type { MultiOp } from '../../src/protocol/client/multi.ts'
import type { CreateWrite } from '../../src/transactions/write-request.ts'
import { check, create, LeaderHarness, other, remove, self, setData } from '../support/leader-harness.ts'

let leader: LeaderHarness
beforeEach(() => {
  leader = new LeaderHarness()
  leader.have(create('/a'))
})

const multi = (...ops: readonly MultiOp[]): { kind: 'multi'; ops: readonly MultiOp[] } => ({ kind: 'multi', ops })
const sequential = (path: string): CreateWrite => create(path, { flags: 2 })

describe('a multi', () => {
  it('has one change for each of its parts, in one txn', () => {
    const changes = leader.changesOf(multi(check('/a'), create('/a/x'), setData('/a/x', 0), remove('/a/x', 1)))
    expect(changes.map(({ kind }) => kind)).toEqual(['check', 'create', 'set-data', 'delete'])
    expect(leader.inFlight).toHaveLength(1)
    expect(leader.inFlight[0]!.txn.isMulti).toBe(true)
    leader.apply()
    expect(leader.tree.view('/a/x')).toBe(null)
    expect(leader.tree.view('/a')).toMatchObject({ createCount: 1, childCount: 0 })
  })

  it('of no parts is a txn of no changes', () => {
    expect(leader.changesOf(multi())).toEqual([])
    expect(leader.inFlight[0]!.txn.isMulti).toBe(true)
  })

  it('of one part is still a multi', () => {
    leader.changesOf(multi(create('/a/x')))
    expect(leader.inFlight[0]!.txn.isMulti).toBe(true)
  })

  it('names the first part that fails and why', () => {
    expect(leader.submit(multi(create('/a/x'), create('/a'), remove('/missing'), check('/a')))).toEqual(
      ok({ kind: 'failed-multi', failedIndex: 1, error: 'node-exists' }),
    )
    expect(leader.inFlight).toEqual([])
  })

  it('that fails takes everything back, sequence numbers included', () => {
    leader.changesOf(sequential('/a/s-'))
    leader.submit(multi(sequential('/a/s-'), setData('/a'), create('/b'), remove('/missing/x')))
    expect(leader.pending.lookup('/a')).toMatchObject({ createCount: 1, childCount: 1, version: 0 })
    expect(leader.pending.lookup('/b')).toBe(null)
    expect(leader.changesOf(sequential('/a/s-'))).toMatchObject([{ path: '/a/s-0000000001' }])
  })

  it('gives its own sequential creates distinct numbers', () => {
    expect(leader.changesOf(multi(sequential('/a/s-'), sequential('/a/s-')))).toMatchObject([
      { path: '/a/s-0000000000', parentCreateCount: 1 },
      { path: '/a/s-0000000001', parentCreateCount: 2 },
    ])
  })

  it('is refused as a whole when an ACL in it cannot be read', () => {
    const unreadable = create('/a/y', { acl: [{ perms: 31, scheme: 'digest', id: null }] })
    expect(leader.submit(multi(create('/a/x'), unreadable))).toEqual(err('marshalling-error'))
    expect(leader.pending.lookup('/a/x')).toBe(null)
  })

  it('fails at its first part when the session is closing', () => {
    expect(leader.submit(multi(create('/a/x')), { sessionRefusal: 'session-expired' })).toEqual(
      ok({ kind: 'failed-multi', failedIndex: 0, error: 'session-expired' }),
    )
  })
})

describe('sessions as transactions', () => {
  it('are created for the session in the request, whichever session sent it', () => {
    leader.submit({ kind: 'create-session', sessionId: other, timeoutMs: 9000 }, { sessionId: self })
    expect(leader.inFlight[0]!.txn).toMatchObject({
      sessionId: other,
      isMulti: false,
      changes: [{ kind: 'create-session', sessionId: other, timeoutMs: 9000 }],
    })
  })

  it('close with every ephemeral of theirs, sorted, applied or in flight', () => {
    leader.have(create('/a/z', { flags: 1 }), create('/a/m', { flags: 1 }))
    leader.changesOf(create('/a/b', { flags: 1 }))
    leader.changesOf(create('/a/not-mine', { flags: 1 }), { sessionId: other })
    leader.changesOf(create('/a/persistent'))
    leader.changesOf(setData('/a/b'))
    leader.changesOf(remove('/a/m'))
    leader.changesOf(create('/a/gone', { flags: 1 }))
    leader.changesOf(remove('/a/gone'))
    expect(leader.changesOf({ kind: 'close-session', sessionId: self })).toEqual([
      { kind: 'close-session', sessionId: self, deletedPaths: ['/a/b', '/a/z'] },
    ])
  })

  it('close without a znode that another session took over while in flight', () => {
    leader.have(create('/a/lock', { flags: 1 }))
    leader.changesOf(remove('/a/lock'))
    leader.changesOf(create('/a/lock', { flags: 1 }), { sessionId: other })
    expect(leader.changesOf({ kind: 'close-session', sessionId: self })).toMatchObject([{ deletedPaths: [] }])
    expect(leader.changesOf({ kind: 'close-session', sessionId: other })).toMatchObject([{ deletedPaths: ['/a/lock'] }])
  })

  it('close even when no request of theirs is accepted any more', () => {
    const context = { sessionRefusal: 'session-expired' } as const
    expect(leader.errorOf({ kind: 'close-session', sessionId: self }, context)).toBe(null)
  })

  it('leave their parents deletable for the next request', () => {
    leader.have(create('/a/e', { flags: 1 }))
    leader.changesOf({ kind: 'close-session', sessionId: self })
    expect(leader.errorOf(create('/a/e/x'))).toBe('no-node')
    expect(leader.errorOf(remove('/a'))).toBe(null)
    leader.apply()
    expect(leader.tree.view('/a')).toBe(null)
  })
})
