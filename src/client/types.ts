/**
 * The words of the client's public door. All of them are plain values; only `Client` has behaviour.
 * Numbers: zxids are doubles that are exact below epoch 2²¹, session ids are unsigned 64-bit bigints.
 */
import type { ErrorName } from '../base/errors.ts'
import type { SessionId, Zxid } from '../base/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Random } from '../ports/random.ts'
import type { Dialer } from '../ports/stream.ts'
import type { Timers } from '../ports/timers.ts'

/** All that the client touches of the outside world. */
export interface ClientPorts {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly dialer: Dialer
  readonly log: Log | null
}

export interface ClientOptions {
  /** `host:port,host:port/chroot`; the port is 2181 unless given, IPv6 addresses stand in brackets. */
  readonly servers: string
  /** What we ask for; the server's limits decide. Default 10 000. */
  readonly sessionTimeoutMs?: number
  /** One attempt to reach one server. Default: a third of the session timeout. */
  readonly dialTimeoutMs?: number
  /** Pause before the next round over all servers. Default 100, doubled each round up to 2 000, with jitter. */
  readonly retryDelayMs?: number
  /**
   * Also connect to a server without a leader, which answers reads from what it has and refuses writes and `sync` with
   * not-read-only; the client goes on looking for one with a leader. Default false.
   */
  readonly canBeReadOnly?: boolean
  /** Takes over an existing session instead of opening one. */
  readonly session?: { readonly id: SessionId; readonly password: Uint8Array }
}

export interface ZnodeStat {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctimeMs: number
  readonly mtimeMs: number
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint // 0n = not ephemeral
  readonly dataLength: number
  readonly numChildren: number
}

export interface AclEntry {
  readonly permissions: number // read 1, write 2, create 4, delete 8, admin 16
  readonly scheme: string
  readonly id: string
}

export type CreateMode = 'persistent' | 'ephemeral' | 'persistent-sequential' | 'ephemeral-sequential' | 'container'

export interface CreateOptions {
  readonly mode?: CreateMode // default persistent
  /** The znode goes when it has had no new data for so long and has no children; only for persistent modes. */
  readonly ttlMs?: number
  readonly acl?: readonly AclEntry[] // default: anyone may do anything
}

export type WatchEventKind = 'created' | 'deleted' | 'data-changed' | 'children-changed'

export interface WatchEvent {
  readonly kind: WatchEventKind
  readonly path: string
  /** Of the txn that caused it; null if the event makes up for what was missed while disconnected. */
  readonly zxid: Zxid | null
}

/** Given to a read it is called at most once, given to `watch` until that is stopped. Not called once the session has ended. */
export type Watcher = (event: WatchEvent) => void

export interface ReadOptions {
  readonly watch?: Watcher
}

export interface WatchOptions {
  /** Also everything below the path, each change under its own path; children-changed is never told. Default false. */
  readonly recursive?: boolean
}

/** Which watches of a path: those set by getChildren, by getData and exists, by `watch`, recursive ones, or all. */
export type WatchKind = 'children' | 'data' | 'persistent' | 'recursive' | 'any'

/** Null: no limit. The hard ones are enforced where the servers' `enforceQuota` is on, the others are only logged. */
export interface QuotaLimits {
  readonly count: bigint | null
  readonly bytes: bigint | null
  readonly countHard: bigint | null
  readonly bytesHard: bigint | null
}

export interface Quota {
  readonly limits: QuotaLimits
  /** Of the znode and all below it, as the servers count. */
  readonly usedCount: bigint
  readonly usedBytes: bigint
  /** As ZooKeeper writes them. */
  readonly limitsText: string
  readonly usageText: string
}

/** Servers as lines of a configuration, `server.4=host:port:port:role;port`; by id to leave. */
export type Reconfiguration =
  | { readonly kind: 'incremental'; readonly joining: readonly string[]; readonly leaving: readonly string[] }
  | { readonly kind: 'whole'; readonly members: readonly string[] }

/** One operation of a multiRead. */
export interface ReadRequest {
  readonly kind: 'get-data' | 'get-children'
  readonly path: string
}

export type ReadResult =
  | { readonly kind: 'data'; readonly data: Uint8Array | null; readonly stat: ZnodeStat }
  | { readonly kind: 'children'; readonly children: readonly string[] }
  | { readonly kind: 'refused'; readonly errorName: ErrorName }

export type ClientState =
  | { readonly kind: 'connecting' }
  | {
      readonly kind: 'connected'
      readonly server: string
      readonly sessionId: SessionId
      readonly timeoutMs: number
      readonly readOnly: boolean // the server has no leader; reads may be old, writes are refused
    }
  /** The session is over, and with it its ephemerals and watches; this client is of no further use. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'auth-failed' }
  | { readonly kind: 'closed' }

/** One operation of a multi. */
export type MultiRequest =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data?: Uint8Array | null
      readonly mode?: CreateMode
      readonly acl?: readonly AclEntry[]
    }
  | { readonly kind: 'delete'; readonly path: string; readonly version?: number }
  | { readonly kind: 'set-data'; readonly path: string; readonly data: Uint8Array | null; readonly version?: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number }

export type MultiResult =
  | { readonly kind: 'create'; readonly path: string; readonly stat: ZnodeStat }
  | { readonly kind: 'delete' }
  | { readonly kind: 'set-data'; readonly stat: ZnodeStat }
  | { readonly kind: 'check' }

/** What `follow` yields: the znode as it is, first at once, then after each change that was noticed. */
export type ZnodeView =
  | { readonly kind: 'present'; readonly data: Uint8Array | null; readonly stat: ZnodeStat }
  | { readonly kind: 'missing' }

/**
 * A session with an ensemble. Every method rejects with a `ClientError`. A request that was under way when the
 * connection broke rejects with connection-loss: it may have happened. A request made while disconnected waits.
 */
export interface Client {
  readonly state: ClientState
  /** Null until the first connect succeeds. */
  readonly session: { readonly id: SessionId; readonly password: Uint8Array } | null
  /** Zxid of the last reply or event seen; no server behind it will be accepted. */
  readonly lastZxidSeen: Zxid
  /** Resolves once connected; rejects when the session is over. */
  whenConnected(): Promise<void>
  /** Calls back on every later change; returns a function that stops it. */
  onStateChange(callback: (state: ClientState) => void): () => void
  /** Every later change as a stream; ends with the session. */
  states(): AsyncIterableIterator<ClientState>

  create(path: string, data?: Uint8Array | null, options?: CreateOptions): Promise<{ path: string; stat: ZnodeStat }>
  delete(path: string, version?: number): Promise<void>
  exists(path: string, options?: ReadOptions): Promise<ZnodeStat | null>
  getData(path: string, options?: ReadOptions): Promise<{ data: Uint8Array | null; stat: ZnodeStat }>
  setData(path: string, data: Uint8Array | null, version?: number): Promise<ZnodeStat>
  getChildren(path: string, options?: ReadOptions): Promise<{ children: readonly string[]; stat: ZnodeStat }>
  getAcl(path: string): Promise<{ acl: readonly AclEntry[]; stat: ZnodeStat }>
  setAcl(path: string, acl: readonly AclEntry[], version?: number): Promise<ZnodeStat>
  /** Afterwards a read sees everything that was committed before. */
  sync(path: string): Promise<void>
  /** All or nothing; rejects with a `MultiError` that names the operation at fault. */
  multi(requests: readonly MultiRequest[]): Promise<readonly MultiResult[]>
  /** Several reads of one state of the tree; one that is refused stops none of the others. */
  multiRead(requests: readonly ReadRequest[]): Promise<readonly ReadResult[]>
  /** The paths of this session's ephemerals that begin with the text `prefix`; all of them without one. */
  getEphemerals(prefix?: string): Promise<readonly string[]>
  /** All znodes below the path, at every depth. */
  countDescendants(path: string): Promise<number>
  /** What this connection has authenticated as; `user` may be empty. */
  whoAmI(): Promise<readonly { readonly scheme: string; readonly user: string }[]>
  /**
   * Watches a path for good, whether the znode exists or not, over reconnects too; changes while disconnected are not
   * told. Call what it resolves with to stop; that never rejects.
   */
  watch(path: string, watcher: Watcher, options?: WatchOptions): Promise<() => Promise<void>>
  /**
   * Removes all watches of that kind which this client has on the path; rejects with no-watcher if there are none.
   * While disconnected it waits, or with `isLocalEnough` forgets them, so that they are not set again.
   */
  removeWatches(path: string, kind?: WatchKind, options?: { readonly isLocalEnough?: boolean }): Promise<void>
  /** Given again after each reconnect. */
  addAuth(scheme: string, credentials: Uint8Array): Promise<void>

  /** The members of the ensemble as the servers keep them, whatever the chroot. */
  getConfig(options?: ReadOptions): Promise<{ data: Uint8Array | null; stat: ZnodeStat }>
  /** Changes the members, if `fromConfigVersion` is the current configuration (-1n: any); resolves with the new one. */
  reconfigure(
    change: Reconfiguration,
    fromConfigVersion?: bigint,
  ): Promise<{ data: Uint8Array | null; stat: ZnodeStat }>
  /** The quota of the path itself; null if it has none. */
  getQuota(path: string): Promise<Quota | null>
  /** Sets the limits given, and keeps the others. Rejects if a znode above or below has a quota. */
  setQuota(path: string, limits: Partial<QuotaLimits>): Promise<Quota>
  /** Lifts the limits named, or removes the quota altogether; resolves with whether there was one. */
  deleteQuota(path: string, limits?: readonly (keyof QuotaLimits)[]): Promise<boolean>

  /** The znode now and after every change; changes in quick succession may be seen as one. */
  follow(path: string): AsyncIterableIterator<ZnodeView>
  /** The sorted names of the children now and after every change; null while the znode is missing. */
  followChildren(path: string): AsyncIterableIterator<readonly string[] | null>

  /** Ends the session, and its ephemerals with it. Safe to call twice. */
  close(): Promise<void>
  /** Drops the connection and forgets the session, which lives on at the servers until it times out. */
  abandon(): void
}

/** A refusal by the server, by ZooKeeper's name for it, or one of the client's own: connection-loss, session-expired, auth-failed. */
export class ClientError extends Error {
  readonly errorName: ErrorName
  readonly operation: string
  readonly path: string | null

  constructor(errorName: ErrorName, operation: string, path: string | null, explanation: string) {
    super(`${operation}${path === null ? '' : ` ${path}`}: ${errorName}: ${explanation}`)
    this.name = 'ClientError'
    this.errorName = errorName
    this.operation = operation
    this.path = path
  }
}

/** A multi that was rolled back. `errorNames[i]` is null for operations before the one at fault. */
export class MultiError extends ClientError {
  readonly failedIndex: number
  readonly errorNames: readonly (ErrorName | null)[]

  constructor(failedIndex: number, failedPath: string, errorNames: readonly (ErrorName | null)[]) {
    const errorName = errorNames[failedIndex] ?? 'runtime-inconsistency'
    super(
      errorName,
      'multi',
      failedPath,
      `operation ${failedIndex} of ${errorNames.length} was refused; none took effect`,
    )
    this.name = 'MultiError'
    this.failedIndex = failedIndex
    this.errorNames = errorNames
  }
}
