/**
 * The rules of writes over a plain Map, written from the protocol's description and sharing no code with what is
 * tested: every request sees the whole effect of the one before, and a failed multi restores a copy.
 * Knows only what the random requests of pipelining.test.ts use: one user, three ACL forms, short names.
 */
import type { AuthId } from '../../src/auth/auth-id.ts'
import type { ErrorName } from '../../src/base/errors.ts'
import type { SessionId } from '../../src/base/ids.ts'
import type { AclWire } from '../../src/protocol/client/acl.ts'
import type { KeeperWrite } from '../../src/protocol/client/keeper-requests.ts'
import type { MultiOp } from '../../src/protocol/client/multi.ts'
import type { NodeWrite, WriteRequest } from '../../src/transactions/write-request.ts'

interface ModelNode {
  version: number
  aversion: number
  createCount: number
  childCount: number
  ephemeralOwner: bigint
  acl: readonly AclWire[]
}

interface Caller {
  readonly sessionId: SessionId
  readonly ids: readonly AuthId[]
}

export interface ModelOutcome {
  readonly error: ErrorName | null
  readonly failedIndex: number | null
}

const container = 1n << 63n
const open: readonly AclWire[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]

export class ModelTree {
  nodes = new Map<string, ModelNode>([
    ['/', { ...fresh(0n, open), childCount: 1 }],
    ['/zookeeper', { ...fresh(0n, open), childCount: 2 }],
    ['/zookeeper/quota', fresh(0n, open)],
    ['/zookeeper/config', { ...fresh(0n, [{ ...open[0]!, perms: 1 }]), aversion: -1 }],
  ])

  run(request: WriteRequest, caller: Caller): ModelOutcome {
    switch (request.kind) {
      case 'create-session':
        return { error: null, failedIndex: null }
      case 'close-session':
        for (const [path, node] of [...this.nodes]) if (node.ephemeralOwner === request.sessionId) this.#drop(path)
        return { error: null, failedIndex: null }
      case 'multi': {
        const before = new Map([...this.nodes].map(([path, node]) => [path, { ...node }]))
        for (const [failedIndex, op] of request.ops.entries()) {
          const error = this.#write(op, caller)
          if (error === null) continue
          this.nodes = before
          return { error, failedIndex }
        }
        return { error: null, failedIndex: null }
      }
      default:
        return { error: this.#write(request, caller), failedIndex: null }
    }
  }

  #write(
    write: Exclude<WriteRequest, { kind: 'multi' | `${string}-session` }> | MultiOp,
    caller: Caller,
  ): ErrorName | null {
    switch (write.kind) {
      case 'check-not-exists':
      case 'create-if-not-exists':
      case 'try-remove':
      case 'remove-recursive':
      case 'check-stat':
        return this.#keeperWrite(write, caller)
      case 'create':
        return this.#create(write, caller)
      case 'delete':
        return this.#delete(write, caller)
      default:
        return this.#change(write, caller)
    }
  }

  #create(write: Extract<NodeWrite, { kind: 'create' }>, caller: Caller): ErrorName | null {
    const acl = stored(write.acl!, caller)
    if (acl === null) return 'invalid-acl'
    const parent = this.nodes.get(above(write.path))
    if (parent === undefined) return 'no-node'
    if (!may(parent, 4, caller)) return 'no-auth'
    const isSequential = write.flags === 2 || write.flags === 3
    const path = isSequential ? `${write.path}${`000000000${parent.createCount}`.slice(-10)}` : write.path
    if (path.endsWith('/')) return 'bad-arguments'
    if (this.nodes.has(path)) return 'node-exists'
    if (parent.ephemeralOwner !== 0n && parent.ephemeralOwner !== container) return 'no-children-for-ephemerals'
    parent.createCount++
    parent.childCount++
    this.nodes.set(path, fresh(write.flags === 1 || write.flags === 3 ? caller.sessionId : 0n, acl))
    return null
  }

  #delete(write: Extract<NodeWrite, { kind: 'delete' }>, caller: Caller): ErrorName | null {
    const parent = this.nodes.get(above(write.path))
    if (parent === undefined) return 'no-node'
    if (!may(parent, 8, caller)) return 'no-auth'
    const node = this.nodes.get(write.path)
    if (node === undefined) return 'no-node'
    if (write.version !== -1 && write.version !== node.version) return 'bad-version'
    if (node.childCount !== 0) return 'not-empty'
    this.#drop(write.path)
    return null
  }

  #change(write: Exclude<NodeWrite, { kind: 'create' | 'delete' }>, caller: Caller): ErrorName | null {
    if (write.path.endsWith('/')) return 'bad-arguments'
    const acl = write.kind === 'set-acl' ? stored(write.acl!, caller) : []
    if (acl === null) return 'invalid-acl'
    const node = this.nodes.get(write.path)
    if (node === undefined) return 'no-node'
    const bit = { 'set-data': 2, 'set-acl': 16, check: 1 }[write.kind]
    if (!may(node, bit, caller)) return 'no-auth'
    const version = write.kind === 'set-acl' ? node.aversion : node.version
    if (write.version !== -1 && write.version !== version) return 'bad-version'
    if (write.kind === 'set-data') node.version++
    if (write.kind === 'set-acl') {
      node.aversion++
      node.acl = acl
    }
    return null
  }

  #keeperWrite(write: KeeperWrite, caller: Caller): ErrorName | null {
    const node = this.nodes.get(write.path)
    const parent = this.nodes.get(above(write.path))
    switch (write.kind) {
      case 'check-not-exists': {
        if (node === undefined) return null
        if (!may(node, 1, caller)) return 'no-auth'
        return write.version === -1 || write.version === node.version ? 'node-exists' : null
      }
      case 'create-if-not-exists': {
        const error = this.#create({ ...write, kind: 'create', op: 'create', ttlMs: -1n }, caller)
        return error === 'node-exists' ? null : error
      }
      case 'try-remove':
        if (parent !== undefined && !may(parent, 8, caller)) return 'no-auth'
        this.#delete({ ...write, kind: 'delete' }, caller)
        return null
      case 'check-stat': {
        if (node === undefined) return 'no-node'
        if (!may(node, 1, caller)) return 'no-auth'
        const { numChildren, version } = write.stat
        const isSame =
          (numChildren === -1 || numChildren === node.childCount) && (version === -1 || version === node.version)
        return isSame ? null : 'bad-version'
      }
      case 'remove-recursive': {
        if (parent === undefined) return null
        if (!may(parent, 8, caller)) return 'no-auth'
        const doomed = [...this.nodes].filter(([path]) => path === write.path || path.startsWith(`${write.path}/`))
        if (doomed.length === 0) return null
        // The walk begins with the znode itself; no test has a limit that is met further down.
        if (!may(node!, 8, caller)) return 'no-auth'
        if (doomed.length > write.countMax) return 'not-empty'
        if (doomed.some(([, each]) => !may(each, 8, caller))) return 'no-auth'
        for (const [path] of doomed.toReversed()) this.#drop(path)
        return null
      }
    }
  }

  #drop(path: string): void {
    this.nodes.delete(path)
    this.nodes.get(above(path))!.childCount--
  }
}

function fresh(ephemeralOwner: bigint, acl: readonly AclWire[]): ModelNode {
  return { version: 0, aversion: 0, createCount: 0, childCount: 0, ephemeralOwner, acl }
}

function above(path: string): string {
  return path.split('/').slice(0, -1).join('/') || '/'
}

/** The ACL entries that the requests use: world:anyone, one digest, auth. Null: refused. */
function stored(acl: readonly AclWire[], { ids }: Caller): readonly AclWire[] | null {
  if (acl[0]!.scheme !== 'auth') return acl
  return ids.length === 0 ? null : [{ ...acl[0]!, ...ids[0]! }]
}

function may(node: ModelNode, bit: number, { ids }: Caller): boolean {
  return node.acl.some(
    ({ perms, scheme, id }) => (perms & bit) !== 0 && (scheme === 'world' || ids.some((held) => held.id === id)),
  )
}
