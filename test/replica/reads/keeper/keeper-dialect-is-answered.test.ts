/**
 * The reads of ClickHouse Keeper's dialect, by the bytes that ClickHouse sends and expects: numbers, flags and order of
 * fields as in its ZooKeeperCommon.cpp. Most multiReads and refusals here were seen on the wire of a real ClickHouse.
 */
import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../../../src/base/ids.ts'
import { JuteWriter } from '../../../../src/jute/jute-writer.ts'
import { encode } from '../../../../src/jute/record.ts'
import { type KeeperRead, writeKeeperMultiRead } from '../../../../src/protocol/client/keeper-reads.ts'
import { DetailedListReply, ListRecursiveReply } from '../../../../src/protocol/client/keeper-replies.ts'
import {
  CheckStatRequest,
  DetailedListRequest,
  FilteredListRequest,
} from '../../../../src/protocol/client/keeper-requests.ts'
import {
  GetAclReply,
  GetChildren2Reply,
  GetChildrenReply,
  GetDataReply,
  StatReply,
} from '../../../../src/protocol/client/replies.ts'
import { SetWatchesRequest } from '../../../../src/protocol/client/requests.ts'
import { KeeperZnodes } from '../../../../src/replica/reads/keeper/keeper-znodes.ts'
import type { ReadAnswer } from '../../../../src/replica/reads/read-answer.ts'
import { bytesOf, hexOf } from '../../../support/hex.ts'
import { anyStat } from '../../../support/leader-harness.ts'
import { bodyAs, keeperConfig, ReadRig } from '../read-rig.ts'

const otherHostOnly = [{ perms: 31, scheme: 'ip', id: '10.0.0.1' }]
const end = 'ffffffff01ffffffff'

function pathBytes(path: string): string {
  return `${path.length.toString(16).padStart(8, '0')} ${Buffer.from(path).toString('hex')}`
}

function filledRig(): ReadRig {
  const rig = new ReadRig()
  rig.driver.create('/a', { data: bytesOf('cafe') })
  rig.driver.create('/a/p', { data: bytesOf('01') })
  rig.driver.create('/a/e', { data: bytesOf('02'), owner: 5n as SessionId })
  rig.driver.create('/a/p/x')
  return rig
}

function listed(rig: ReadRig, filter: number, watch = false): readonly string[] {
  const answer = rig.ask('filteredList', encode(FilteredListRequest, { path: '/a', watch, filter }))
  return [...(bodyAs(GetChildren2Reply, answer).children ?? [])].sort()
}

/** The client reads Keeper's features, and is known to speak its dialect from then on. */
function introduce(rig: ReadRig): void {
  rig.ask('getData', bytesOf(`${pathBytes('/keeper/feature_flags')} 00`))
}

function multiRead(rig: ReadRig, ...reads: readonly KeeperRead[]): ReadAnswer {
  const writer = new JuteWriter()
  writeKeeperMultiRead(writer, reads)
  return rig.ask('multiRead', writer.take())
}

describe('a filtered list', () => {
  it('shows all children, the persistent or the ephemeral ones', () => {
    const rig = filledRig()
    expect([listed(rig, 0), listed(rig, 1), listed(rig, 2)]).toEqual([['e', 'p'], ['p'], ['e']])
  })

  it('registers a watch on the children', () => {
    const rig = filledRig()
    listed(rig, 2, true)
    expect(rig.watches.has(rig.client.connectionId, '/a', 'children')).toBe(true)
  })

  it('with a number that names no filter is a marshalling error', () => {
    const body = encode(FilteredListRequest, { path: '/a', watch: false, filter: 3 })
    expect(filledRig().ask('filteredList', body)).toMatchObject({ error: 'marshalling-error', body: null })
  })

  it('that shows more than names requires READ on each child', () => {
    const rig = filledRig()
    rig.driver.create('/a/closed', { acl: otherHostOnly })
    expect(listed(rig, 0)).toEqual(['closed', 'e', 'p'])
    for (const filter of [1, 2]) {
      const body = encode(FilteredListRequest, { path: '/a', watch: true, filter })
      expect(rig.ask('filteredList', body).error).toBe('no-auth')
    }
    expect(rig.watches.watchCount).toBe(0)
  })
})

describe('a list with Stats and data', () => {
  const ask = (rig: ReadRig, filter: number, withStats: boolean, withData: boolean): ReadAnswer =>
    rig.ask(
      'filteredListWithStatsAndData',
      encode(DetailedListRequest, { path: '/a', watch: false, filter, withStats, withData }),
    )

  it('has names, Stats and data in the same order', () => {
    const rig = filledRig()
    const { children, stats, data, stat } = bodyAs(DetailedListReply, ask(rig, 0, true, true))
    const shown = children!.map((name, i) => [name, stats![i]!.ephemeralOwner, stats![i]!.dataLength, hexOf(data![i]!)])
    expect(shown.sort()).toEqual([
      ['e', 5n, 1, '02'],
      ['p', 0n, 1, '01'],
    ])
    expect(stat.numChildren).toBe(2)
  })

  it('has neither unless requested, and filters in the same way', () => {
    const rig = filledRig()
    expect(bodyAs(DetailedListReply, ask(rig, 0, false, false))).toMatchObject({ stats: [], data: [] })
    expect(bodyAs(DetailedListReply, ask(rig, 2, true, false))).toMatchObject({ children: ['e'], data: [] })
    expect(bodyAs(DetailedListReply, ask(rig, 1, false, true))).toMatchObject({ children: ['p'], stats: [] })
  })

  it('that would pass its limit is refused', () => {
    const rig = new ReadRig()
    rig.driver.create('/a')
    for (let i = 0; i < 70; i++) rig.driver.create(`/a/${i}`, { data: new Uint8Array(1_000_000) })
    expect(ask(rig, 0, false, true)).toMatchObject({ error: 'marshalling-error', body: null })
    expect(ask(rig, 0, true, false).error).toBe(null)
  })
})

describe('a recursive list', () => {
  const ask = (rig: ReadRig, path: string, countMax: number): ReadAnswer =>
    rig.ask('listRecursive', bytesOf(`${pathBytes(path)} ${countMax.toString(16).padStart(8, '0')}`))

  it('has full paths, level by level, without the znode itself', () => {
    const paths = bodyAs(ListRecursiveReply, ask(filledRig(), '/a', 1000)).paths!
    expect([...paths.slice(0, 2)].sort()).toEqual(['/a/e', '/a/p'])
    expect(paths.slice(2)).toEqual(['/a/p/x'])
  })

  it('ends at its limit', () => {
    const rig = filledRig()
    expect(bodyAs(ListRecursiveReply, ask(rig, '/a', 2)).paths).toHaveLength(2)
    expect(bodyAs(ListRecursiveReply, ask(rig, '/a', 0)).paths).toEqual([])
  })

  it('skips znodes that may not be read, and their subtrees', () => {
    const rig = filledRig()
    rig.driver.create('/a/closed', { acl: otherHostOnly })
    rig.driver.create('/a/closed/inside')
    expect(bodyAs(ListRecursiveReply, ask(rig, '/a', 1000)).paths).toHaveLength(3)
    expect(ask(rig, '/a/closed', 1000).error).toBe('no-auth')
    expect(ask(rig, '/none', 1000).error).toBe('no-node')
  })

  it('of the root begins with one slash', () => {
    expect(bodyAs(ListRecursiveReply, ask(filledRig(), '/', 3)).paths).toContain('/a')
  })
})

describe('checks as single requests', () => {
  it('checkNotExists compares existence and version', () => {
    const rig = filledRig()
    const ask = (path: string, version: string): unknown =>
      rig.ask('checkNotExists', bytesOf(`${pathBytes(path)} ${version}`)).error
    expect([ask('/none', 'ffffffff'), ask('/a', 'ffffffff'), ask('/a', '00000000')]).toEqual([
      null,
      'node-exists',
      'node-exists',
    ])
    expect([ask('/a', '00000001'), ask('/keeper/x', 'ffffffff'), ask('/keeper', 'ffffffff')]).toEqual([
      null,
      null,
      'bad-arguments',
    ])
  })

  it('checkStat compares with the Stat that a read shows', () => {
    const rig = filledRig()
    const { stat } = bodyAs(StatReply, rig.ask('exists', bytesOf(`${pathBytes('/a/e')} 00`)))
    const ask = (path: string, wanted: typeof stat, version = -1): unknown =>
      rig.ask('checkStat', encode(CheckStatRequest, { path, version, stat: wanted })).error
    expect([ask('/a/e', stat), ask('/a/e', anyStat, 0), ask('/a/p', stat)]).toEqual([null, null, 'bad-version'])
    expect([ask('/a/e', anyStat, 1), ask('/none', anyStat)]).toEqual(['bad-version', 'no-node'])
  })
})

describe('a multiRead', () => {
  const reads: readonly KeeperRead[] = [
    { op: 'exists', path: '/a', watch: false },
    { op: 'exists', path: '/none', watch: false },
    { op: 'filteredList', path: '/a', watch: false, filter: 2 },
  ]

  it('of reads that only Keeper has in a multiRead is answered in the form of ZooKeeper to unknown clients', () => {
    const rig = filledRig()
    const stat = rig.ask('exists', bytesOf(`${pathBytes('/a')} 00`)).body!
    const list = rig.ask('filteredList', bytesOf(`${pathBytes('/a')} 00 02`)).body!
    const error = 'ffffffff00ffffff9bffffff9b'
    expect(hexOf(multiRead(rig, ...reads).body!)).toBe(
      `000000030000000000${hexOf(stat)}${error}0000000c0000000000${hexOf(list)}${end}`,
    )
  })

  it('names the operation of refused parts to a client that read the feature flags', () => {
    const rig = filledRig()
    introduce(rig)
    // As ClickHouse 26.9 sent it and accepted the answer, except for the paths.
    const none = pathBytes('/none')
    const answer = rig.ask(
      'multiRead',
      bytesOf(`00000003 00 ffffffff ${none} 00 00000004 00 ffffffff ${none} 00 ${end}`),
    )
    expect([answer.error, hexOf(answer.body!)]).toEqual([null, `0000000300ffffff9b0000000400ffffff9b${end}`])
  })

  it('registers watches only for a client that read the feature flags', () => {
    const rig = filledRig()
    const watching: readonly KeeperRead[] = [
      { op: 'exists', path: '/none', watch: true },
      { op: 'getData', path: '/a', watch: true },
      { op: 'filteredList', path: '/a', watch: true, filter: 0 },
      { op: 'getChildren', path: '/none', watch: true },
    ]
    multiRead(rig, ...watching)
    expect(rig.watches.watchCount).toBe(0)
    introduce(rig)
    multiRead(rig, ...watching)
    expect(rig.watches.watchCount).toBe(3)
  })

  it('of writes, or with keeper.compatibility=false, is refused as in ZooKeeper', () => {
    const rig = filledRig()
    introduce(rig)
    const writes = bytesOf(`00000002 00 ffffffff ${pathBytes('/a')} ffffffff ${end}`)
    expect(rig.ask('multiRead', writes)).toMatchObject({ error: 'marshalling-error', body: bytesOf(end) })
    const plain = filledRig()
    plain.keeper = null
    expect(multiRead(plain, ...reads)).toMatchObject({ error: 'marshalling-error', body: null })
  })

  it('whose reply would pass its limit is refused in this dialect too', () => {
    const rig = new ReadRig()
    introduce(rig)
    rig.driver.create('/large', { data: new Uint8Array(1_000_000) })
    const large: KeeperRead = { op: 'getData', path: '/large', watch: false }
    expect(multiRead(rig, ...new Array<KeeperRead>(70).fill(large))).toMatchObject({
      error: 'marshalling-error',
      body: null,
    })
  })
})

describe('the znodes of ClickHouse Keeper', () => {
  const read = (rig: ReadRig, path: string): string =>
    hexOf(bodyAs(GetDataReply, rig.ask('getData', bytesOf(`${pathBytes(path)} 00`))).data!)
  const text = (words: string): string => Buffer.from(words).toString('hex')

  it('show the features of this server, one bit each', () => {
    const rig = new ReadRig()
    expect(read(rig, '/keeper/feature_flags')).toBe('fffe')
    rig.keeper = new KeeperZnodes({ ...keeperConfig, extendedTypesEnabled: false })
    expect(read(rig, '/keeper/feature_flags')).toBe('fff6') // without CREATE_TTL
  })

  it('show the version of the interface and the largest request', () => {
    const rig = new ReadRig()
    expect(read(rig, '/keeper')).toBe('')
    expect(read(rig, '/keeper/api_version')).toBe(text('2'))
    expect(read(rig, '/keeper/max_request_size')).toBe(text('1048575'))
  })

  it('show the availability zone if one is configured', () => {
    const rig = new ReadRig()
    const zone = bytesOf(`${pathBytes('/keeper/availability_zone')} 00`)
    expect(rig.ask('getData', zone).error).toBe('no-node')
    rig.keeper = new KeeperZnodes({ ...keeperConfig, keeperAvailabilityZone: 'eu-1' })
    expect(read(rig, '/keeper/availability_zone')).toBe(text('eu-1'))
  })

  it('are found by every read of one znode, with a Stat of zeros and an ACL that lets all read', () => {
    const rig = new ReadRig()
    const top = bytesOf(`${pathBytes('/keeper')} 00`)
    expect(bodyAs(StatReply, rig.ask('exists', top)).stat).toMatchObject({
      czxid: 0,
      mzxid: 0,
      version: 0,
      numChildren: 3,
    })
    const names = ['api_version', 'feature_flags', 'max_request_size']
    expect(bodyAs(GetChildrenReply, rig.ask('getChildren', top)).children).toEqual(names)
    expect(bodyAs(GetChildren2Reply, rig.ask('getChildren2', top)).children).toEqual(names)
    expect(
      bodyAs(GetChildren2Reply, rig.ask('filteredList', bytesOf(`${pathBytes('/keeper')} 00 00`))).children,
    ).toEqual(names)
    const acl = bodyAs(GetAclReply, rig.ask('getACL', bytesOf(pathBytes('/keeper/api_version'))))
    expect(acl).toMatchObject({ acl: [{ perms: 1, scheme: 'world', id: 'anyone' }], stat: { dataLength: 1 } })
  })

  it('are in no list of the root and in no count', () => {
    const rig = new ReadRig()
    const root = bodyAs(GetChildrenReply, rig.ask('getChildren', bytesOf(`${pathBytes('/')} 00`)))
    expect(root.children).toEqual(['zookeeper'])
    expect(rig.ask('getAllChildrenNumber', bytesOf(pathBytes('/'))).body).toEqual(bytesOf('00000003'))
    expect(rig.driver.tree.aclOf('/keeper')).toBe(null)
  })

  it('can be watched, and a returning client restores the watches without an event', () => {
    const rig = new ReadRig()
    rig.ask('exists', bytesOf(`${pathBytes('/keeper/feature_flags')} 01`))
    rig.ask('getChildren', bytesOf(`${pathBytes('/keeper')} 01`))
    expect(rig.watches.watchCount).toBe(2)
    const again = {
      relativeZxid: 5,
      dataWatches: ['/keeper/feature_flags'],
      existWatches: [],
      childWatches: ['/keeper'],
    }
    const answer = new ReadRig().ask('setWatches', encode(SetWatchesRequest, again as never))
    expect(answer).toMatchObject({ error: null, missed: [] })
  })

  it('are hidden by a /keeper that a client has created', () => {
    const rig = new ReadRig()
    rig.driver.create('/keeper', { data: bytesOf('77') })
    rig.driver.create('/keeper/mine')
    expect(read(rig, '/keeper')).toBe('77')
    expect(rig.ask('getData', bytesOf(`${pathBytes('/keeper/feature_flags')} 00`)).error).toBe('no-node')
    expect(rig.client.speaksKeeper).toBe(false)
  })

  it('do not exist with keeper.compatibility=false', () => {
    const rig = new ReadRig()
    rig.keeper = null
    for (const op of ['exists', 'getData', 'getChildren2'] as const) {
      expect(rig.ask(op, bytesOf(`${pathBytes('/keeper')} 00`)).error).toBe('no-node')
    }
    expect(rig.ask('getACL', bytesOf(pathBytes('/keeper'))).error).toBe('no-node')
  })
})
