import { describe, expect, it } from 'vitest'
import type { ConnectionId } from '../../src/base/ids.ts'
import { type WatcherType, watcherTypes } from '../../src/protocol/client/watch-kinds.ts'
import { type Notification, WatchTable, type ZnodeEvent } from '../../src/watches/watch-table.ts'

const one = 1 as ConnectionId
const two = 2 as ConnectionId
const path = '/p/n'
const allTypes = Object.keys(watcherTypes) as readonly WatcherType[]

const setters = {
  data: (table: WatchTable) => table.addData(one, path),
  exists: (table: WatchTable) => table.addExist(one, path),
  child: (table: WatchTable) => table.addChild(one, path),
  persistent: (table: WatchTable) => table.addPersistent(one, path),
  recursive: (table: WatchTable) => table.addRecursive(one, path),
} as const
type SetterName = keyof typeof setters
const setterNames = Object.keys(setters) as readonly SetterName[]

function tableWith(...names: readonly SetterName[]): WatchTable {
  const table = new WatchTable()
  for (const name of names) setters[name](table)
  return table
}

function fire(table: WatchTable, ...events: readonly [kind: ZnodeEvent['kind'], path: string][]): readonly string[] {
  const notifications = table.trigger(
    events.map(([kind, at]) => ({ kind, path: at, acl: [] })),
    () => true,
  )
  return notifications.map(({ connectionId, type, path: at }: Notification) => `${connectionId} ${type} ${at}`)
}

/** The types by which each kind of watch is found. */
const typesOf: Readonly<Record<SetterName, readonly WatcherType[]>> = {
  data: ['data', 'any'],
  exists: ['data', 'any'],
  child: ['children', 'any'],
  persistent: ['any', 'persistent'],
  recursive: ['any', 'recursive'],
}

describe('checking for a watch', () => {
  const rows = setterNames.flatMap((name) =>
    allTypes.map((type) => [name, type, typesOf[name].includes(type)] as const),
  )

  it.each(rows)('a %s watch looked for as %s is found: %s', (name, type, isFound) => {
    expect(tableWith(name).has(one, path, type)).toBe(isFound)
  })

  it.each(rows)('removing a %s watch as %s finds it: %s', (name, type, isFound) => {
    const table = tableWith(name)
    const before = table.watchCount
    expect(table.remove(one, path, type)).toBe(isFound)
    expect(table.watchCount).toBe(isFound ? 0 : before)
    expect(table.has(one, path, 'any')).toBe(!isFound)
  })

  it('changes nothing when it is repeated', () => {
    const table = tableWith(...setterNames)
    for (const type of allTypes) expect(table.has(one, path, type)).toBe(true)
    expect(table.watchCount).toBe(2)
  })

  it.each(allTypes)('finds no watch of type %s of another connection or path', (type) => {
    const table = tableWith(...setterNames)
    expect([table.has(two, path, type), table.has(one, '/p', type), table.has(one, '/p/n/c', type)]).toEqual([
      false,
      false,
      false,
    ])
    expect([table.remove(two, path, type), table.remove(one, '/p', type), table.remove(one, '/p/n/c', type)]).toEqual([
      false,
      false,
      false,
    ])
    expect(table.watchCount).toBe(2)
  })
})

describe('removing one of several watches on a path', () => {
  const removals = (['children', 'data', 'persistent', 'recursive'] as const).flatMap((removed) =>
    (['children', 'data', 'persistent', 'recursive'] as const).map((other) => [removed, other] as const),
  )

  it.each(removals)('of type %s leaves those of type %s unless the types are equal', (removed, other) => {
    const table = tableWith('data', 'child', 'persistent', 'recursive')
    expect(table.remove(one, path, removed)).toBe(true)
    expect(table.has(one, path, other)).toBe(other !== removed)
    expect(table.has(one, path, 'any')).toBe(true)
  })

  it('finds none when the same type is removed a second time', () => {
    const table = tableWith('data', 'child', 'persistent', 'recursive')
    for (const type of ['children', 'data', 'persistent', 'recursive'] as const) {
      expect([table.remove(one, path, type), table.remove(one, path, type)]).toEqual([true, false])
    }
    expect(table.watchCount).toBe(0)
    expect(table.summary).toEqual({ connectionCount: 0, pathCount: 0, watchCount: 0 })
  })

  it('of type any removes all of them', () => {
    const table = tableWith('data', 'child', 'persistent', 'recursive')
    table.addData(two, path)
    expect(table.remove(one, path, 'any')).toBe(true)
    expect(allTypes.filter((type) => table.has(one, path, type))).toEqual([])
    expect(table.has(two, path, 'data')).toBe(true)
    expect(table.watchCount).toBe(1)
  })
})

describe('after a removal', () => {
  it('a persistent watch gets no events of its znode or of its children', () => {
    const table = tableWith('persistent')
    table.remove(one, path, 'persistent')
    expect(fire(table, ['data-changed', path], ['children-changed', path], ['deleted', path])).toEqual([])
  })

  it('a recursive watch gets no events below its path', () => {
    const table = tableWith('recursive')
    table.addRecursive(one, '/q')
    table.remove(one, path, 'recursive')
    expect(fire(table, ['created', '/p/n/c'], ['created', '/q/c'])).toEqual(['1 created /q/c'])
  })

  it('a recursive watch beside a standard one is gone and the standard one still fires', () => {
    const table = tableWith('recursive', 'data')
    table.remove(one, path, 'recursive')
    expect(fire(table, ['created', '/p/n/c'], ['data-changed', path])).toEqual(['1 data-changed /p/n'])
  })

  it('a standard watch beside a recursive one is gone and the recursive one still fires', () => {
    const table = tableWith('recursive', 'data')
    table.remove(one, path, 'data')
    expect(fire(table, ['created', '/p/n/c'], ['data-changed', path], ['data-changed', path])).toEqual([
      '1 created /p/n/c',
      '1 data-changed /p/n',
      '1 data-changed /p/n',
    ])
  })

  it('a standard watch that has fired does not exist', () => {
    const table = tableWith('data')
    fire(table, ['data-changed', path])
    expect([table.has(one, path, 'data'), table.remove(one, path, 'any')]).toEqual([false, false])
  })

  it('the watch can be set again', () => {
    const table = tableWith('recursive')
    table.remove(one, path, 'any')
    table.addRecursive(one, path)
    expect(fire(table, ['created', '/p/n/c'])).toEqual(['1 created /p/n/c'])
  })
})
