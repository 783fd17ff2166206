/**
 * The operations of a client. It encodes arguments into request bodies, decodes reply bodies into values, and turns
 * refusals into `ClientError`s. The session owns connections and the order of requests.
 * A watch is registered in the turn in which the reply arrives, since its event may be the next frame.
 */
import { type ErrorName, errors } from '../base/errors.ts'
import type { Zxid } from '../base/ids.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { type Codec, decode, encode } from '../jute/record.ts'
import { writeMultiRequest } from '../protocol/client/multi.ts'
import { writeMultiReadRequest } from '../protocol/client/multi-read.ts'
import type { OpName } from '../protocol/client/operations.ts'
import * as reply from '../protocol/client/replies.ts'
import * as request from '../protocol/client/requests.ts'
import { addWatchModes, watcherTypes } from '../protocol/client/watch-kinds.ts'
import { aclFromWire, aclToWire, openAcl } from './acl-wire.ts'
import type { Backup, BackupOptions } from './backup.ts'
import { openBackup } from './backup-reader.ts'
import { toClientPath, toServerPath } from './chroot.ts'
import { openFollow, openFollowChildren } from './follow.ts'
import { createFlags, readMultiResults, toMultiOps } from './multi.ts'
import { readReadResults, toReadOps } from './multi-read.ts'
import { type Failure, failed, type Outcome } from './outcome.ts'
import { deleteQuota, getQuota, setQuota } from './quotas.ts'
import type { Session } from './session.ts'
import {
  type AclEntry,
  type Client,
  ClientError,
  type ClientState,
  type CreateMode,
  type CreateOptions,
  type MultiRequest,
  type MultiResult,
  type Quota,
  type QuotaLimits,
  type ReadOptions,
  type ReadRequest,
  type ReadResult,
  type Reconfiguration,
  type Watcher,
  type WatchKind,
  type WatchOptions,
  type ZnodeStat,
  type ZnodeView,
} from './types.ts'
import { ValueStream } from './value-stream.ts'
import type { WatchList } from './watch-registry.ts'
import { statFromWire } from './znode-stat.ts'

const anyVersion = -1
const emptyBody = new Uint8Array(0)
/** ZK: ZooDefs.CONFIG_NODE. */
const configPath = '/zookeeper/config'

/** Assumes that the caller has started the session, with the same `chroot`. */
export class SessionClient implements Client {
  readonly #session: Session
  readonly #chroot: string
  /** The same session without the chroot, for the znodes below /zookeeper. */
  readonly #atRoot: SessionClient

  constructor(session: Session, chroot: string) {
    this.#session = session
    this.#chroot = chroot
    this.#atRoot = chroot === '' ? this : new SessionClient(session, '')
  }

  get state(): ClientState {
    return this.#session.state
  }

  get session(): Client['session'] {
    return this.#session.identity
  }

  get lastZxidSeen(): Zxid {
    return this.#session.lastZxidSeen
  }

  whenConnected(): Promise<void> {
    const now = this.#connectOutcome(this.#session.state)
    if (now !== null) return now
    return new Promise((resolve) => {
      const stop = this.#session.onStateChange((state) => {
        const outcome = this.#connectOutcome(state)
        if (outcome === null) return
        stop()
        resolve(outcome)
      })
    })
  }

  onStateChange(callback: (state: ClientState) => void): () => void {
    return this.#session.onStateChange(callback)
  }

  states(): AsyncIterableIterator<ClientState> {
    const stream: ValueStream<ClientState> = new ValueStream('all', () => stop())
    const stop = this.#session.onStateChange((state) => {
      stream.push(state)
      if (this.#session.isOver) stream.end(null)
    })
    if (this.#session.isOver) stream.end(null)
    return stream
  }

  async create(
    path: string,
    data: Uint8Array | null = null,
    options: CreateOptions = {},
  ): Promise<{ path: string; stat: ZnodeStat }> {
    const { mode = 'persistent', ttlMs } = options
    const op = ttlMs !== undefined ? 'createTTL' : mode === 'container' ? 'createContainer' : 'create2'
    const common = { path: this.#inside(path), data, acl: aclToWire(options.acl ?? openAcl) }
    const body =
      ttlMs === undefined
        ? encode(request.CreateRequest, { ...common, flags: createFlags[mode] })
        : encode(request.CreateTtlRequest, { ...common, flags: ttlFlagsOf(mode), ttlMs: BigInt(Math.ceil(ttlMs)) })
    const created = this.#decoded(op, path, await this.#send(op, body), reply.CreateWithStatReply)
    return { path: toClientPath(this.#chroot, created.path), stat: statFromWire(created.stat) }
  }

  async delete(path: string, version = anyVersion): Promise<void> {
    const outcome = await this.#send('delete', encode(request.DeleteRequest, { path: this.#inside(path), version }))
    if (!outcome.ok) throw this.#refusal('delete', path, outcome)
  }

  async exists(path: string, options: ReadOptions = {}): Promise<ZnodeStat | null> {
    const { watch } = options
    const body = encode(request.WatchableRequest, { path: this.#inside(path), watch: watch !== undefined })
    const outcome = await this.#send('exists', body, (result) => {
      if (watch !== undefined) this.#watchIfRead(result.ok ? 'data' : 'exist', path, watch)(result)
    })
    if (!outcome.ok && outcome.error === 'no-node') return null
    return statFromWire(this.#decoded('exists', path, outcome, reply.StatReply).stat)
  }

  async getData(path: string, options: ReadOptions = {}): Promise<{ data: Uint8Array | null; stat: ZnodeStat }> {
    const { data, stat } = await this.#read('getData', path, 'data', options, reply.GetDataReply)
    return { data, stat: statFromWire(stat) }
  }

  async setData(path: string, data: Uint8Array | null, version = anyVersion): Promise<ZnodeStat> {
    const body = encode(request.SetDataRequest, { path: this.#inside(path), data, version })
    return statFromWire(this.#decoded('setData', path, await this.#send('setData', body), reply.StatReply).stat)
  }

  async getChildren(
    path: string,
    options: ReadOptions = {},
  ): Promise<{ children: readonly string[]; stat: ZnodeStat }> {
    const { children, stat } = await this.#read('getChildren2', path, 'child', options, reply.GetChildren2Reply)
    return { children: children ?? [], stat: statFromWire(stat) }
  }

  async getAcl(path: string): Promise<{ acl: readonly AclEntry[]; stat: ZnodeStat }> {
    const outcome = await this.#send('getACL', encode(request.PathRequest, { path: this.#inside(path) }))
    const { acl, stat } = this.#decoded('getACL', path, outcome, reply.GetAclReply)
    return { acl: aclFromWire(acl), stat: statFromWire(stat) }
  }

  async setAcl(path: string, acl: readonly AclEntry[], version = anyVersion): Promise<ZnodeStat> {
    const body = encode(request.SetAclRequest, { path: this.#inside(path), acl: aclToWire(acl), version })
    return statFromWire(this.#decoded('setACL', path, await this.#send('setACL', body), reply.StatReply).stat)
  }

  async sync(path: string): Promise<void> {
    const outcome = await this.#send('sync', encode(request.SyncRequest, { path: this.#inside(path) }))
    if (!outcome.ok) throw this.#refusal('sync', path, outcome)
  }

  async multi(requests: readonly MultiRequest[]): Promise<readonly MultiResult[]> {
    const writer = new JuteWriter()
    writeMultiRequest(writer, toMultiOps(requests, this.#chroot))
    const outcome = await this.#send('multi', writer.take())
    if (!outcome.ok) throw this.#refusal('multi', null, outcome)
    return readMultiResults(requests, this.#chroot, outcome.body)
  }

  async multiRead(requests: readonly ReadRequest[]): Promise<readonly ReadResult[]> {
    const writer = new JuteWriter()
    writeMultiReadRequest(writer, toReadOps(requests, this.#chroot))
    const outcome = await this.#send('multiRead', writer.take())
    if (!outcome.ok) throw this.#refusal('multiRead', null, outcome)
    const results = readReadResults(outcome.body, requests.length)
    if (results === null) throw undecodable('multiRead', null)
    return results
  }

  async getEphemerals(prefix = '/'): Promise<readonly string[]> {
    // The prefix is text, not a path: with chroot /app the prefix is /app/, which does not match /apple.
    const prefixPath = this.#chroot + prefix
    const outcome = await this.#send('getEphemerals', encode(request.EphemeralsRequest, { prefixPath }))
    const { ephemerals } = this.#decoded('getEphemerals', prefix, outcome, reply.EphemeralsReply)
    return (ephemerals ?? []).map((path) => toClientPath(this.#chroot, path))
  }

  async countDescendants(path: string): Promise<number> {
    const body = encode(request.PathRequest, { path: this.#inside(path) })
    const outcome = await this.#send('getAllChildrenNumber', body)
    return this.#decoded('getAllChildrenNumber', path, outcome, reply.AllChildrenNumberReply).totalNumber
  }

  async whoAmI(): Promise<readonly { readonly scheme: string; readonly user: string }[]> {
    const outcome = await this.#send('whoAmI', emptyBody)
    const { clientInfo } = this.#decoded('whoAmI', null, outcome, reply.WhoAmIReply)
    return (clientInfo ?? []).map(({ authScheme, user }) => ({ scheme: authScheme, user }))
  }

  async watch(path: string, watcher: Watcher, options: WatchOptions = {}): Promise<() => Promise<void>> {
    const mode = options.recursive === true ? 'recursive' : 'persistent'
    const serverPath = this.#inside(path)
    const { watches } = this.#session
    const own: Watcher = (event) => watcher(event) // the program may pass the same function twice
    // Registered before the request is sent. Otherwise a removal of another watcher, sent after it, would find this one
    // missing and would remove the watch from the server.
    watches.add(mode, serverPath, own)
    const outcome = await this.#send(
      'addWatch',
      encode(request.AddWatchRequest, { path: serverPath, mode: addWatchModes[mode] }),
      (result) => void (result.ok || watches.remove(mode, serverPath, own)),
    )
    if (!outcome.ok) throw this.#refusal('addWatch', path, outcome)
    return async () => {
      if (!watches.remove(mode, serverPath, own)) return
      // If this fails, the connection is lost, and the watch with it; the client will not set it again.
      await this.#send(
        'removeWatches',
        encode(request.WatcherTypeRequest, { path: serverPath, type: watcherTypes[mode] }),
      )
    }
  }

  async removeWatches(
    path: string,
    kind: WatchKind = 'any',
    { isLocalEnough = false }: { readonly isLocalEnough?: boolean } = {},
  ): Promise<void> {
    const serverPath = this.#inside(path)
    const { watches } = this.#session
    if (isLocalEnough && this.#session.state.kind !== 'connected') {
      if (watches.removeAll(kind, serverPath)) return
      throw this.#refusal('removeWatches', path, failed('no-watcher'))
    }
    const body = encode(request.WatcherTypeRequest, { path: serverPath, type: watcherTypes[kind] })
    const outcome = await this.#send('removeWatches', body, (result) => {
      const isGoneToo = !result.ok && result.error === 'connection-loss' && isLocalEnough
      if (result.ok || isGoneToo) watches.removeAll(kind, serverPath)
    })
    if (!outcome.ok && !(outcome.error === 'connection-loss' && isLocalEnough)) {
      throw this.#refusal('removeWatches', path, outcome)
    }
  }

  getConfig(options: ReadOptions = {}): Promise<{ data: Uint8Array | null; stat: ZnodeStat }> {
    return this.#atRoot.getData(configPath, options)
  }

  async reconfigure(
    change: Reconfiguration,
    fromConfigVersion = -1n,
  ): Promise<{ data: Uint8Array | null; stat: ZnodeStat }> {
    const isWhole = change.kind === 'whole'
    const body = encode(request.ReconfigRequest, {
      joiningServers: isWhole ? null : listText(change.joining),
      leavingServers: isWhole ? null : listText(change.leaving),
      newMembers: isWhole ? listText(change.members) : null,
      curConfigId: fromConfigVersion,
    })
    const { data, stat } = this.#decoded('reconfig', null, await this.#send('reconfig', body), reply.GetDataReply)
    return { data, stat: statFromWire(stat) }
  }

  getQuota(path: string): Promise<Quota | null> {
    return getQuota(this.#atRoot, this.#inside(path))
  }

  setQuota(path: string, limits: Partial<QuotaLimits>): Promise<Quota> {
    return setQuota(this.#atRoot, this.#inside(path), limits)
  }

  deleteQuota(path: string, limits: readonly (keyof QuotaLimits)[] = []): Promise<boolean> {
    return deleteQuota(this.#atRoot, this.#inside(path), limits)
  }

  async addAuth(scheme: string, credentials: Uint8Array): Promise<void> {
    const body = encode(request.AuthRequest, { type: 0, scheme, auth: credentials })
    const outcome = await new Promise<Outcome>((resolve) => this.#session.submitAuth(body, resolve))
    if (!outcome.ok) throw this.#refusal('auth', null, outcome)
  }

  openBackup(options: BackupOptions = {}): Promise<Backup> {
    return openBackup(async (op, body) => {
      const outcome = await this.#send(op, body)
      if (!outcome.ok) throw this.#refusal(op, null, outcome)
      return outcome.body
    }, options)
  }

  follow(path: string): AsyncIterableIterator<ZnodeView> {
    return openFollow(this, path)
  }

  followChildren(path: string): AsyncIterableIterator<readonly string[] | null> {
    return openFollowChildren(this, path)
  }

  async close(): Promise<void> {
    // Without a connection the request cannot be sent; the session then ends by its timeout.
    if (this.#session.state.kind === 'connected') await this.#send('closeSession', emptyBody)
    this.#session.abandon()
  }

  abandon(): void {
    this.#session.abandon()
  }

  /** Null: the client is still connecting. */
  #connectOutcome(state: ClientState): Promise<void> | null {
    if (state.kind === 'connecting') return null
    if (state.kind === 'connected') return Promise.resolve()
    const error = state.kind === 'auth-failed' ? 'auth-failed' : 'session-expired'
    return Promise.reject(this.#refusal('createSession', null, failed(error)))
  }

  #inside(path: string): string {
    return toServerPath(this.#chroot, path)
  }

  #refusal(op: OpName, path: string | null, { error, explanation }: Failure): ClientError {
    const meaning = explanation ?? meaningOf(op, error)
    return new ClientError(error, op, path, this.#session.state.kind === 'closed' ? 'The client is closed.' : meaning)
  }

  /** Resolves with the outcome. `onOutcome` runs before any later frame is handled. */
  #send(op: OpName, body: Uint8Array, onOutcome?: (outcome: Outcome) => void): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#session.submit(op, body, (outcome) => {
        onOutcome?.(outcome)
        resolve(outcome)
      })
    })
  }

  #decoded<T>(op: OpName, path: string | null, outcome: Outcome, codec: Codec<T>): T {
    if (!outcome.ok) throw this.#refusal(op, path, outcome)
    const decoded = decode(codec, outcome.body)
    if (!decoded.ok) throw undecodable(op, path)
    return decoded.value
  }

  async #read<T>(op: OpName, path: string, list: WatchList, options: ReadOptions, codec: Codec<T>): Promise<T> {
    const { watch } = options
    const body = encode(request.WatchableRequest, { path: this.#inside(path), watch: watch !== undefined })
    return this.#decoded(op, path, await this.#send(op, body, watch && this.#watchIfRead(list, path, watch)), codec)
  }

  #watchIfRead(list: WatchList, path: string, watch: Watcher): (outcome: Outcome) => void {
    return (outcome) => {
      if (outcome.ok) this.#session.watches.add(list, this.#inside(path), watch)
      // Only `exists` leaves a watch on a missing znode.
      else if (outcome.error === 'no-node' && list === 'exist')
        this.#session.watches.add('exist', this.#inside(path), watch)
    }
  }
}

/** Null for an empty list, as the Java client sends it. */
function listText(items: readonly string[]): string | null {
  return items.length === 0 ? null : items.join(',')
}

function meaningOf(op: OpName, error: ErrorName): string {
  if (op === 'createTTL' && error === 'unimplemented') return withoutTtlZnodes
  return op === 'openBackup' && error === 'no-auth' ? withoutRights : errors[error].meaning
}

const withoutRights =
  'The client has no rights to the server itself. Authenticate with the scheme local and the text of the file local-key in ' +
  'the data folder of this server, or as the super user.'

const withoutTtlZnodes =
  'The server creates no znodes with a TTL. They need extendedTypesEnabled=true in the configuration of each server.'

function undecodable(op: OpName, path: string | null): ClientError {
  return new ClientError('marshalling-error', op, path, 'The reply cannot be decoded.')
}

/** ZK: CreateMode. A mode that cannot have a TTL is sent unchanged, and the server refuses it. */
function ttlFlagsOf(mode: CreateMode): number {
  return mode === 'persistent' ? 5 : mode === 'persistent-sequential' ? 6 : createFlags[mode]
}
