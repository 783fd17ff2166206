/**
 * The znodes that show which features this server has, as in ClickHouse Keeper (KeeperContext.cpp,
 * KeeperFeatureFlags.cpp). They are in no tree, digest or count: only reads that name them find them, so that a list of
 * the root looks as in ZooKeeper. If a client has created its own /keeper, that is shown and none of these.
 * If a flag were set for a feature that is not fully implemented, ClickHouse would use it and fail.
 */
import { type SessionId, zeroZxid } from '../../../base/ids.ts'
import type { Config } from '../../../config/config.ts'
import { keeperPath } from '../../../protocol/client/keeper-requests.ts'
import type { Stat } from '../../../protocol/client/stat.ts'
import type { AclEntry } from '../../../protocol/txn/txn.ts'
import type { DataTree } from '../../../tree/data-tree.ts'
import type { NodeView } from '../../../tree/node-view.ts'

/** In the order of their bits, which never changes. */
const keeperFeatures = [
  'FILTERED_LIST',
  'MULTI_READ',
  'CHECK_NOT_EXISTS',
  'CREATE_IF_NOT_EXISTS',
  'REMOVE_RECURSIVE',
  'MULTI_WATCHES',
  'CHECK_STAT',
  'PERSISTENT_WATCHES',
  'CREATE_WITH_STATS',
  'TRY_REMOVE',
  'LIST_WITH_STAT_AND_DATA',
  'GET_CHILDREN_RECURSIVE',
  'CREATE_TTL',
  'CREATE_CONTAINER',
  'MAX_REQUEST_SIZE',
] as const
type KeeperFeature = (typeof keeperFeatures)[number]

/** The version for clients that do not know the flags: filtered lists and multiRead. */
const apiVersion = '2'

export const keeperAcl: readonly AclEntry[] = [{ perms: 1, scheme: 'world', id: 'anyone' }]

export interface KeeperZnode {
  readonly data: Uint8Array
  readonly children: readonly string[]
  readonly stat: Stat
  /** For setWatches: watches are compared with a znode that never changed. */
  readonly view: NodeView
}

/** The part of the configuration that these znodes show. */
export interface KeeperConfig extends Pick<Config, 'extendedTypesEnabled' | 'keeperAvailabilityZone'> {
  readonly clientLimits: Pick<Config['clientLimits'], 'frameSizeBytesMax'>
}

export class KeeperZnodes {
  readonly #znodes: ReadonlyMap<string, KeeperZnode>

  constructor(config: KeeperConfig) {
    const features = keeperFeatures.filter((name) => name !== 'CREATE_TTL' || config.extendedTypesEnabled)
    const data = new Map<string, Uint8Array>([
      ['api_version', utf8.encode(apiVersion)],
      ['feature_flags', bitsOf(features)],
      ['max_request_size', utf8.encode(String(config.clientLimits.frameSizeBytesMax))],
    ])
    const zone = config.keeperAvailabilityZone
    if (zone !== null) data.set('availability_zone', utf8.encode(zone))
    const znodes = new Map([[keeperPath, znodeOf(new Uint8Array(0), [...data.keys()].sort())]])
    for (const [name, value] of data) znodes.set(`${keeperPath}/${name}`, znodeOf(value, []))
    this.#znodes = znodes
  }

  find(path: string, tree: DataTree): KeeperZnode | null {
    if (!path.startsWith(keeperPath)) return null
    const znode = this.#znodes.get(path) ?? null
    return znode === null || tree.aclOf(keeperPath) !== null ? null : znode
  }
}

/** One bit each, the highest of a byte first. */
function bitsOf(features: readonly KeeperFeature[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(keeperFeatures.length / 8))
  for (const [index, feature] of keeperFeatures.entries()) {
    if (features.includes(feature)) bytes[index >> 3]! |= 0x80 >> (index & 7)
  }
  return bytes
}

function znodeOf(data: Uint8Array, children: readonly string[]): KeeperZnode {
  const counts = { version: 0, aversion: 0 }
  const moments = { czxid: zeroZxid, mzxid: zeroZxid, pzxid: zeroZxid }
  const stat: Stat = {
    ...counts,
    ...moments,
    ctime: 0,
    mtime: 0,
    cversion: 0,
    ephemeralOwner: noOwner,
    dataLength: data.length,
    numChildren: children.length,
  }
  const view: NodeView = {
    ...counts,
    ...moments,
    ctimeMs: 0,
    mtimeMs: 0,
    createCount: 0,
    childCount: children.length,
    ephemeralOwner: noOwner,
    acl: keeperAcl,
    dataLengthBytes: data.length,
  }
  return { data, children, stat, view }
}

const utf8 = new TextEncoder()
const noOwner = 0n as SessionId
