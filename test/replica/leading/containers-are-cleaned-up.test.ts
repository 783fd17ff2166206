import { describe, expect, it } from 'vitest'
import { type CleanerSettings, ContainerCleaner, isOver } from '../../../src/replica/leading/container-cleaner.ts'
import type { TransientZnode } from '../../../src/tree/transient-znode.ts'

const container: TransientZnode = { path: '/c', childCount: 0, createCount: 1, mtimeMs: 1000, ttlMs: null }
const settings: CleanerSettings = {
  containerCheckIntervalMs: 60_000,
  containerDeletionsPerMinuteMax: 600,
  containerNeverUsedMs: 0,
}

function znodes(count: number, shape: TransientZnode = container): readonly TransientZnode[] {
  return Array.from({ length: count }, (_, i) => ({ ...shape, path: `/${i}` }))
}

/** A cleaner over a list that the test may replace; `tick` runs it at a given time. */
function rig(list: readonly TransientZnode[], changed: Partial<CleanerSettings> = {}) {
  const source = { list, sweepCount: 0 }
  const tree = {
    *transients(): IterableIterator<TransientZnode> {
      source.sweepCount++
      yield* source.list
    },
  }
  const holder = { tree }
  const cleaner = new ContainerCleaner(holder, { ...settings, ...changed }, 0)
  return { source, holder, tick: (atMs: number) => cleaner.tick({ monotonicMs: atMs, wallMs: 1_000_000 + atMs }) }
}

describe('a transient znode is over', () => {
  it.each<[string, Partial<TransientZnode>, number, number, boolean]>([
    ['a container that lost its children', {}, 1000, 0, true],
    ['a container with a child', { childCount: 1 }, 999_999, 1, false],
    ['a container never used while that is allowed for ever', { createCount: 0 }, 999_999, 0, false],
    ['a container never used, at the limit', { createCount: 0 }, 1500, 500, false],
    ['a container never used, past the limit', { createCount: 0 }, 1501, 500, true],
    ['a TTL znode at its time', { ttlMs: 500 }, 1500, 1, false],
    ['a TTL znode past its time', { ttlMs: 500 }, 1501, 1, true],
    ['a TTL znode that never had children, past its time', { ttlMs: 500, createCount: 0 }, 1501, 0, true],
    ['a TTL znode with a child, past its time', { ttlMs: 500, childCount: 1 }, 99_999, 1, false],
    ['a TTL znode of a time before its data', { ttlMs: 500 }, 0, 1, false],
  ])('%s', (_title, shape, nowMs, neverUsedMs, expected) => {
    expect(isOver({ ...container, ...shape }, nowMs, neverUsedMs)).toBe(expected)
  })
})

describe('the cleaner', () => {
  it('starts no sweep before its first interval has passed', () => {
    const { source, tick } = rig(znodes(1))
    expect([tick(0), tick(59_999), source.sweepCount]).toEqual([[], [], 0])
    expect(tick(60_000)).toEqual(['/0'])
  })

  it('sweeps once per interval', () => {
    const { source, tick } = rig(znodes(1))
    tick(60_000)
    for (let atMs = 60_050; atMs < 120_000; atMs += 50) tick(atMs)
    expect(source.sweepCount).toBe(1)
    tick(120_000)
    expect(source.sweepCount).toBe(2)
  })

  it('finds no more than may be deleted in the time that a sweep has taken', () => {
    const { tick } = rig(znodes(100))
    expect(tick(60_000)).toEqual(['/0'])
    expect(tick(60_099)).toEqual([])
    expect(tick(60_100)).toEqual(['/1'])
    expect(tick(60_500)).toEqual(['/2', '/3', '/4', '/5'])
  })

  it('finds each znode once in a sweep, whatever the ticks', () => {
    const { tick } = rig(znodes(50))
    const found: string[] = []
    for (let atMs = 60_000; atMs < 70_000; atMs += 130) found.push(...tick(atMs))
    expect(found).toEqual(znodes(50).map(({ path }) => path))
  })

  it('checks a bounded number of znodes in one tick', () => {
    const { tick } = rig([...znodes(700, { ...container, childCount: 1 }), container])
    expect(tick(60_000)).toEqual([])
    expect(tick(60_050)).toEqual(['/c'])
  })

  it('ends a sweep over a tree that was replaced', () => {
    const { holder, tick } = rig(znodes(10))
    expect(tick(60_000)).toEqual(['/0'])
    const other = { ...container, path: '/other' }
    holder.tree = {
      *transients() {
        yield other
      },
    }
    expect(tick(61_000)).toEqual([])
    expect(tick(120_000)).toEqual(['/other'])
  })

  it('skips a znode that is not due and checks it again in the next sweep', () => {
    const { source, tick } = rig([{ ...container, childCount: 1 }])
    expect([tick(60_000), tick(60_050)]).toEqual([[], []])
    source.list = [container]
    expect(tick(120_000)).toEqual(['/c'])
  })
})
