import { beforeEach, describe, expect, it } from 'vitest'
import { create, LeaderHarness, remove, setData } from '../support/leader-harness.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const limits = '/zookeeper/quota/a/zookeeper_limits'
const usage = '/zookeeper/quota/a/zookeeper_stats'
const dataOf = (sizeBytes: number) => new Uint8Array(sizeBytes)

let leader: LeaderHarness
const withLimits = (text: string) => {
  leader.have(create('/zookeeper/quota/a'), create(limits, { data: bytes(text) }), create(usage))
}
const resize = (sizeBytes: number, version = -1) => ({ ...setData('/a', version), data: dataOf(sizeBytes) })

beforeEach(() => {
  leader = new LeaderHarness()
  leader.have(create('/a', { data: dataOf(10) }))
})

describe('an enforced hard limit', () => {
  it('refuses the create that would exceed it and accepts the one before', () => {
    withLimits('countHardLimit=2')
    expect(leader.errorOf(create('/a/b'))).toBe(null)
    leader.apply()
    expect(leader.errorOf(create('/a/c'))).toBe('quota-exceeded')
    expect(leader.pending.isStageEmpty).toBe(true)
  })

  it('of bytes counts the difference between a write and the data in flight', () => {
    withLimits('byteHardLimit=12')
    expect(leader.errorOf(resize(2))).toBe(null)
    // The usage of the applied txns is still 10 bytes, and this write adds 8 to the 2 in flight.
    expect(leader.errorOf(resize(10))).toBe('quota-exceeded')
    leader.apply()
    expect(leader.errorOf(resize(10))).toBe(null)
  })

  it('can be exceeded by writes in flight, as in ZooKeeper', () => {
    withLimits('countHardLimit=2')
    expect(leader.errorOf(create('/a/b'))).toBe(null)
    expect(leader.errorOf(create('/a/c'))).toBe(null)
  })

  it('is checked after the permission and before the version', () => {
    withLimits('byteHardLimit=12')
    expect(leader.errorOf(resize(13, 55))).toBe('quota-exceeded')
    expect(leader.errorOf(resize(12, 55))).toBe('bad-version')
  })

  it('names the part of a multi that exceeds it', () => {
    withLimits('countHardLimit=1')
    const prepared = leader.submit({ kind: 'multi', ops: [resize(3), create('/a/b')] })
    expect(prepared.ok && prepared.value).toEqual({ kind: 'failed-multi', failedIndex: 1, error: 'quota-exceeded' })
  })

  it('replaces the soft limit of the same resource', () => {
    withLimits('count=0,bytes=0=;byteHardLimit=100;countHardLimit=100')
    expect(leader.errorOf(create('/a/b', { data: dataOf(1) }))).toBe(null)
    expect(leader.excesses).toEqual([])
  })

  it('never refuses a delete', () => {
    leader.have(create('/a/b'))
    withLimits('countHardLimit=0;byteHardLimit=0')
    expect(leader.errorOf(remove('/a/b'))).toBe(null)
  })

  it('refuses nothing while there is no usage znode', () => {
    withLimits('countHardLimit=0')
    leader.have(remove(usage))
    expect(leader.errorOf(create('/a/b'))).toBe(null)
  })
})

describe('an excess', () => {
  const excess = { path: '/a/b', quotaPath: '/a', resource: 'count', wanted: 2n, limit: 1n }

  it('of a soft limit is reported, and the write succeeds', () => {
    withLimits('count=1')
    expect(leader.errorOf(create('/a/b'))).toBe(null)
    expect(leader.excesses).toEqual([{ ...excess, isHard: false, isRefused: false }])
  })

  it('of a hard limit is reported, and the write succeeds unless quotas are enforced', () => {
    withLimits('countHardLimit=1')
    leader.enforceQuota = false
    expect(leader.errorOf(create('/a/b'))).toBe(null)
    leader.enforceQuota = true
    expect(leader.errorOf(create('/a/b'))).toBe('node-exists')
    expect(leader.errorOf(create('/a/c'))).toBe('quota-exceeded')
    expect(leader.excesses).toEqual([
      { ...excess, isHard: true, isRefused: false },
      { ...excess, path: '/a/c', isHard: true, isRefused: true },
    ])
  })

  it('of both resources by one write is reported twice', () => {
    withLimits('count=1,bytes=10')
    expect(leader.errorOf(create('/a/b', { data: dataOf(1) }))).toBe(null)
    expect(leader.excesses.map(({ resource }) => resource)).toEqual(['count', 'bytes'])
  })
})

describe('a text that cannot be parsed', () => {
  it.each([
    ['limits', limits],
    ['usage', usage],
  ])('in the %s fails writes if quotas are enforced, and only then', (_name, path) => {
    withLimits('count=1')
    leader.have({ ...setData(path), data: bytes('abc') })
    expect(leader.errorOf(create('/a/b'))).toBe('marshalling-error')
    expect(leader.submit({ kind: 'multi', ops: [create('/a/b')] }).ok).toBe(false)
    leader.enforceQuota = false
    expect(leader.errorOf(create('/a/b'))).toBe(null)
  })

  it('in the usage affects no write without a limit', () => {
    withLimits('count=1')
    leader.have({ ...setData(usage), data: bytes('abc') })
    expect(leader.errorOf(resize(99))).toBe(null)
  })
})
