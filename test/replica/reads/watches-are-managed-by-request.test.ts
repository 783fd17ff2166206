import { describe, expect, it } from 'vitest'
import type { Zxid } from '../../../src/base/ids.ts'
import { encode } from '../../../src/jute/record.ts'
import { AddWatchReply } from '../../../src/protocol/client/replies.ts'
import {
  AddWatchRequest,
  SetWatches2Request,
  SetWatchesRequest,
  WatchableRequest,
  WatcherTypeRequest,
} from '../../../src/protocol/client/requests.ts'
import type { ReadAnswer } from '../../../src/replica/reads/read-answer.ts'
import { bytesOf } from '../../support/hex.ts'
import { bodyAs, ReadRig } from './read-rig.ts'

const otherHostOnly = [{ perms: 31, scheme: 'ip', id: '10.0.0.1' }]

function addWatch(rig: ReadRig, path: string, mode: number): ReadAnswer {
  return rig.ask('addWatch', encode(AddWatchRequest, { path, mode }))
}

function askWatch(rig: ReadRig, op: 'checkWatches' | 'removeWatches', path: string, type: number): ReadAnswer {
  return rig.ask(op, encode(WatcherTypeRequest, { path, type }))
}

function notified(rig: ReadRig, path: string): readonly string[] {
  return rig.watches.trigger([{ kind: 'created', path, acl: [] }], () => true).map(({ path: at }) => at)
}

describe('addWatch', () => {
  it.each([0, 1])('in mode %i is answered with the number 0', (mode) => {
    expect(bodyAs(AddWatchReply, addWatch(new ReadRig(), '/a', mode))).toEqual({ error: 0 })
  })

  it('in mode 0 watches the znode and not its descendants', () => {
    const rig = new ReadRig()
    addWatch(rig, '/a', 0)
    expect([notified(rig, '/a'), notified(rig, '/a'), notified(rig, '/a/b')]).toEqual([['/a'], ['/a'], []])
  })

  it('in mode 1 watches the descendants too', () => {
    const rig = new ReadRig()
    addWatch(rig, '/a', 1)
    expect([notified(rig, '/a'), notified(rig, '/a/b/c')]).toEqual([['/a'], ['/a/b/c']])
  })

  it.each([-1, 2, 7])('in mode %i is a body that cannot be decoded', (mode) => {
    const rig = new ReadRig()
    expect(addWatch(rig, '/a', mode)).toMatchObject({ error: 'marshalling-error', body: null })
    expect(rig.watches.watchCount).toBe(0)
  })

  it('requires no permission on the znode', () => {
    const rig = new ReadRig()
    rig.driver.create('/closed', { acl: otherHostOnly })
    expect(addWatch(rig, '/closed', 0).error).toBeNull()
  })

  it('accepts a path that no znode can have', () => {
    expect(addWatch(new ReadRig(), 'no//path/', 1).error).toBeNull()
  })
})

describe.each(['checkWatches', 'removeWatches'] as const)('%s', (op) => {
  it('is answered without a body when the watch exists', () => {
    const rig = new ReadRig()
    addWatch(rig, '/a', 0)
    expect(askWatch(rig, op, '/a', 4)).toEqual({ error: null, body: null, missed: [] })
  })

  it('is refused with its own error when the watch does not exist', () => {
    const rig = new ReadRig()
    addWatch(rig, '/a', 0)
    expect(askWatch(rig, op, '/a', 5)).toMatchObject({ error: 'no-watcher', body: null })
    expect(askWatch(rig, op, '/b', 3)).toMatchObject({ error: 'no-watcher', body: null })
  })

  it.each([-1, 0, 6])('cannot be decoded with the type %i, watch or none', (type) => {
    const rig = new ReadRig()
    addWatch(rig, '/a', 0)
    expect(askWatch(rig, op, '/a', type)).toMatchObject({ error: 'marshalling-error', body: null })
    expect(rig.watches.watchCount).toBe(2)
  })

  it('cannot be decoded when it is cut off', () => {
    expect(new ReadRig().ask(op, bytesOf('00000002 2f61 0000'))).toMatchObject({ error: 'marshalling-error' })
  })

  it('finds the watches of reads by the kind of read', () => {
    const rig = new ReadRig()
    rig.driver.create('/a')
    const watching = encode(WatchableRequest, { path: '/a', watch: true })
    rig.ask('getData', watching)
    expect([askWatch(rig, op, '/a', 1).error, askWatch(rig, op, '/a', 2).error]).toEqual(['no-watcher', null])
    rig.ask('getChildren', watching)
    expect(askWatch(rig, op, '/a', 1).error).toBeNull()
  })
})

it('removeWatches removes the watches while checkWatches keeps them', () => {
  const rig = new ReadRig()
  addWatch(rig, '/a', 1)
  expect([askWatch(rig, 'checkWatches', '/a', 5).error, askWatch(rig, 'checkWatches', '/a', 5).error]).toEqual([
    null,
    null,
  ])
  expect([askWatch(rig, 'removeWatches', '/a', 5).error, askWatch(rig, 'removeWatches', '/a', 5).error]).toEqual([
    null,
    'no-watcher',
  ])
})

describe('setWatches with a null', () => {
  const lists = { dataWatches: ['/gone'], existWatches: [], childWatches: ['/gone'] }

  it.each([
    ['a list', { ...lists, existWatches: null }],
    ['a path', { ...lists, existWatches: [null] }],
  ])('in place of %s fails after the watches before it are processed', (_what, request) => {
    const rig = new ReadRig()
    const answer = rig.ask('setWatches', encode(SetWatchesRequest, { relativeZxid: 1 as Zxid, ...request }))
    expect(answer.error).toBe('marshalling-error')
    expect(answer.missed.map(({ type, path }) => `${type} ${path}`)).toEqual(['deleted /gone'])
  })

  it('among the persistent watches is skipped', () => {
    const rig = new ReadRig()
    const none = { dataWatches: [], existWatches: [], childWatches: [], persistentRecursiveWatches: [] }
    const request = { relativeZxid: 1 as Zxid, ...none, persistentWatches: ['/a', null, '/b'] }
    expect(rig.ask('setWatches2', encode(SetWatches2Request, request)).error).toBeNull()
    expect([notified(rig, '/a'), notified(rig, '/b')]).toEqual([['/a'], ['/b']])
  })
})
