/**
 * Requests as a client could send them: every operation, with arguments that are right, wrong or absurd. All randomness
 * comes from one source, so a seed determines every request.
 * Owns: that each operation can succeed and can fail; the campaign checks that each of them did.
 */

import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { encode } from '../../src/jute/record.ts'
import { MultiHeader } from '../../src/protocol/client/headers.ts'
import * as keeper from '../../src/protocol/client/keeper-requests.ts'
import { type MultiOp, writeMultiEnd, writeMultiRequest } from '../../src/protocol/client/multi.ts'
import { type OpName, opNames, ops } from '../../src/protocol/client/operations.ts'
import * as requests from '../../src/protocol/client/requests.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { Values } from './values.ts'

export interface FuzzRequest {
  readonly name: OpName | 'unknown'
  readonly type: number
  readonly body: Uint8Array
}

/** A body is any bytes, so that it can hold what no client library would write. */
type Make = (random: SeededRandom, values: Values) => Uint8Array

const nothing = new Uint8Array(0)

const create: Make = (_, values) =>
  encode(requests.CreateRequest, { path: values.path(), data: values.data(), acl: values.acl(), flags: values.flags() })

const createTtl: Make = (_, values) => {
  const { path, data, acl, flags } = {
    path: values.path(),
    data: values.data(),
    acl: values.acl(),
    flags: values.ttlFlags(),
  }
  return encode(requests.CreateTtlRequest, { path, data, acl, flags, ttlMs: values.ttlMs() })
}

const watchable: Make = (random, values) =>
  encode(requests.WatchableRequest, { path: values.path(), watch: random.chance(3) })

const onPath: Make = (_, values) => encode(requests.PathRequest, { path: values.path() })

const watcherType: Make = (random, values) =>
  encode(requests.WatcherTypeRequest, {
    path: values.watchedPath(),
    type: random.chance(8) ? random.int32() : 1 + random.below(5),
  })

/** A type left out here is one that this grammar sends with a body of random bytes. */
const makers: Partial<Readonly<Record<OpName, Make>>> = {
  create,
  create2: create,
  createContainer: create,
  createTTL: createTtl,
  delete: (_, values) => encode(requests.DeleteRequest, { path: values.path(), version: values.version() }),
  exists: watchable,
  getData: watchable,
  getChildren: watchable,
  getChildren2: watchable,
  getACL: onPath,
  getAllChildrenNumber: onPath,
  setData: (_, values) =>
    encode(requests.SetDataRequest, { path: values.path(), data: values.data(), version: values.version() }),
  setACL: (_, values) =>
    encode(requests.SetAclRequest, { path: values.path(), acl: values.acl(), version: values.version() }),
  check: (_, values) => encode(requests.CheckRequest, { path: values.path(), version: values.version() }),
  sync: (random, values) => encode(requests.SyncRequest, { path: random.chance(9) ? null : values.path() }),
  ping: () => nothing,
  whoAmI: () => nothing,
  closeSession: () => nothing,
  multi: (random, values) => multi(random, values),
  multiRead: (random, values) => multiRead(random, values),
  checkWatches: watcherType,
  removeWatches: watcherType,
  addWatch: (random, values) =>
    encode(requests.AddWatchRequest, {
      path: values.watchedPath(),
      mode: random.chance(9) ? random.int32() : random.below(2),
    }),
  auth: (_, values) => encode(requests.AuthRequest, values.authPacket()),
  sasl: (random, values) => encode(requests.SaslRequest, { token: random.chance(2) ? null : values.data() }),
  getEphemerals: (random, values) =>
    encode(requests.EphemeralsRequest, { prefixPath: random.chance(5) ? null : values.path() }),
  reconfig: (random, values) => {
    const text = (): string | null => (random.chance(2) ? null : `server.${random.below(9)}=${values.path()}:1:2`)
    return encode(requests.ReconfigRequest, {
      joiningServers: text(),
      leavingServers: text(),
      newMembers: text(),
      curConfigId: BigInt(random.int32()),
    })
  },
  setWatches: (_, values) => {
    const { relativeZxid, dataWatches, existWatches, childWatches } = watchLists(values)
    return encode(requests.SetWatchesRequest, { relativeZxid, dataWatches, existWatches, childWatches })
  },
  setWatches2: (_, values) => encode(requests.SetWatches2Request, watchLists(values)),
  filteredList: (random, values) =>
    encode(keeper.FilteredListRequest, { path: values.path(), watch: random.chance(4), filter: filter(random) }),
  filteredListWithStatsAndData: (random, values) =>
    encode(keeper.DetailedListRequest, {
      path: values.path(),
      watch: random.chance(4),
      filter: filter(random),
      withStats: random.chance(2),
      withData: random.chance(2),
    }),
  listRecursive: (random, values) =>
    encode(keeper.ListRecursiveRequest, { path: values.path(), countMax: countMax(random) }),
  checkNotExists: (_, values) => encode(requests.CheckRequest, { path: values.path(), version: values.version() }),
  createIfNotExists: create,
  tryRemove: (_, values) => encode(requests.DeleteRequest, { path: values.path(), version: values.version() }),
  removeRecursive: (random, values) => {
    // Seldom the whole tree, so that other requests find znodes.
    const path = random.chance(30) ? values.path() : values.deepPath()
    return encode(keeper.RemoveRecursiveRequest, { path, countMax: countMax(random) })
  },
  checkStat: (_, values) =>
    encode(keeper.CheckStatRequest, { path: values.path(), version: values.version(), stat: values.expectedStat() }),
  createSession: (random) => encode(requests.CreateSessionRequest, { timeoutMs: random.int32() }),
}

function filter(random: SeededRandom): number {
  return random.chance(12) ? random.below(256) - 128 : random.below(3)
}

function countMax(random: SeededRandom): number {
  return random.pick([0, 1, 3, 100, 2 ** 32 - 1])
}

/** Reads and writes are frequent; requests that end a connection are rare. */
const weights: Partial<Readonly<Record<OpName, number>>> = {
  create: 14,
  create2: 8,
  delete: 8,
  setData: 10,
  multi: 8,
  getData: 8,
  exists: 6,
  closeSession: 0.4,
  createSession: 0.4,
  deleteContainer: 0.4,
  removeRecursive: 1,
  check: 0.6,
}

const weighted: readonly (OpName | 'unknown')[] = [...opNames, 'unknown' as const].flatMap((name) =>
  Array.from({ length: Math.round(10 * (name === 'unknown' ? 0.6 : (weights[name] ?? 2.5))) }, () => name),
)

export function nextRequest(random: SeededRandom, values: Values): FuzzRequest {
  return requestOf(random.pick(weighted), random, values)
}

export function requestOf(name: OpName | 'unknown', random: SeededRandom, values: Values): FuzzRequest {
  if (name === 'unknown') return { name, type: random.int32(), body: random.bytes(random.below(60)) }
  const make = makers[name]
  const body = make === undefined ? random.bytes(random.below(60)) : make(random, values)
  return { name, type: ops[name].opcode, body }
}

function watchLists(values: Values): requests.SetWatches2Request {
  return {
    relativeZxid: values.relativeZxid(),
    dataWatches: values.paths(),
    existWatches: values.paths(),
    childWatches: values.paths(),
    persistentWatches: values.paths(),
    persistentRecursiveWatches: values.paths(),
  }
}

function multi(random: SeededRandom, values: Values): Uint8Array {
  const writer = new JuteWriter()
  const parts = Array.from({ length: random.below(random.chance(20) ? 60 : 6) }, () => multiOp(random, values))
  writeMultiRequest(writer, parts)
  return writer.take()
}

function multiOp(random: SeededRandom, values: Values): MultiOp {
  const path = values.path()
  switch (random.below(8)) {
    case 5:
      return { kind: 'check-not-exists', path, version: values.version() }
    case 6:
      return { kind: 'remove-recursive', path: values.deepPath(), countMax: countMax(random) }
    case 7:
      return random.chance(2)
        ? { kind: 'try-remove', path, version: values.version() }
        : { kind: 'create-if-not-exists', path, data: values.data(), acl: values.acl(), flags: values.flags() }
    case 0:
      return { kind: 'delete', path, version: values.version() }
    case 1:
      return { kind: 'set-data', path, data: values.data(), version: values.version() }
    case 2:
      return { kind: 'check', path, version: values.version() }
    case 3:
      return {
        kind: 'create',
        op: 'createTTL',
        path,
        data: values.data(),
        acl: values.acl(),
        flags: values.ttlFlags(),
        ttlMs: values.ttlMs(),
      }
    default:
      return {
        kind: 'create',
        op: random.pick(['create', 'create2', 'createContainer']),
        path,
        data: values.data(),
        acl: values.acl(),
        flags: values.flags(),
        ttlMs: -1n,
      }
  }
}

/** Mostly reads that ZooKeeper allows in a multiRead, now and then one that only Keeper allows, or that neither does. */
function multiRead(random: SeededRandom, values: Values): Uint8Array {
  const writer = new JuteWriter()
  for (let left = random.below(6); left > 0; left--) {
    const name = random.chance(25) ? random.pick(opNames) : random.pick(['getData', 'getChildren'] as const)
    MultiHeader.write(writer, { type: ops[name].opcode, done: false, error: -1 })
    writer.writeBytes(encode(requests.WatchableRequest, { path: values.path(), watch: random.chance(2) }))
  }
  writeMultiEnd(writer)
  return writer.take()
}
