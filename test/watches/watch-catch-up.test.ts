import { describe, expect, it } from 'vitest'
import type { ConnectionId } from '../../src/base/ids.ts'
import { type WatchLists, WatchTable, type ZnodeFacts } from '../../src/watches/watch-table.ts'

const one = 1 as ConnectionId
const seen = 100
const none: WatchLists = { data: [], exist: [], child: [], persistent: [], recursive: [] }

const absent = null
const unchanged: ZnodeFacts = { mzxid: seen, pzxid: seen }
const newData: ZnodeFacts = { mzxid: seen + 1, pzxid: seen }
const newChildren: ZnodeFacts = { mzxid: seen, pzxid: seen + 1 }

/** The catch-up events, and the events of a later change of the znode. */
function outcome(list: keyof WatchLists, facts: ZnodeFacts | null): readonly [readonly string[], readonly string[]] {
  const table = new WatchTable()
  const missed = table.catchUp(one, seen, { ...none, [list]: ['/n'] }, () => facts)
  const later = table.trigger(
    [
      { kind: 'data-changed', path: '/n', acl: [] },
      { kind: 'children-changed', path: '/n', acl: [] },
    ],
    () => true,
  )
  return [missed.map(({ type }) => type), later.map(({ type }) => type)]
}

describe('setWatches', () => {
  it.each([
    ['data', 'is missing', absent, ['deleted'], []],
    ['data', 'has newer data', newData, ['data-changed'], []],
    ['data', 'has newer children only', newChildren, [], ['data-changed']],
    ['data', 'is unchanged', unchanged, [], ['data-changed']],
    ['exist', 'is missing', absent, [], ['data-changed']],
    ['exist', 'exists and is unchanged', unchanged, ['created'], []],
    ['child', 'is missing', absent, ['deleted'], []],
    ['child', 'has newer children', newChildren, ['children-changed'], []],
    ['child', 'has newer data only', newData, [], ['children-changed']],
    ['child', 'is unchanged', unchanged, [], ['children-changed']],
    ['persistent', 'is missing', absent, [], ['data-changed', 'children-changed']],
    ['persistent', 'has newer data', newData, [], ['data-changed', 'children-changed']],
    ['recursive', 'is missing', absent, [], ['data-changed']],
    ['recursive', 'has newer children', newChildren, [], ['data-changed']],
  ] as const)('with a %s watch whose znode %s', (list, _state, facts, missed, later) => {
    expect(outcome(list, facts)).toEqual([missed, later])
  })

  it('sends events in the order of the lists, and of the paths in each', () => {
    const table = new WatchTable()
    const lists = { ...none, child: ['/c'], exist: ['/b'], data: ['/z', '/a'] }
    const missed = table.catchUp(one, seen, lists, (path) => (path === '/z' ? null : { mzxid: 200, pzxid: 200 }))
    expect(missed.map(({ type, path }) => `${type} ${path}`)).toEqual([
      'deleted /z',
      'data-changed /a',
      'created /b',
      'children-changed /c',
    ])
  })

  it('sends two events for a path that is in two lists', () => {
    const table = new WatchTable()
    const missed = table.catchUp(one, seen, { ...none, data: ['/n'], exist: ['/n'] }, () => newData)
    expect(missed.map(({ type }) => type)).toEqual(['data-changed', 'created'])
  })
})
