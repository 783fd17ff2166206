import { describe, expect, it } from 'vitest'
import type { ConnectionId } from '../../src/base/ids.ts'
import type { AclEntry } from '../../src/protocol/txn/txn.ts'
import { type CanRead, WatchTable, type ZnodeEvent } from '../../src/watches/watch-table.ts'

const one = 1 as ConnectionId
const two = 2 as ConnectionId
const three = 3 as ConnectionId
const open: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const closed: readonly AclEntry[] = [{ perms: 0, scheme: 'world', id: 'anyone' }]
const allMayRead: CanRead = () => true

const created = (path: string, parent: string): readonly ZnodeEvent[] => [
  { kind: 'created', path, acl: open },
  { kind: 'children-changed', path: parent, acl: open },
]
const deleted = (path: string, parent: string): readonly ZnodeEvent[] => [
  { kind: 'deleted', path, acl: open },
  { kind: 'children-changed', path: parent, acl: open },
]
const dataChanged = (path: string): readonly ZnodeEvent[] => [{ kind: 'data-changed', path, acl: open }]

function notified(table: WatchTable, events: readonly ZnodeEvent[], canRead: CanRead = allMayRead): readonly string[] {
  return table.trigger(events, canRead).map(({ connectionId, type, path }) => `${connectionId} ${type} ${path}`)
}

type Setter = (table: WatchTable) => void
const watchers: Readonly<Record<string, Setter>> = {
  'a data watch on the znode': (table) => table.addData(one, '/p/n'),
  'an exists watch': (table) => table.addExist(one, '/p/n'),
  'a child watch on the znode': (table) => table.addChild(one, '/p/n'),
  'a child watch on the parent': (table) => table.addChild(one, '/p'),
  'a data watch on the parent': (table) => table.addData(one, '/p'),
  'a persistent watch on the znode': (table) => table.addPersistent(one, '/p/n'),
  'a persistent watch on the parent': (table) => table.addPersistent(one, '/p'),
  'a persistent watch on the grandparent': (table) => table.addPersistent(one, '/'),
  'a recursive watch on the znode': (table) => table.addRecursive(one, '/p/n'),
  'a recursive watch on the parent': (table) => table.addRecursive(one, '/p'),
  'a recursive watch on the root': (table) => table.addRecursive(one, '/'),
  'a recursive watch on a sibling with a common prefix': (table) => table.addRecursive(one, '/p/nn'),
}

const change = {
  create: created('/p/n', '/p'),
  setData: dataChanged('/p/n'),
  delete: deleted('/p/n', '/p'),
  setACL: [],
} as const

const ownCreated = ['1 created /p/n']
const ownData = ['1 data-changed /p/n']
const ownDeleted = ['1 deleted /p/n']
const list = ['1 children-changed /p']

describe('the events that a change sends to a watcher', () => {
  it.each([
    ['a data watch on the znode', 'setData', ownData],
    ['a data watch on the znode', 'delete', ownDeleted],
    ['a data watch on the znode', 'setACL', []],
    ['an exists watch', 'create', ownCreated],
    ['an exists watch', 'setData', ownData],
    ['an exists watch', 'delete', ownDeleted],
    ['a child watch on the znode', 'setData', []],
    ['a child watch on the znode', 'delete', ownDeleted],
    ['a child watch on the parent', 'create', list],
    ['a child watch on the parent', 'setData', []],
    ['a child watch on the parent', 'delete', list],
    ['a data watch on the parent', 'create', []],
    ['a data watch on the parent', 'setData', []],
    ['a data watch on the parent', 'delete', []],
    ['a persistent watch on the znode', 'create', ownCreated],
    ['a persistent watch on the znode', 'setData', ownData],
    ['a persistent watch on the znode', 'delete', ownDeleted],
    ['a persistent watch on the parent', 'create', list],
    ['a persistent watch on the parent', 'setData', []],
    ['a persistent watch on the parent', 'delete', list],
    ['a persistent watch on the grandparent', 'create', []],
    ['a persistent watch on the grandparent', 'setData', []],
    ['a persistent watch on the grandparent', 'delete', []],
    ['a recursive watch on the znode', 'create', ownCreated],
    ['a recursive watch on the znode', 'setData', ownData],
    ['a recursive watch on the znode', 'delete', ownDeleted],
    ['a recursive watch on the parent', 'create', ownCreated],
    ['a recursive watch on the parent', 'setData', ownData],
    ['a recursive watch on the parent', 'delete', ownDeleted],
    ['a recursive watch on the root', 'create', ownCreated],
    ['a recursive watch on the root', 'setData', ownData],
    ['a recursive watch on the root', 'delete', ownDeleted],
    ['a recursive watch on a sibling with a common prefix', 'create', []],
  ] as const)('are, for %s and %s, %j', (watcher, cause, expected) => {
    const table = new WatchTable()
    watchers[watcher]!(table)
    expect(notified(table, change[cause])).toEqual(expected)
  })
})

describe('one-shot watches', () => {
  it('fire once and are then removed', () => {
    const table = new WatchTable()
    table.addData(one, '/n')
    expect(notified(table, dataChanged('/n'))).toHaveLength(1)
    expect(notified(table, dataChanged('/n'))).toEqual([])
  })

  it('fire only for the first event of a batch', () => {
    const table = new WatchTable()
    table.addData(one, '/n')
    expect(notified(table, [...dataChanged('/n'), ...deleted('/n', '/')])).toEqual(['1 data-changed /n'])
  })

  it('are removed without an event when the connection may not read the znode', () => {
    const table = new WatchTable()
    table.addData(one, '/n')
    table.addData(two, '/n')
    const events: readonly ZnodeEvent[] = [{ kind: 'data-changed', path: '/n', acl: closed }]
    expect(notified(table, events, (connectionId) => connectionId === two)).toEqual(['2 data-changed /n'])
    expect(notified(table, dataChanged('/n'))).toEqual([])
    expect(table.watchCount).toBe(0)
  })

  it('do not remove a persistent watch on the same path', () => {
    const table = new WatchTable()
    table.addData(one, '/n')
    table.addPersistent(one, '/n')
    expect(notified(table, dataChanged('/n'))).toEqual(['1 data-changed /n'])
    expect(notified(table, dataChanged('/n'))).toEqual(['1 data-changed /n'])
  })
})

describe('the events of one change', () => {
  it('reach a connection once even if it watches both data and children of the deleted znode', () => {
    const table = new WatchTable()
    table.addData(one, '/p/n')
    table.addChild(one, '/p/n')
    table.addChild(two, '/p/n')
    expect(notified(table, change.delete)).toEqual(['1 deleted /p/n', '2 deleted /p/n'])
    expect(table.watchCount).toBe(0)
  })

  it('reach a connection once even if it watches in several modes', () => {
    const table = new WatchTable()
    table.addData(one, '/p/n')
    table.addPersistent(one, '/p/n')
    table.addRecursive(one, '/p/n')
    table.addRecursive(one, '/p')
    expect(notified(table, change.setData)).toEqual(['1 data-changed /p/n'])
    expect(notified(table, change.delete)).toEqual(['1 deleted /p/n'])
  })

  it('name both child and parent to a connection with a recursive and a child watch on the parent', () => {
    const table = new WatchTable()
    table.addRecursive(one, '/p')
    table.addChild(one, '/p')
    expect(notified(table, change.create)).toEqual(['1 created /p/n', '1 children-changed /p'])
  })

  it('come for the znode before its parent, and in the order in which watches were set', () => {
    const table = new WatchTable()
    table.addChild(one, '/p')
    table.addData(three, '/p/n')
    table.addData(two, '/p/n')
    expect(notified(table, change.delete)).toEqual(['3 deleted /p/n', '2 deleted /p/n', '1 children-changed /p'])
  })

  it('are each checked against the ACL of their znode', () => {
    const table = new WatchTable()
    table.addExist(one, '/p/n')
    table.addChild(one, '/p')
    const events: readonly ZnodeEvent[] = [
      { kind: 'created', path: '/p/n', acl: closed },
      { kind: 'children-changed', path: '/p', acl: open },
    ]
    expect(notified(table, events, (_connectionId, acl) => acl === open)).toEqual(['1 children-changed /p'])
  })
})

describe('the watch table', () => {
  it('counts the same watch once when it is set twice', () => {
    const table = new WatchTable()
    table.addData(one, '/n')
    table.addData(one, '/n')
    table.addExist(one, '/n')
    expect(table.watchCount).toBe(1)
    expect(notified(table, dataChanged('/n'))).toEqual(['1 data-changed /n'])
  })

  it('keeps no watches of a removed connection', () => {
    const table = new WatchTable()
    table.addData(one, '/a')
    table.addChild(one, '/a')
    table.addPersistent(one, '/b')
    table.addRecursive(one, '/')
    table.addData(two, '/a')
    table.removeConnection(one)
    table.removeConnection(one)
    expect(notified(table, dataChanged('/a'))).toEqual(['2 data-changed /a'])
    expect([table.watchCount, table.summary, table.watchersByPath()]).toEqual([
      0,
      { connectionCount: 0, pathCount: 0, watchCount: 0 },
      [],
    ])
  })

  it('counts only the data table in its summary', () => {
    const table = new WatchTable()
    table.addData(one, '/a')
    table.addData(two, '/a')
    table.addData(one, '/b')
    table.addChild(three, '/c')
    expect(table.summary).toEqual({ connectionCount: 2, pathCount: 2, watchCount: 3 })
    expect(table.watchCount).toBe(4)
    expect(table.watchersByPath()).toEqual([
      ['/a', [one, two]],
      ['/b', [one]],
    ])
    expect(table.pathsByConnection()).toEqual([
      [one, ['/a', '/b']],
      [two, ['/a']],
    ])
  })

  it('returns the same empty list whenever no connection is notified', () => {
    const table = new WatchTable()
    expect(table.trigger(change.create, allMayRead)).toBe(table.trigger(change.delete, allMayRead))
  })
})
