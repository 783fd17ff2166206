/**
 * The same tree as a plain Map from path to fields: slow, and written from the rules of the protocol, without sharing
 * code with the real one. Children are found by scanning paths; counts are counted each time.
 */
import type { SessionId } from '../../src/base/ids.ts'
import type { Stat } from '../../src/protocol/client/stat.ts'
import type { AclEntry, Change } from '../../src/protocol/txn/txn.ts'

export interface ModelNode {
  data: Uint8Array | null
  acl: readonly AclEntry[]
  readonly owner: SessionId
  readonly czxid: number
  readonly ctime: number
  mzxid: number
  mtime: number
  pzxid: number
  version: number
  aversion: number
  childrenEverCreated: number
}

export class PlainModel {
  readonly nodes = new Map<string, ModelNode>()

  constructor() {
    const open = [{ perms: 31, scheme: 'world', id: 'anyone' }]
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      this.nodes.set(path, newNode(0, 0, new Uint8Array(0), open, 0n as SessionId))
    }
    const config = this.nodes.get('/zookeeper/config')!
    config.acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]
    config.aversion = -1
  }

  apply(zxid: number, timeMs: number, change: Change): void {
    switch (change.kind) {
      case 'create': {
        this.nodes.set(change.path, newNode(zxid, timeMs, change.data, change.acl, change.ephemeralOwner))
        const parent = this.nodes.get(parentOf(change.path))!
        parent.childrenEverCreated = change.parentCreateCount
        parent.pzxid = zxid
        return
      }
      case 'delete':
        this.nodes.delete(change.path)
        this.nodes.get(parentOf(change.path))!.pzxid = zxid
        return
      case 'set-data':
        Object.assign(this.nodes.get(change.path)!, {
          data: change.data?.slice() ?? null,
          version: change.version,
          mzxid: zxid,
          mtime: timeMs,
        })
        return
      case 'set-acl':
        Object.assign(this.nodes.get(change.path)!, { acl: change.acl, aversion: change.aversion })
        return
      case 'close-session':
        for (const path of change.deletedPaths) {
          if (this.nodes.get(path)?.owner === change.sessionId) this.apply(zxid, timeMs, { kind: 'delete', path })
        }
        return
      case 'bundle':
        for (const bundled of change.changes) this.apply(zxid, timeMs, bundled)
        return
      case 'check':
      case 'refusal':
      case 'create-session':
        return
    }
  }

  childrenOf(path: string): readonly string[] {
    return [...this.nodes.keys()]
      .filter((each) => each !== '/' && parentOf(each) === path)
      .map((each) => each.slice(each.lastIndexOf('/') + 1))
      .sort()
  }

  ephemeralsOf(session: SessionId): readonly string[] {
    return [...this.nodes]
      .filter(([, { owner }]) => owner === session)
      .map(([path]) => path)
      .sort()
  }

  statOf(path: string): Record<keyof Stat, unknown> {
    const node = this.nodes.get(path)!
    const numChildren = this.childrenOf(path).length
    return {
      czxid: node.czxid,
      mzxid: node.mzxid,
      ctime: node.ctime,
      mtime: node.mtime,
      version: node.version,
      cversion: 2 * node.childrenEverCreated - numChildren,
      aversion: node.aversion,
      ephemeralOwner: node.owner,
      dataLength: node.data?.length ?? 0,
      numChildren,
      pzxid: node.pzxid,
    }
  }
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function newNode(
  zxid: number,
  timeMs: number,
  data: Uint8Array | null,
  acl: readonly AclEntry[],
  owner: SessionId,
): ModelNode {
  return {
    data: data?.slice() ?? null,
    acl,
    owner,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: timeMs,
    mtime: timeMs,
    version: 0,
    aversion: 0,
    childrenEverCreated: 0,
  }
}
