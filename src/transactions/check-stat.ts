/**
 * Whether a znode has the Stat that a client of ClickHouse Keeper saw (Keeper: checkNodeStat in KeeperStorageImpl.cpp).
 * A field of the expected Stat that is -1 matches anything. The znode is compared as it will be after the changes in
 * flight.
 */
import type { Stat } from '../protocol/client/stat.ts'
import type { NodeView } from '../tree/node-view.ts'
import { ownerKindOf } from '../tree/owner-kind.ts'

const anything = -1
/** -1 as an unsigned int64. */
const anyOwner = 0xffff_ffff_ffff_ffffn

type Facts = Omit<NodeView, 'acl'>

export function checkStat(node: Facts, expected: Stat): boolean {
  const owner = ownerKindOf(node.ephemeralOwner) === 'session' ? node.ephemeralOwner : 0n
  return (
    is(expected.czxid, node.czxid) &&
    is(expected.mzxid, node.mzxid) &&
    is(expected.ctime, node.ctimeMs) &&
    is(expected.mtime, node.mtimeMs) &&
    is(expected.version, node.version) &&
    is(expected.cversion, (2 * node.createCount - node.childCount) | 0) &&
    is(expected.aversion, node.aversion) &&
    (expected.ephemeralOwner === anyOwner || BigInt.asUintN(64, owner) === expected.ephemeralOwner) &&
    is(expected.dataLength, node.dataLengthBytes) &&
    is(expected.numChildren, node.childCount) &&
    is(expected.pzxid, node.pzxid)
  )
}

function is(expected: number, actual: number): boolean {
  return expected === anything || expected === actual
}
