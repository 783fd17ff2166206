import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { encode } from '../../../src/jute/record.ts'
import { AllChildrenNumberReply, EphemeralsReply, WhoAmIReply } from '../../../src/protocol/client/replies.ts'
import { EphemeralsRequest, PathRequest } from '../../../src/protocol/client/requests.ts'
import type { ReadAnswer } from '../../../src/replica/reads/read-answer.ts'
import { bytesOf, hexOf } from '../../support/hex.ts'
import { bodyAs, ReadRig } from './read-rig.ts'

const mine = 0x0100_0000_0000_0001n as SessionId
const another = 0x0100_0000_0000_0002n as SessionId
const otherHostOnly = [{ perms: 31, scheme: 'ip', id: '10.0.0.1' }]
const noBytes = new Uint8Array(0)

describe('getEphemerals', () => {
  function ephemerals(prefixPath: string | null): readonly string[] {
    const rig = new ReadRig(mine)
    for (const path of ['/a', '/ab', '/b']) rig.driver.create(path, { owner: mine })
    rig.driver.create('/az', { owner: another })
    rig.driver.create('/ac')
    const answer = rig.ask('getEphemerals', encode(EphemeralsRequest, { prefixPath }))
    return bodyAs(EphemeralsReply, answer).ephemerals ?? []
  }

  it('lists the ephemerals of the own session whose paths begin with the text', () => {
    expect(ephemerals('/a')).toEqual(['/a', '/ab'])
  })

  it.each([[null], [''], ['/'], ['  '], [' /\t']])(
    'lists all ephemerals of the own session for the prefix %j',
    (prefix) => {
      expect(ephemerals(prefix)).toEqual(['/a', '/ab', '/b'])
    },
  )

  it.each([['/c'], ['a'], ['//'], ['\u00a0'], [' /a']])('lists none for the prefix %j', (prefix) => {
    expect(ephemerals(prefix)).toEqual([])
  })

  it('cannot be answered when it is cut off', () => {
    expect(new ReadRig().ask('getEphemerals', bytesOf('00000009')).error).toBe('marshalling-error')
  })
})

describe('sync', () => {
  it.each([
    ['a path, whether or not it exists', '00000002 2f61', '00000002 2f61'],
    ['null', 'ffffffff', 'ffffffff'],
    ['bytes that are not UTF-8 as U+FFFD', '00000004 2f eda080', '00000004 2f efbfbd'],
    ['a path with bytes after it', '00000002 2f61 dead', '00000002 2f61'],
  ])('answers %s with its path', (_what, body, reply) => {
    expect(hexOf(new ReadRig().ask('sync', bytesOf(body)).body!)).toBe(reply.replaceAll(' ', ''))
  })

  it('fails when its path is cut off', () => {
    expect(new ReadRig().ask('sync', bytesOf('00000009 2f')).error).toBe('marshalling-error')
  })
})

describe('getAllChildrenNumber', () => {
  function count(rig: ReadRig, path: string): ReadAnswer {
    return rig.ask('getAllChildrenNumber', encode(PathRequest, { path }))
  }

  it('counts the znodes at every depth', () => {
    const rig = new ReadRig()
    for (const path of ['/a', '/a/b', '/a/b/c']) rig.driver.create(path)
    expect(bodyAs(AllChildrenNumberReply, count(rig, '/a'))).toEqual({ totalNumber: 2 })
    expect(bodyAs(AllChildrenNumberReply, count(rig, '/a/b/c'))).toEqual({ totalNumber: 0 })
    expect(bodyAs(AllChildrenNumberReply, count(rig, '/'))).toEqual({ totalNumber: 6 })
  })

  it('is refused when the znode is missing', () => {
    expect(count(new ReadRig(), '/a')).toMatchObject({ error: 'no-node', body: null })
  })

  it('requires READ on the znode and not on its descendants', () => {
    const rig = new ReadRig()
    rig.driver.create('/a', { acl: otherHostOnly })
    rig.driver.create('/b')
    rig.driver.create('/b/closed', { acl: otherHostOnly })
    expect(count(rig, '/a')).toMatchObject({ error: 'no-auth', body: null })
    expect(bodyAs(AllChildrenNumberReply, count(rig, '/b'))).toEqual({ totalNumber: 1 })
  })
})

describe('whoAmI', () => {
  it('names the address of a client that has not authenticated', () => {
    expect(bodyAs(WhoAmIReply, new ReadRig().ask('whoAmI', noBytes))).toEqual({
      clientInfo: [{ authScheme: 'ip', user: '127.0.0.1' }],
    })
  })

  it('shows only the user of a digest, and no name for the super user', () => {
    const rig = new ReadRig()
    rig.authenticate({ scheme: 'super', id: '' }, { scheme: 'digest', id: 'root:c2VjcmV0' })
    expect(bodyAs(WhoAmIReply, rig.ask('whoAmI', noBytes)).clientInfo).toEqual([
      { authScheme: 'ip', user: '127.0.0.1' },
      { authScheme: 'super', user: '' },
      { authScheme: 'digest', user: 'root' },
    ])
  })
})
