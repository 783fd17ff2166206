/**
 * Drives a DataTree as a leader with one client would: each call is one txn with the next zxid, and after-images
 * (versions, create counts) are computed from the present state of the tree. Replies are decoded with the client
 * records.
 */
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { type Codec, decode } from '../../src/jute/record.ts'
import { GetChildren2Reply, GetChildrenReply, GetDataReply } from '../../src/protocol/client/replies.ts'
import { Stat } from '../../src/protocol/client/stat.ts'
import type { AclEntry, Change } from '../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import type { TreeEvent } from '../../src/tree/tree-event.ts'

export const openAcl: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]
export const noOwner = 0n as SessionId

/** The time of the txn of zxid z, so that a Stat shows which txn set it. */
export function timeMsOf(zxid: number): number {
  return 1_700_000_000_000 + zxid
}

export class TreeDriver {
  readonly tree: DataTree
  zxid = 0x1_0000_0000 as Zxid

  constructor(tree: DataTree = new DataTree(new SessionTable())) {
    this.tree = tree
  }

  commit(...changes: readonly Change[]): readonly TreeEvent[] {
    this.zxid = (this.zxid + 1) as Zxid
    return this.commitAt(this.zxid, changes)
  }

  commitAt(zxid: Zxid, changes: readonly Change[]): readonly TreeEvent[] {
    return this.tree.applier.apply(zxid, { timeMs: timeMsOf(zxid), changes }, null)
  }

  create(
    path: string,
    options: { data?: Uint8Array | null; acl?: readonly AclEntry[]; owner?: SessionId } = {},
  ): readonly TreeEvent[] {
    const parent = this.tree.view(path.slice(0, path.lastIndexOf('/')))
    return this.commit(creation(path, (parent?.createCount ?? 0) + 1, options))
  }

  delete(path: string): readonly TreeEvent[] {
    return this.commit({ kind: 'delete', path })
  }

  setData(path: string, data: Uint8Array | null): readonly TreeEvent[] {
    return this.commit({ kind: 'set-data', path, data, version: (this.tree.view(path)?.version ?? 0) + 1 })
  }

  setAcl(path: string, acl: readonly AclEntry[]): readonly TreeEvent[] {
    return this.commit({ kind: 'set-acl', path, acl, aversion: (this.tree.view(path)?.aversion ?? 0) + 1 })
  }

  stat(path: string): Stat {
    return read(Stat, (writer) => this.tree.writeStat(path, writer))
  }

  data(path: string): GetDataReply {
    return read(GetDataReply, (writer) => this.tree.writeDataAndStat(path, writer))
  }

  /** Sorted. */
  children(path: string): readonly string[] {
    return [...(read(GetChildrenReply, (writer) => this.tree.writeChildren(path, writer)).children ?? [])].sort()
  }

  childrenAndStat(path: string): GetChildren2Reply {
    return read(GetChildren2Reply, (writer) => this.tree.writeChildrenAndStat(path, writer))
  }
}

export function creation(
  path: string,
  parentCreateCount: number,
  options: { data?: Uint8Array | null; acl?: readonly AclEntry[]; owner?: SessionId } = {},
): Change {
  return {
    kind: 'create',
    path,
    data: options.data === undefined ? null : options.data,
    acl: options.acl ?? openAcl,
    ephemeralOwner: options.owner ?? noOwner,
    parentCreateCount,
    withStat: false,
  }
}

function read<T>(codec: Codec<T>, write: (writer: JuteWriter) => boolean): T {
  const writer = new JuteWriter()
  if (!write(writer)) throw new Error('no such znode')
  const result = decode(codec, writer.take())
  if (!result.ok) throw new Error('the tree wrote a record that does not decode')
  return result.value
}
