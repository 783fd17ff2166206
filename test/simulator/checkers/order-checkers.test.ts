import { describe, expect, test } from 'vitest'
import type { Epoch, ServerId } from '../../../src/base/ids.ts'
import { type Zxid, zeroZxid } from '../../../src/base/ids.ts'
import type { SimEvent } from '../sim-event.ts'
import { committedPrefix } from './committed-prefix.ts'
import { durability } from './durability.ts'
import { answered, applied, asked, attached, create, created, judge, server, started, z } from './hand-made-trace.ts'
import { oneLeaderPerEpoch } from './one-leader-per-epoch.ts'
import { quorumDurable } from './quorum-durable.ts'
import { sameDigest } from './same-digest.ts'
import { zxidOrder } from './zxid-order.ts'

const a = [created('/a', '1', 1)]
const b = [created('/b', '2', 2)]
const c = [created('/c', '3', 3)]

describe('committed-prefix', () => {
  const check = (events: Parameters<typeof judge>[1]): readonly string[] =>
    judge(({ history, report }) => committedPrefix(history, report), events)

  test('servers that apply prefixes of one history pass', () => {
    const restarted = [started(2), applied(2, z(2), b), applied(2, z(3), c)]
    expect(
      check([applied(1, z(1), a), applied(2, z(1), a), applied(1, z(2), b), applied(1, z(3), c), ...restarted]),
    ).toEqual([])
  })

  test('a server that applies another txn at a known zxid is caught', () => {
    expect(check([applied(1, z(1), a), applied(2, z(1), b)])).toHaveLength(1)
  })

  test('a server that leaves out a txn is caught', () => {
    expect(
      check([applied(1, z(1), a), applied(1, z(2), b), applied(1, z(3), c), applied(2, z(1), a), applied(2, z(3), c)]),
    ).toHaveLength(1)
  })

  test('a server that applies a txn that the others skipped is caught', () => {
    expect(check([applied(1, z(1), a), applied(1, z(1, 2), c), applied(2, z(1), a), applied(2, z(2), b)])).toHaveLength(
      1,
    )
  })
})

describe('a copy of the state that is installed', () => {
  const whole = [applied(1, z(1), a), applied(1, z(2), b), applied(1, z(3), c)]
  const installed = (zxid: Zxid, digest = 'x'): SimEvent => server(2, { kind: 'installed', zxid, digest })
  const prefixOf = (events: readonly SimEvent[]): readonly string[] =>
    judge(({ history, report }) => committedPrefix(history, report), events)
  const orderOf = (events: readonly SimEvent[]): readonly string[] => judge(({ report }) => zxidOrder(report), events)

  test('the txns after it follow, and one that is left out is caught', () => {
    expect(prefixOf([...whole, installed(z(2)), applied(2, z(3), c)])).toEqual([])
    expect(prefixOf([...whole, installed(z(1)), applied(2, z(3), c)])).toHaveLength(1)
    expect(orderOf([installed(z(1)), applied(2, z(3), c)])).toHaveLength(1)
  })

  test('a copy of what no server applied is caught, and so is one that goes back', () => {
    expect(prefixOf([...whole, installed(z(4))])).toHaveLength(1)
    expect(orderOf([applied(2, z(1), a), applied(2, z(2), b), installed(z(1))])).toHaveLength(1)
  })

  test('after a copy was given up the history begins again', () => {
    const events = [...whole, installed(z(2)), installed(zeroZxid), applied(2, z(1), a)]
    expect(prefixOf(events)).toEqual([])
    expect(orderOf(events)).toEqual([])
    expect(prefixOf([...whole, installed(z(2)), installed(zeroZxid), applied(2, z(3), c)])).toHaveLength(1)
  })

  test('a copy with another digest is caught', () => {
    const events = [applied(1, z(1), a, { digest: 'x' }), installed(z(1), 'y')]
    expect(judge(({ report }) => sameDigest(report), events)).toHaveLength(1)
  })
})

describe('same-digest', () => {
  test('two digests at one zxid are caught and one is not', () => {
    const check = (digest: string): readonly string[] =>
      judge(({ report }) => sameDigest(report), [applied(1, z(1), a, { digest: 'x' }), applied(2, z(1), a, { digest })])
    expect(check('x')).toEqual([])
    expect(check('y')).toHaveLength(1)
  })

  test('a server that reports a difference to its leader is caught', () => {
    const check = (text: string): readonly string[] =>
      judge(({ report }) => sameDigest(report), [{ kind: 'server-log', serverId: 1 as ServerId, text }])
    expect(check('error tree-digest-differs {}')).toHaveLength(1)
    expect(check('error disk-full {}')).toEqual([])
  })
})

describe('zxid-order', () => {
  const check = (events: Parameters<typeof judge>[1]): readonly string[] =>
    judge(({ report }) => zxidOrder(report), events)

  test('contiguous zxids and a new epoch from its first counter pass', () => {
    expect(check([applied(1, z(1), a), applied(1, z(2), b), applied(1, z(1, 3), c)])).toEqual([])
  })

  test('a repeated zxid is caught', () => {
    expect(check([applied(1, z(1), a), applied(1, z(1), a)])).toHaveLength(1)
  })

  test('a hole inside an epoch is caught', () => {
    expect(check([applied(1, z(1), a), applied(1, z(3), c)])).toHaveLength(1)
  })

  test('an older epoch after a newer one is caught', () => {
    expect(check([applied(1, z(1, 2), a), applied(1, z(2, 1), b)])).toHaveLength(1)
  })

  test('applying above the commit index is caught', () => {
    expect(
      check([server(1, { kind: 'committed', zxid: z(1) }), applied(1, z(1), a), applied(1, z(2), b)]),
    ).toHaveLength(1)
  })

  test('a commit index that falls is caught', () => {
    expect(
      check([server(1, { kind: 'committed', zxid: z(2) }), server(1, { kind: 'committed', zxid: z(1) })]),
    ).toHaveLength(1)
  })
})

describe('quorum-durable', () => {
  const check = (events: Parameters<typeof judge>[1]): readonly string[] =>
    judge(({ report }) => quorumDurable(3, report), events)
  const durable = (id: number) => server(id, { kind: 'durable', zxid: z(1) })

  test('a commit that two of three servers hold durably passes', () => {
    expect(check([durable(1), durable(3), server(1, { kind: 'committed', zxid: z(1) })])).toEqual([])
  })

  test('a commit that one of three servers holds durably is caught', () => {
    expect(check([durable(1), server(1, { kind: 'committed', zxid: z(1) })])).toHaveLength(1)
  })

  test('a server whose disk was wiped counts with what it had until it is in step again', () => {
    const wiped = [durable(1), durable(3), { kind: 'disk-wiped', serverId: 3 as never } as const]
    const restarted = server(3, { kind: 'durable', zxid: z(0) })
    expect(check([...wiped, restarted, applied(1, z(1), a)])).toEqual([])
    const inStep = server(3, { kind: 'role-changed', role: 'following', epoch: 1 as never })
    expect(check([...wiped, restarted, inStep, applied(1, z(1), a)])).toHaveLength(1)
  })

  test('a server whose durable zxid fell below the commit does not count', () => {
    const fallen = server(3, { kind: 'durable', zxid: z(0) })
    expect(check([durable(1), durable(3), fallen, applied(1, z(1), a)])).toHaveLength(1)
  })
})

describe('one-leader-per-epoch', () => {
  const established = (id: number, epoch: number) => server(id, { kind: 'established', epoch: epoch as Epoch })
  const check = (events: Parameters<typeof judge>[1]): readonly string[] =>
    judge(({ report }) => oneLeaderPerEpoch(report), events)

  test('rising epochs with a leader each pass', () => {
    expect(check([established(1, 1), established(2, 2), established(1, 5)])).toEqual([])
  })

  test('two leaders of one epoch are caught', () => {
    expect(check([established(1, 1), established(2, 1)])).toHaveLength(1)
  })

  test('a leader that learns late that it was accepted passes', () => {
    expect(check([established(1, 4), established(2, 3)])).toEqual([])
  })

  test('one server that establishes an epoch twice is caught', () => {
    expect(check([established(1, 1), established(1, 1)])).toHaveLength(1)
  })
})

describe('durability', () => {
  const check = (events: Parameters<typeof judge>[1]): readonly string[] =>
    judge(({ history, report }) => durability(history, () => [1 as ServerId, 2 as ServerId], report), events)
  const write = [attached(0), asked(1, create('/b', '2'))]

  test('an acknowledged write that all have at the end passes', () => {
    expect(check([...write, applied(1, z(1), b), answered(1, z(1)), applied(2, z(1), b)])).toEqual([])
  })

  test('an acknowledged write that no server applied is caught', () => {
    const reports = check([...write, answered(1, z(1)), applied(1, z(1, 2), c), applied(2, z(1, 2), c)])
    expect(reports).toHaveLength(1)
  })

  test('a server that ends without an acknowledged write is caught', () => {
    expect(check([...write, applied(1, z(1), b), answered(1, z(1))])).toEqual([
      expect.stringContaining('server 2 ends at'),
    ])
  })

  test('a leader that starts its epoch without an acknowledged write is caught', () => {
    const events = [...write, applied(1, z(1), b), answered(1, z(1)), applied(2, z(1, 2), c)]
    events.splice(4, 0, server(2, { kind: 'established', epoch: 2 as Epoch }))
    expect(check(events)).toEqual([expect.stringContaining('leader 2 applied')])
  })
})
