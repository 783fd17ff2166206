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
import { bodyAs, keeperConfig, ReadDesk } from '../read-rig.ts'

const nobody = [{ perms: 31, scheme: 'ip', id: '10.0.0.1' }]
const end = 'ffffffff01ffffffff'

function pathBytes(path: string): string {
  return `${path.length.toString(16).padStart(8, '0')} ${Buffer.from(path).toString('hex')}`
}

function filledDesk(): ReadDesk {
  const desk = new ReadDesk()
  desk.driver.create('/a', { data: bytesOf('cafe') })
  desk.driver.create('/a/p', { data: bytesOf('01') })
  desk.driver.create('/a/e', { data: bytesOf('02'), owner: 5n as SessionId })
  desk.driver.create('/a/p/x')
  return desk
}

function listed(desk: ReadDesk, filter: number, watch = false): readonly string[] {
  const answer = desk.ask('filteredList', encode(FilteredListRequest, { path: '/a', watch, filter }))
  return [...(bodyAs(GetChildren2Reply, answer).children ?? [])].sort()
}

/** The client reads what Keeper can do, and is known to speak its dialect from there on. */
function introduce(desk: ReadDesk): void {
  desk.ask('getData', bytesOf(`${pathBytes('/keeper/feature_flags')} 00`))
}

function multiRead(desk: ReadDesk, ...reads: readonly KeeperRead[]): ReadAnswer {
  const writer = new JuteWriter()
  writeKeeperMultiRead(writer, reads)
  return desk.ask('multiRead', writer.take())
}

describe('a filtered list', () => {
  it('shows all children, the persistent or the ephemeral ones', () => {
    const desk = filledDesk()
    expect([listed(desk, 0), listed(desk, 1), listed(desk, 2)]).toEqual([['e', 'p'], ['p'], ['e']])
  })

  it('registers a watch on the children', () => {
    const desk = filledDesk()
    listed(desk, 2, true)
    expect(desk.watches.has(desk.client.connectionId, '/a', 'children')).toBe(true)
  })

  it('with a number that names no filter is a marshalling error', () => {
    const body = encode(FilteredListRequest, { path: '/a', watch: false, filter: 3 })
    expect(filledDesk().ask('filteredList', body)).toMatchObject({ error: 'marshalling-error', body: null })
  })

  it('that looks at the children needs READ on each of them, and by name does not', () => {
    const desk = filledDesk()
    desk.driver.create('/a/closed', { acl: nobody })
    expect(listed(desk, 0)).toEqual(['closed', 'e', 'p'])
    for (const filter of [1, 2]) {
      const body = encode(FilteredListRequest, { path: '/a', watch: true, filter })
      expect(desk.ask('filteredList', body).error).toBe('no-auth')
    }
    expect(desk.watches.watchCount).toBe(0)
  })
})

describe('a list with Stats and data', () => {
  const ask = (desk: ReadDesk, filter: number, withStats: boolean, withData: boolean): ReadAnswer =>
    desk.ask(
      'filteredListWithStatsAndData',
      encode(DetailedListRequest, { path: '/a', watch: false, filter, withStats, withData }),
    )

  it('runs names, Stats and data parallel', () => {
    const desk = filledDesk()
    const { children, stats, data, stat } = bodyAs(DetailedListReply, ask(desk, 0, true, true))
    const shown = children!.map((name, i) => [name, stats![i]!.ephemeralOwner, stats![i]!.dataLength, hexOf(data![i]!)])
    expect(shown.sort()).toEqual([
      ['e', 5n, 1, '02'],
      ['p', 0n, 1, '01'],
    ])
    expect(stat.numChildren).toBe(2)
  })

  it('holds neither unless asked, and filters alike', () => {
    const desk = filledDesk()
    expect(bodyAs(DetailedListReply, ask(desk, 0, false, false))).toMatchObject({ stats: [], data: [] })
    expect(bodyAs(DetailedListReply, ask(desk, 2, true, false))).toMatchObject({ children: ['e'], data: [] })
    expect(bodyAs(DetailedListReply, ask(desk, 1, false, true))).toMatchObject({ children: ['p'], stats: [] })
  })

  it('that would pass its limit is refused', () => {
    const desk = new ReadDesk()
    desk.driver.create('/a')
    for (let i = 0; i < 70; i++) desk.driver.create(`/a/${i}`, { data: new Uint8Array(1_000_000) })
    expect(ask(desk, 0, false, true)).toMatchObject({ error: 'marshalling-error', body: null })
    expect(ask(desk, 0, true, false).error).toBe(null)
  })
})

describe('a recursive list', () => {
  const ask = (desk: ReadDesk, path: string, countMax: number): ReadAnswer =>
    desk.ask('listRecursive', bytesOf(`${pathBytes(path)} ${countMax.toString(16).padStart(8, '0')}`))

  it('names whole paths, level by level, without the znode itself', () => {
    const paths = bodyAs(ListRecursiveReply, ask(filledDesk(), '/a', 1000)).paths!
    expect([...paths.slice(0, 2)].sort()).toEqual(['/a/e', '/a/p'])
    expect(paths.slice(2)).toEqual(['/a/p/x'])
  })

  it('ends at its limit', () => {
    const desk = filledDesk()
    expect(bodyAs(ListRecursiveReply, ask(desk, '/a', 2)).paths).toHaveLength(2)
    expect(bodyAs(ListRecursiveReply, ask(desk, '/a', 0)).paths).toEqual([])
  })

  it('passes over what is closed and what is below it', () => {
    const desk = filledDesk()
    desk.driver.create('/a/closed', { acl: nobody })
    desk.driver.create('/a/closed/inside')
    expect(bodyAs(ListRecursiveReply, ask(desk, '/a', 1000)).paths).toHaveLength(3)
    expect(ask(desk, '/a/closed', 1000).error).toBe('no-auth')
    expect(ask(desk, '/none', 1000).error).toBe('no-node')
  })

  it('of the root begins with one slash', () => {
    expect(bodyAs(ListRecursiveReply, ask(filledDesk(), '/', 3)).paths).toContain('/a')
  })
})

describe('checks as requests of their own', () => {
  it('checkNotExists looks at existence and version', () => {
    const desk = filledDesk()
    const ask = (path: string, version: string): unknown =>
      desk.ask('checkNotExists', bytesOf(`${pathBytes(path)} ${version}`)).error
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
    const desk = filledDesk()
    const { stat } = bodyAs(StatReply, desk.ask('exists', bytesOf(`${pathBytes('/a/e')} 00`)))
    const ask = (path: string, wanted: typeof stat, version = -1): unknown =>
      desk.ask('checkStat', encode(CheckStatRequest, { path, version, stat: wanted })).error
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

  it('of reads that only Keeper knows there is answered in the form of ZooKeeper to strangers', () => {
    const desk = filledDesk()
    const stat = desk.ask('exists', bytesOf(`${pathBytes('/a')} 00`)).body!
    const list = desk.ask('filteredList', bytesOf(`${pathBytes('/a')} 00 02`)).body!
    const error = 'ffffffff00ffffff9bffffff9b'
    expect(hexOf(multiRead(desk, ...reads).body!)).toBe(
      `000000030000000000${hexOf(stat)}${error}0000000c0000000000${hexOf(list)}${end}`,
    )
  })

  it('tells refused parts by their operation to who asked for the feature flags', () => {
    const desk = filledDesk()
    introduce(desk)
    // As ClickHouse 26.9 sent it and took the answer, but for the paths.
    const none = pathBytes('/none')
    const answer = desk.ask(
      'multiRead',
      bytesOf(`00000003 00 ffffffff ${none} 00 00000004 00 ffffffff ${none} 00 ${end}`),
    )
    expect([answer.error, hexOf(answer.body!)]).toEqual([null, `0000000300ffffff9b0000000400ffffff9b${end}`])
  })

  it('leaves watches for who asked for the feature flags, and for nobody else', () => {
    const desk = filledDesk()
    const watching: readonly KeeperRead[] = [
      { op: 'exists', path: '/none', watch: true },
      { op: 'getData', path: '/a', watch: true },
      { op: 'filteredList', path: '/a', watch: true, filter: 0 },
      { op: 'getChildren', path: '/none', watch: true },
    ]
    multiRead(desk, ...watching)
    expect(desk.watches.watchCount).toBe(0)
    introduce(desk)
    multiRead(desk, ...watching)
    expect(desk.watches.watchCount).toBe(3)
  })

  it('of writes, and where Keeper is off, is refused as before', () => {
    const desk = filledDesk()
    introduce(desk)
    const writes = bytesOf(`00000002 00 ffffffff ${pathBytes('/a')} ffffffff ${end}`)
    expect(desk.ask('multiRead', writes)).toMatchObject({ error: 'marshalling-error', body: bytesOf(end) })
    const plain = filledDesk()
    plain.keeper = null
    expect(multiRead(plain, ...reads)).toMatchObject({ error: 'marshalling-error', body: null })
  })

  it('whose reply would pass its limit is refused in this dialect too', () => {
    const desk = new ReadDesk()
    introduce(desk)
    desk.driver.create('/large', { data: new Uint8Array(1_000_000) })
    const large: KeeperRead = { op: 'getData', path: '/large', watch: false }
    expect(multiRead(desk, ...new Array<KeeperRead>(70).fill(large))).toMatchObject({
      error: 'marshalling-error',
      body: null,
    })
  })
})

describe('the znodes of ClickHouse Keeper', () => {
  const read = (desk: ReadDesk, path: string): string =>
    hexOf(bodyAs(GetDataReply, desk.ask('getData', bytesOf(`${pathBytes(path)} 00`))).data!)
  const text = (words: string): string => Buffer.from(words).toString('hex')

  it('say which features are served, one bit each', () => {
    const desk = new ReadDesk()
    expect(read(desk, '/keeper/feature_flags')).toBe('fffe')
    desk.keeper = new KeeperZnodes({ ...keeperConfig, extendedTypesEnabled: false })
    expect(read(desk, '/keeper/feature_flags')).toBe('fff6') // without CREATE_TTL
  })

  it('say the version of the interface and the largest request', () => {
    const desk = new ReadDesk()
    expect(read(desk, '/keeper')).toBe('')
    expect(read(desk, '/keeper/api_version')).toBe(text('2'))
    expect(read(desk, '/keeper/max_request_size')).toBe(text('1048575'))
  })

  it('name the availability zone if there is one', () => {
    const desk = new ReadDesk()
    const zone = bytesOf(`${pathBytes('/keeper/availability_zone')} 00`)
    expect(desk.ask('getData', zone).error).toBe('no-node')
    desk.keeper = new KeeperZnodes({ ...keeperConfig, keeperAvailabilityZone: 'eu-1' })
    expect(read(desk, '/keeper/availability_zone')).toBe(text('eu-1'))
  })

  it('are found by every read of one znode, with a Stat of zeros and an ACL that lets all read', () => {
    const desk = new ReadDesk()
    const top = bytesOf(`${pathBytes('/keeper')} 00`)
    expect(bodyAs(StatReply, desk.ask('exists', top)).stat).toMatchObject({
      czxid: 0,
      mzxid: 0,
      version: 0,
      numChildren: 3,
    })
    const names = ['api_version', 'feature_flags', 'max_request_size']
    expect(bodyAs(GetChildrenReply, desk.ask('getChildren', top)).children).toEqual(names)
    expect(bodyAs(GetChildren2Reply, desk.ask('getChildren2', top)).children).toEqual(names)
    expect(
      bodyAs(GetChildren2Reply, desk.ask('filteredList', bytesOf(`${pathBytes('/keeper')} 00 00`))).children,
    ).toEqual(names)
    const acl = bodyAs(GetAclReply, desk.ask('getACL', bytesOf(pathBytes('/keeper/api_version'))))
    expect(acl).toMatchObject({ acl: [{ perms: 1, scheme: 'world', id: 'anyone' }], stat: { dataLength: 1 } })
  })

  it('are in no list of the root and in no count', () => {
    const desk = new ReadDesk()
    const root = bodyAs(GetChildrenReply, desk.ask('getChildren', bytesOf(`${pathBytes('/')} 00`)))
    expect(root.children).toEqual(['zookeeper'])
    expect(desk.ask('getAllChildrenNumber', bytesOf(pathBytes('/'))).body).toEqual(bytesOf('00000003'))
    expect(desk.driver.tree.aclOf('/keeper')).toBe(null)
  })

  it('take watches, which a client that comes back has again without an event', () => {
    const desk = new ReadDesk()
    desk.ask('exists', bytesOf(`${pathBytes('/keeper/feature_flags')} 01`))
    desk.ask('getChildren', bytesOf(`${pathBytes('/keeper')} 01`))
    expect(desk.watches.watchCount).toBe(2)
    const again = {
      relativeZxid: 5,
      dataWatches: ['/keeper/feature_flags'],
      existWatches: [],
      childWatches: ['/keeper'],
    }
    const answer = new ReadDesk().ask('setWatches', encode(SetWatchesRequest, again as never))
    expect(answer).toMatchObject({ error: null, missed: [] })
  })

  it('give way to a /keeper that a user has stored', () => {
    const desk = new ReadDesk()
    desk.driver.create('/keeper', { data: bytesOf('77') })
    desk.driver.create('/keeper/mine')
    expect(read(desk, '/keeper')).toBe('77')
    expect(desk.ask('getData', bytesOf(`${pathBytes('/keeper/feature_flags')} 00`)).error).toBe('no-node')
    expect(desk.client.speaksKeeper).toBe(false)
  })

  it('are not there if Keeper is off', () => {
    const desk = new ReadDesk()
    desk.keeper = null
    for (const op of ['exists', 'getData', 'getChildren2'] as const) {
      expect(desk.ask(op, bytesOf(`${pathBytes('/keeper')} 00`)).error).toBe('no-node')
    }
    expect(desk.ask('getACL', bytesOf(pathBytes('/keeper'))).error).toBe('no-node')
  })
})
