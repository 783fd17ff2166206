/**
 * The reads that ClickHouse Keeper has beyond ZooKeeper, answered as Keeper does (KeeperStorageImpl.cpp, the
 * processLocal functions). A list that shows more of the children than their names requires READ on each, and is
 * refused as a whole if one child denies it. Watches in a multiRead are registered for clients that are known to speak
 * Keeper's dialect.
 */
import { isAllowed } from '../../../auth/is-allowed.ts'
import { permissions } from '../../../auth/permissions.ts'
import { assert } from '../../../base/assert.ts'
import type { ErrorName } from '../../../base/errors.ts'
import { listReplySizeBytesMax, multiReadReplySizeBytesMax } from '../../../base/limits.ts'
import { JuteReader } from '../../../jute/jute-reader.ts'
import { JuteWriter } from '../../../jute/jute-writer.ts'
import {
  decodeKeeperMultiRead,
  type KeeperRead,
  readKeeperRead,
  writeKeeperReadError,
  writeKeeperReadHeader,
} from '../../../protocol/client/keeper-reads.ts'
import { type ListFilter, listFilterOf } from '../../../protocol/client/keeper-requests.ts'
import { writeMultiEnd } from '../../../protocol/client/multi.ts'
import { writeMultiReadError } from '../../../protocol/client/multi-read.ts'
import { checkStat } from '../../../transactions/check-stat.ts'
import type { ChildZnode } from '../../../tree/child-znode.ts'
import type { PendingRequest } from '../../clients/client.ts'
import { readNode } from '../node-reads.ts'
import { nothingMissed, type ReadAnswer, type ReadContext, refusal } from '../read-answer.ts'

type Wanted<Op extends KeeperRead['op']> = Extract<KeeperRead, { readonly op: Op }>

const anyVersion = -1

/** Answers one of these reads as a single request. */
export function answerKeeperRead(pending: PendingRequest, context: ReadContext): ReadAnswer {
  const { op, body } = pending.request
  const reader = new JuteReader(body)
  const read = readKeeperRead(reader, op?.name ?? null)
  assert(read !== null, 'only reads are answered as reads', { op: op?.name })
  if (reader.failed) return refusal('marshalling-error')
  const writer = new JuteWriter()
  const error = perform(writer, read, pending, context)
  if (error !== null) return refusal(error)
  return { error: null, body: writer.lengthBytes === 0 ? null : writer.detach(), missed: nothingMissed }
}

/** Null: the body is not a multiRead in Keeper's dialect. */
export function answerKeeperMultiRead(pending: PendingRequest, context: ReadContext): ReadAnswer | null {
  const { request, client } = pending
  const reads = decodeKeeperMultiRead(request.body)
  if (!reads.ok) return null
  const writer = new JuteWriter()
  for (const read of reads.value) {
    const start = writer.lengthBytes
    writeKeeperReadHeader(writer, read.op)
    const allowed = client.speaksKeeper || !('watch' in read) ? read : { ...read, watch: false }
    const error = perform(writer, allowed, pending, context)
    if (error !== null) {
      writer.truncate(start)
      if (client.speaksKeeper) writeKeeperReadError(writer, read.op, error)
      else writeMultiReadError(writer, error)
    }
    if (writer.lengthBytes > multiReadReplySizeBytesMax) return refusal('marshalling-error')
  }
  writeMultiEnd(writer)
  return { error: null, body: writer.detach(), missed: nothingMissed }
}

function perform(
  writer: JuteWriter,
  read: KeeperRead,
  pending: PendingRequest,
  context: ReadContext,
): ErrorName | null {
  switch (read.op) {
    case 'filteredList':
      return listFiltered(writer, { ...read, withStats: false, withData: false }, pending, context)
    case 'filteredListWithStatsAndData':
      return listFiltered(writer, read, pending, context)
    case 'listRecursive':
      return listRecursive(writer, read, pending, context)
    case 'checkNotExists':
      return checkNotExists(read, pending, context)
    case 'checkStat':
      return compareStat(read, pending, context)
    default:
      return readNode(writer, read.op, read, pending, context)
  }
}

interface ListWanted {
  readonly op: 'filteredList' | 'filteredListWithStatsAndData'
  readonly path: string
  readonly watch: boolean
  readonly filter: number
  readonly withStats: boolean
  readonly withData: boolean
}

function listFiltered(
  writer: JuteWriter,
  { op, path, watch, filter: filterNumber, withStats, withData }: ListWanted,
  pending: PendingRequest,
  context: ReadContext,
): ErrorName | null {
  const filter = listFilterOf(filterNumber)
  if (filter === null) return 'marshalling-error'
  const { tree, watches, access } = context
  const { client, authIds } = pending
  const acl = tree.aclOf(path)
  const looksInside = filter !== 'all' || withStats || withData
  if (acl === null || !looksInside) {
    const error = readNode(writer, 'getChildren2', { path, watch }, pending, context)
    if (error === null && op === 'filteredListWithStatsAndData') writeNoDetails(writer)
    return error
  }
  if (!isAllowed(acl, permissions.read, authIds, access)) return 'no-auth'
  const shown: ChildZnode[] = []
  for (const child of tree.children(path)) {
    if (!isAllowed(child.acl, permissions.read, authIds, access)) return 'no-auth'
    if (isShown(child, filter)) shown.push(child)
  }
  writer.writeVector(shown, (into, child) => into.writeUstring(child.name))
  tree.writeStat(path, writer)
  if (op === 'filteredListWithStatsAndData') {
    writer.writeVector(withStats ? shown : [], (into, child) => child.writeStat(into))
    writer.writeInt(withData ? shown.length : 0)
    for (const child of withData ? shown : []) {
      child.writeData(writer)
      if (writer.lengthBytes > listReplySizeBytesMax) return 'marshalling-error'
    }
  }
  if (watch) watches.addChild(client.connectionId, path)
  return null
}

/** No Stats and no data. */
function writeNoDetails(writer: JuteWriter): void {
  writer.writeInt(0)
  writer.writeInt(0)
}

function isShown(child: ChildZnode, filter: ListFilter): boolean {
  return filter === 'all' || child.isEphemeral === (filter === 'ephemeral')
}

/**
 * Writes full paths, level by level, up to `countMax`; a znode that the client may not read is skipped with its
 * subtree.
 */
function listRecursive(
  writer: JuteWriter,
  { path, countMax }: Wanted<'listRecursive'>,
  { authIds }: PendingRequest,
  { tree, access }: ReadContext,
): ErrorName | null {
  const acl = tree.aclOf(path)
  if (acl === null) return 'no-node'
  if (!isAllowed(acl, permissions.read, authIds, access)) return 'no-auth'
  const countAt = writer.lengthBytes
  writer.writeInt(0)
  const found: string[] = [path]
  for (let i = 0; i < found.length && found.length <= countMax; i++) {
    const parent = found[i]!
    for (const child of tree.children(parent)) {
      if (!isAllowed(child.acl, permissions.read, authIds, access)) continue
      if (found.length > countMax) break
      const childPath = parent === '/' ? `/${child.name}` : `${parent}/${child.name}`
      found.push(childPath)
      writer.writeUstring(childPath)
      if (writer.lengthBytes > listReplySizeBytesMax) return 'marshalling-error'
    }
  }
  writer.patchInt(countAt, found.length - 1)
  return null
}

function checkNotExists(
  { path, version }: Wanted<'checkNotExists'>,
  { authIds }: PendingRequest,
  { tree, keeper, access }: ReadContext,
): ErrorName | null {
  const view = tree.view(path)
  if (view === null) return (keeper?.find(path, tree) ?? null) === null ? null : 'bad-arguments'
  if (!isAllowed(view.acl, permissions.read, authIds, access)) return 'no-auth'
  return version === anyVersion || version === view.version ? 'node-exists' : null
}

function compareStat(
  { path, version, stat }: Wanted<'checkStat'>,
  { authIds }: PendingRequest,
  { tree, keeper, access }: ReadContext,
): ErrorName | null {
  const view = tree.view(path)
  if (view === null) return (keeper?.find(path, tree) ?? null) === null ? 'no-node' : 'bad-arguments'
  if (!isAllowed(view.acl, permissions.read, authIds, access)) return 'no-auth'
  if (version !== anyVersion && version !== view.version) return 'bad-version'
  return checkStat(view, stat) ? null : 'bad-version'
}
