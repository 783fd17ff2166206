import { expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load-config.ts'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { encode } from '../../../src/jute/record.ts'
import { writeMultiReadRequest } from '../../../src/protocol/client/multi-read.ts'
import { GetAclReply, GetChildren2Reply, GetDataReply, StatReply } from '../../../src/protocol/client/replies.ts'
import { PathRequest, WatchableRequest } from '../../../src/protocol/client/requests.ts'
import { configZnodeOf } from '../../../src/replica/reads/config-znode.ts'
import { bodyAs, ReadRig } from './read-rig.ts'

const path = '/zookeeper/config'
const wanted = encode(WatchableRequest, { path, watch: false })
const serverLines = [
  'server.2=10.0.0.2:2888:3888;2181',
  'server.1=node-one:2888:3888:participant;10.0.0.1:2182',
  'server.3=[fe80::3]:2888:3888;[::1]:2183',
  'server.10=node-ten:2888:3888',
]
const expected = [
  'server.1=node-one:2888:3888:participant;10.0.0.1:2182',
  'server.2=10.0.0.2:2888:3888:participant;0.0.0.0:2181',
  'server.3=[fe80::3]:2888:3888:participant;[::1]:2183',
  'server.10=node-ten:2888:3888:participant',
  'version=0',
].join('\n')

function deskOf(...lines: readonly string[]): ReadRig {
  const text = ['dataDir=/d', 'clientPort=2181', 'initLimit=10', 'syncLimit=5', ...lines].join('\n')
  const loaded = loadConfig({ text, dynamicText: null, myidText: '2' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return new ReadRig(undefined, { configZnode: configZnodeOf(loaded.value.config) })
}

function textOf(data: Uint8Array | null): string | null {
  return data === null ? null : new TextDecoder().decode(data)
}

it('the configuration znode of an ensemble shows its members by id, with a Stat that fits', () => {
  const { data, stat } = bodyAs(GetDataReply, deskOf(...serverLines).ask('getData', wanted))
  expect(textOf(data)).toBe(expected)
  expect(stat).toMatchObject({ version: -1, aversion: -1, mzxid: 0, czxid: 0, dataLength: expected.length })
})

it('every read of the configuration znode shows the same Stat', () => {
  const rig = deskOf(...serverLines)
  const { stat } = bodyAs(GetDataReply, rig.ask('getData', wanted))
  expect(bodyAs(StatReply, rig.ask('exists', wanted)).stat).toEqual(stat)
  expect(bodyAs(GetChildren2Reply, rig.ask('getChildren2', wanted)).stat).toEqual(stat)
  expect(bodyAs(GetAclReply, rig.ask('getACL', encode(PathRequest, { path }))).stat).toEqual(stat)
})

it('a multiRead shows the members too', () => {
  const writer = new JuteWriter()
  writeMultiReadRequest(writer, [{ op: 'getData', path }])
  const { body } = deskOf(...serverLines).ask('multiRead', writer.take())
  expect(textOf(body)).toContain(expected)
})

it('the configuration znode of a standalone server is empty', () => {
  const { data, stat } = bodyAs(GetDataReply, deskOf().ask('getData', wanted))
  expect([textOf(data), stat.version, stat.dataLength]).toEqual(['', 0, 0])
})

it('data written to the configuration znode by a txn is shown instead of the members', () => {
  const rig = deskOf(...serverLines)
  rig.driver.setData(path, Uint8Array.of(120))
  const { data, stat } = bodyAs(GetDataReply, rig.ask('getData', wanted))
  expect([textOf(data), stat.dataLength]).toEqual(['x', 1])
})

it('no other znode shows the members', () => {
  const rig = deskOf(...serverLines)
  rig.driver.create('/zookeeper/confix')
  const other = encode(WatchableRequest, { path: '/zookeeper/confix', watch: false })
  expect(bodyAs(GetDataReply, rig.ask('getData', other)).stat.dataLength).toBeLessThan(expected.length)
})
