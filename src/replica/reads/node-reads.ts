/**
 * The reads of one znode: its Stat, its data, its children. A watch is registered together with its read, so nothing
 * can change between the two. A path that is not in the tree may be one of the znodes of ClickHouse Keeper; these are
 * looked up last, so that they cost nothing for paths in the tree.
 */
import { isAllowed } from '../../auth/is-allowed.ts'
import { permissions } from '../../auth/permissions.ts'
import type { ErrorName } from '../../base/errors.ts'
import type { JuteWriter } from '../../jute/jute-writer.ts'
import type { NodeReadOp } from '../../protocol/client/keeper-reads.ts'
import type { WatchableRequest } from '../../protocol/client/requests.ts'
import { Stat } from '../../protocol/client/stat.ts'
import type { Client, PendingRequest } from '../clients/client.ts'
import type { KeeperZnode } from './keeper/keeper-znodes.ts'
import type { ReadContext } from './read-answer.ts'

const nul = '\0'

/** Writes the body; if it returns an error, the caller discards what was written. */
export function readNode(
  writer: JuteWriter,
  op: NodeReadOp,
  wanted: WatchableRequest,
  { client, authIds }: PendingRequest,
  context: ReadContext,
): ErrorName | null {
  const { path, watch } = wanted
  const { tree, watches, reads, access, configZnode } = context
  const { connectionId } = client
  if (op === 'exists' && path.includes(nul)) return 'bad-arguments'
  const acl = tree.aclOf(path)
  if (acl === null) return readUnstored(writer, op, wanted, client, context)
  if (!isAllowed(acl, permissions.read, authIds, access)) return 'no-auth'
  const start = writer.lengthBytes
  switch (op) {
    case 'exists':
      if (watch) watches.addData(connectionId, path)
      configZnode.writeStat(path, tree, writer)
      break
    case 'getData':
      if (watch) watches.addData(connectionId, path)
      configZnode.writeDataAndStat(path, tree, writer)
      break
    case 'getChildren':
      if (watch) watches.addChild(connectionId, path)
      tree.writeChildren(path, writer)
      break
    default:
      if (watch) watches.addChild(connectionId, path)
      tree.writeChildrenAndStat(path, writer)
      configZnode.correctStat(path, tree, writer)
  }
  reads.note(path, path.length + writer.lengthBytes - start)
  return null
}

function readUnstored(
  writer: JuteWriter,
  op: NodeReadOp,
  { path, watch }: WatchableRequest,
  client: Client,
  { tree, watches, keeper }: ReadContext,
): ErrorName | null {
  const znode = keeper?.find(path, tree) ?? null
  if (znode === null) {
    // A watch on a missing znode waits for its creation; the other reads register none.
    if (op === 'exists' && watch) watches.addExist(client.connectionId, path)
    return 'no-node'
  }
  if (watch && (op === 'exists' || op === 'getData')) watches.addData(client.connectionId, path)
  else if (watch) watches.addChild(client.connectionId, path)
  // A client that reads Keeper's features understands Keeper's replies.
  if (op === 'getData') client.speaksKeeper = true
  writeKeeperZnode(writer, op, znode)
  return null
}

function writeKeeperZnode(writer: JuteWriter, op: NodeReadOp, { data, children, stat }: KeeperZnode): void {
  if (op === 'getData') writer.writeBuffer(data)
  else if (op !== 'exists') writer.writeVector(children, (into, name) => into.writeUstring(name))
  if (op !== 'getChildren') Stat.write(writer, stat)
}
