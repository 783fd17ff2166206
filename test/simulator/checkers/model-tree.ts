/**
 * What ZooKeeper's documentation says a tree of znodes does, in the plainest form: a map of objects. It shares
 * no code with the server, so that both would have to be wrong in the same way to agree on a mistake. Requests
 * are executed here in zxid order, on the state that the history had at that point.
 */
import { codeOf, type ErrorName } from '../../../src/base/errors.ts'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import type { Stat } from '../../../src/protocol/client/stat.ts'
import type { AclEntry, BundleChange, Change } from '../../../src/protocol/txn/txn.ts'
import { textOfData } from '../describe-event.ts'
import {
  type KeeperWriteRequest,
  type PartResult,
  type ReadRequest,
  type ReplyBody,
  userOfSession,
  type WriteRequest,
} from '../sim-event.ts'
import { ModelQuotas } from './model-quotas.ts'

interface ModelNode {
  data: string | null
  czxid: Zxid
  mzxid: Zxid
  pzxid: Zxid
  ctime: number
  mtime: number
  version: number
  aversion: number
  createCount: number // children ever created
  readonly ephemeralOwner: SessionId
  readonly guardian: string | null // the only user with more rights than reading; null: every client has all rights
  readonly children: Set<string>
}

export interface Outcome {
  readonly error: ErrorName | null
  readonly body: ReplyBody
  /** One text per change, in the words of `effectOfChange`. */
  readonly effects: readonly string[]
}

/** The session and the time of a txn: what it carries beside its changes. */
export interface ModelMoment {
  readonly zxid: Zxid
  readonly timeMs: number
  readonly sessionId: SessionId
}

/** The settings of the ensemble that matter here. */
export interface ModelRules {
  /** All sessions are local and stay local, so none may own an ephemeral. */
  readonly refusesEphemerals: boolean
}

const noSession = 0n as SessionId
const sequenceDigits = 10

const plainCreate = { kind: 'create', sequential: false, withStat: false, guarded: false } as const

export class ModelTree {
  readonly #nodes = new Map<string, ModelNode>()
  readonly #ephemerals = new Map<SessionId, Set<string>>()
  readonly #quotas = new ModelQuotas(this.#nodes, (node, data) => {
    const before = node.data
    node.data = data
    this.#undo?.push(() => {
      node.data = before
    })
  })
  readonly #rules: ModelRules
  #undo: (() => void)[] | null = null

  constructor(rules: ModelRules) {
    this.#rules = rules
    const birth: ModelMoment = { zxid: 0 as Zxid, timeMs: 0, sessionId: noSession }
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      this.#nodes.set(path, newNode(birth, '', noSession, null))
    }
    // The nodes a server is born with were not created by a txn, so no parent counts them as created.
    this.#nodes.get('/')!.children.add('zookeeper')
    this.#nodes.get('/zookeeper')!.children.add('quota').add('config')
  }

  /** Executes a single write or, from several parts, a multi; a refused one changes nothing. */
  execute(parts: readonly WriteRequest[], isMulti: boolean, moment: ModelMoment): Outcome {
    return this.#attempt(parts, isMulti, moment, [])
  }

  /** What `execute` would answer, changing nothing. */
  preview(parts: readonly WriteRequest[], isMulti: boolean, moment: ModelMoment): Outcome {
    const undo: (() => void)[] = []
    const outcome = this.#attempt(parts, isMulti, moment, undo)
    takeBack(undo)
    return outcome
  }

  #attempt(parts: readonly WriteRequest[], isMulti: boolean, moment: ModelMoment, undo: (() => void)[]): Outcome {
    this.#undo = undo
    const results: PartResult[] = []
    const effects: string[] = []
    for (const part of parts) {
      const refusal = this.#refusalOf(part, userOfSession(moment.sessionId))
      if (refusal !== null) {
        this.#undo = null
        takeBack(undo)
        if (!isMulti) return { error: refusal, body: { kind: 'none' }, effects: [] }
        return {
          error: null,
          body: { kind: 'multi', results: failedResults(parts.length, results.length, refusal) },
          effects: [],
        }
      }
      results.push(this.#perform(part, moment, effects))
    }
    this.#undo = null
    return { error: null, body: isMulti ? { kind: 'multi', results } : bodyOf(results[0]!), effects }
  }

  read(request: ReadRequest): { readonly error: ErrorName | null; readonly body: ReplyBody } {
    const node = this.#nodes.get(request.path)
    if (node === undefined) return { error: 'no-node', body: { kind: 'none' } }
    const stat = statOf(node)
    switch (request.kind) {
      case 'exists':
        return { error: null, body: { kind: 'stat', stat } }
      case 'get-data':
        return { error: null, body: { kind: 'data', data: node.data, stat } }
      default: {
        const names = [...node.children].sort()
        return { error: null, body: { kind: 'children', names, stat: request.kind === 'get-children2' ? stat : null } }
      }
    }
  }

  has(path: string): boolean {
    return this.#nodes.has(path)
  }

  mzxidOf(path: string): Zxid {
    return this.#nodes.get(path)!.mzxid
  }

  pzxidOf(path: string): Zxid {
    return this.#nodes.get(path)!.pzxid
  }

  /** Sorted. */
  ephemeralsOf(sessionId: SessionId): readonly string[] {
    return [...(this.#ephemerals.get(sessionId) ?? [])].sort()
  }

  get ephemeralOwners(): readonly SessionId[] {
    return [...this.#ephemerals.keys()]
  }

  closeSession(sessionId: SessionId, zxid: Zxid): void {
    for (const path of this.ephemeralsOf(sessionId)) this.#remove(path, zxid)
  }

  /** For a txn that no request explains: the checker has reported it and continues from what the servers did. */
  applyChange(change: Change, moment: ModelMoment): void {
    if (change.kind === 'bundle') {
      for (const bundled of change.changes) this.applyChange(bundled, moment)
      return
    }
    const node = 'path' in change ? this.#nodes.get(change.path) : undefined
    if (change.kind === 'create') {
      this.#insert(change.path, textOfData(change.data), change.ephemeralOwner, guardianIn(change.acl), moment)
    } else if (change.kind === 'delete' && node !== undefined) {
      this.#remove(change.path, moment.zxid)
    } else if (change.kind === 'set-data' && node !== undefined) {
      this.#setData(change.path, node, textOfData(change.data), moment)
    } else if (change.kind === 'close-session') {
      this.closeSession(change.sessionId, moment.zxid)
    }
  }

  #refusalOf(part: WriteRequest, user: string): ErrorName | null {
    if (part.kind === 'remove-recursive') return this.#refusalOfRemoval(part, user)
    if (part.kind === 'try-remove') {
      const parent = this.#nodes.get(parentOf(part.path))
      return parent !== undefined && isGuarded(parent, user) ? 'no-auth' : null
    }
    if (part.kind === 'create-if-not-exists') {
      const refusal = this.#refusalOf({ ...part, ...plainCreate }, user)
      return refusal === 'node-exists' ? null : refusal
    }
    if (part.kind === 'create') {
      if (part.ephemeral && this.#rules.refusesEphemerals) return 'ephemeral-on-local-session'
      const parent = this.#nodes.get(parentOf(part.path))
      if (parent === undefined) return 'no-node'
      if (isGuarded(parent, user)) return 'no-auth'
      if (this.#nodes.has(this.#finalPath(part))) return 'node-exists'
      return parent.ephemeralOwner === noSession ? null : 'no-children-for-ephemerals'
    }
    const node = this.#nodes.get(part.path)
    // A deletion needs a right on the parent. ZooKeeper checks it before it looks for the znode.
    const parent = part.kind === 'delete' ? this.#nodes.get(parentOf(part.path)) : undefined
    if (parent !== undefined && isGuarded(parent, user)) return 'no-auth'
    if (node === undefined) return 'no-node'
    if (part.kind === 'set-data' && isGuarded(node, user)) return 'no-auth'
    if (part.version !== -1 && part.version !== node.version) return 'bad-version'
    return part.kind === 'delete' && node.children.size > 0 ? 'not-empty' : null
  }

  /** Level by level: a missing right and too many znodes are found in that order. */
  #refusalOfRemoval({ path, countMax }: { path: string; countMax: number }, user: string): ErrorName | null {
    const parent = this.#nodes.get(parentOf(path))
    if (parent !== undefined && isGuarded(parent, user)) return 'no-auth'
    if (!this.#nodes.has(path)) return null
    if (countMax < 1) return 'not-empty'
    let foundCount = 1
    for (const found of this.#subtree(path)) {
      const node = this.#nodes.get(found)!
      if (isGuarded(node, user)) return 'no-auth'
      if (node.children.size > 0 && foundCount + node.children.size > countMax) return 'not-empty'
      foundCount += node.children.size
    }
    return null
  }

  #perform(part: WriteRequest, moment: ModelMoment, effects: string[]): PartResult {
    switch (part.kind) {
      case 'create': {
        const path = this.#finalPath(part)
        const owner = part.ephemeral ? moment.sessionId : noSession
        const guardian = part.guarded ? userOfSession(moment.sessionId) : null
        const node = this.#insert(path, part.data, owner, guardian, moment)
        effects.push(createEffect(path, part.data, owner, guardian, this.#nodes.get(parentOf(path))!.createCount))
        return { kind: 'create', path, stat: part.withStat ? statOf(node) : null }
      }
      case 'delete':
        this.#remove(part.path, moment.zxid)
        effects.push(`delete ${part.path}`)
        return { kind: 'delete' }
      case 'set-data': {
        const node = this.#nodes.get(part.path)!
        this.#setData(part.path, node, part.data, moment)
        effects.push(setDataEffect(part.path, part.data, node.version))
        return { kind: 'set-data', stat: statOf(node) }
      }
      case 'check':
        effects.push(`check ${part.path}`)
        return { kind: 'check' }
      default:
        return this.#performBundle(part, moment, effects)
    }
  }

  #performBundle(part: KeeperWriteRequest, moment: ModelMoment, effects: string[]): PartResult {
    const inside: string[] = []
    let path: string | null = null
    if (part.kind === 'create-if-not-exists') {
      if (!this.#nodes.has(part.path)) this.#perform({ ...part, ...plainCreate }, moment, inside)
      path = part.path
    } else if (part.kind === 'try-remove') {
      const remove = { kind: 'delete', path: part.path, version: part.version } as const
      if (this.#refusalOf(remove, userOfSession(moment.sessionId)) === null) this.#perform(remove, moment, inside)
    } else {
      for (const doomed of this.#subtree(part.path).toReversed()) {
        this.#perform({ kind: 'delete', path: doomed, version: -1 }, moment, inside)
      }
    }
    effects.push(bundleEffect(part.kind, part.path, inside))
    return { kind: part.kind, path }
  }

  /** Level by level, siblings sorted. */
  #subtree(top: string): readonly string[] {
    const paths = this.#nodes.has(top) ? [top] : []
    for (const path of paths) {
      for (const name of [...this.#nodes.get(path)!.children].sort()) paths.push(`${path}/${name}`)
    }
    return paths
  }

  #finalPath(part: { readonly path: string; readonly sequential: boolean }): string {
    if (!part.sequential) return part.path
    const count = this.#nodes.get(parentOf(part.path))?.createCount ?? 0
    return part.path + String(count).padStart(sequenceDigits, '0')
  }

  #insert(
    path: string,
    data: string | null,
    owner: SessionId,
    guardian: string | null,
    moment: ModelMoment,
  ): ModelNode {
    const parent = this.#nodes.get(parentOf(path))
    const node = newNode(moment, data, owner, guardian)
    this.#nodes.set(path, node)
    const parentBefore = parent === undefined ? null : { pzxid: parent.pzxid }
    if (parent !== undefined) {
      parent.children.add(nameOf(path))
      parent.createCount++
      parent.pzxid = moment.zxid
    }
    if (owner !== noSession) this.#own(owner, path)
    this.#undo?.push(() => {
      this.#nodes.delete(path)
      if (owner !== noSession) this.#disown(owner, path)
      if (parent === undefined) return
      parent.children.delete(nameOf(path))
      parent.createCount--
      parent.pzxid = parentBefore!.pzxid
    })
    this.#quotas.created(path, data)
    return node
  }

  #remove(path: string, zxid: Zxid): void {
    const node = this.#nodes.get(path)!
    const parent = this.#nodes.get(parentOf(path))!
    const pzxidBefore = parent.pzxid
    this.#nodes.delete(path)
    parent.children.delete(nameOf(path))
    parent.pzxid = zxid
    if (node.ephemeralOwner !== noSession) this.#disown(node.ephemeralOwner, path)
    this.#undo?.push(() => {
      this.#nodes.set(path, node)
      parent.children.add(nameOf(path))
      parent.pzxid = pzxidBefore
      if (node.ephemeralOwner !== noSession) this.#own(node.ephemeralOwner, path)
    })
    this.#quotas.removed(path, node.data)
  }

  #setData(path: string, node: ModelNode, data: string | null, moment: ModelMoment): void {
    const before = { ...node }
    node.data = data
    node.version++
    node.mzxid = moment.zxid
    node.mtime = moment.timeMs
    this.#undo?.push(() => {
      Object.assign(node, { data: before.data, version: before.version, mzxid: before.mzxid, mtime: before.mtime })
    })
    this.#quotas.resized(path, before.data, data)
  }

  #own(sessionId: SessionId, path: string): void {
    const paths = this.#ephemerals.get(sessionId) ?? new Set()
    this.#ephemerals.set(sessionId, paths.add(path))
  }

  #disown(sessionId: SessionId, path: string): void {
    const paths = this.#ephemerals.get(sessionId)
    paths?.delete(path)
    if (paths?.size === 0) this.#ephemerals.delete(sessionId)
  }
}

/** Describes a change of a txn in the words that `execute` uses for what a request should do. */
export function effectOfChange(change: Change): string {
  switch (change.kind) {
    case 'create':
      return createEffect(
        change.path,
        textOfData(change.data),
        change.ephemeralOwner,
        guardianIn(change.acl),
        change.parentCreateCount,
      )
    case 'set-data':
      return setDataEffect(change.path, textOfData(change.data), change.version)
    case 'delete':
    case 'check':
      return `${change.kind} ${change.path}`
    case 'bundle':
      return bundleEffect(wordOfBundle(change), change.path, change.changes.map(effectOfChange))
    default:
      return change.kind
  }
}

/** The kind of request that a bundle came from, among those that simulated clients send. */
export function wordOfBundle({ op }: BundleChange): string {
  if (op === 'createIfNotExists') return 'create-if-not-exists'
  return op === 'tryRemove' ? 'try-remove' : op === 'removeRecursive' ? 'remove-recursive' : op
}

function bundleEffect(word: string, path: string, inside: readonly string[]): string {
  return `${word} ${path} [${inside.join(', ')}]`
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1))
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function createEffect(
  path: string,
  data: string | null,
  owner: SessionId,
  guardian: string | null,
  parentCreateCount: number,
): string {
  return `create ${path} ${data ?? '(null)'} owner ${owner} guardian ${guardian} count ${parentCreateCount}`
}

/** The user of the digest entry in an ACL of a txn. */
function guardianIn(acl: readonly AclEntry[]): string | null {
  const entry = acl.find(({ scheme }) => scheme === 'digest')
  return entry === undefined ? null : entry.id.slice(0, entry.id.indexOf(':'))
}

function isGuarded({ guardian }: ModelNode, user: string): boolean {
  return guardian !== null && guardian !== user
}

function setDataEffect(path: string, data: string | null, version: number): string {
  return `set-data ${path} ${data ?? '(null)'} version ${version}`
}

function takeBack(undo: (() => void)[]): void {
  for (const step of undo.splice(0).reverse()) step()
}

function bodyOf(result: PartResult): ReplyBody {
  switch (result.kind) {
    case 'create':
      return { kind: 'created', path: result.path, stat: result.stat }
    case 'create-if-not-exists':
      return { kind: 'created', path: result.path!, stat: null }
    case 'set-data':
      return { kind: 'stat', stat: result.stat }
    default:
      return { kind: 'none' }
  }
}

function failedResults(count: number, failedIndex: number, refusal: ErrorName): readonly PartResult[] {
  return Array.from({ length: count }, (_, index): PartResult => {
    if (index < failedIndex) return { kind: 'error', code: 0 }
    return { kind: 'error', code: codeOf(index === failedIndex ? refusal : 'runtime-inconsistency') }
  })
}

function newNode(
  moment: ModelMoment,
  data: string | null,
  ephemeralOwner: SessionId,
  guardian: string | null,
): ModelNode {
  return {
    data,
    czxid: moment.zxid,
    mzxid: moment.zxid,
    pzxid: moment.zxid,
    ctime: moment.timeMs,
    mtime: moment.timeMs,
    version: 0,
    aversion: 0,
    createCount: 0,
    ephemeralOwner,
    guardian,
    children: new Set(),
  }
}

function statOf(node: ModelNode): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    // Clients see creates plus deletes of children, which is twice the creates less what is left.
    cversion: 2 * node.createCount - node.children.size,
    aversion: node.aversion,
    ephemeralOwner: node.ephemeralOwner,
    dataLength: node.data?.length ?? 0,
    numChildren: node.children.size,
    pzxid: node.pzxid,
  }
}
