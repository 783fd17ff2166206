/**
 * The public types of the client. All are plain values except `Client` and the errors.
 * A zxid is a number, exact below epoch 2²¹. A session id is an unsigned 64-bit bigint.
 */
import type { ErrorName } from '../base/errors.ts'
import type { SessionId, Zxid } from '../base/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Random } from '../ports/random.ts'
import type { Dialer } from '../ports/stream.ts'
import type { Timers } from '../ports/timers.ts'
import type { Backup, BackupOptions } from './backup.ts'

/** The ports that the client needs. */
export interface ClientPorts {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly dialer: Dialer
  readonly log: Log | null
}

export interface ClientOptions {
  /** `host:port,host:port/chroot`. The default port is 2181. IPv6 addresses are written in brackets. */
  readonly servers: string
  /** The timeout that the client asks for; the server keeps it within its limits. Default 10 000. */
  readonly sessionTimeoutMs?: number
  /** The limit of one attempt to reach one server. Default: a third of the session timeout. */
  readonly dialTimeoutMs?: number
  /** The pause before the second round over all servers. Default 100. Doubles each round up to 2 000, with jitter. */
  readonly retryDelayMs?: number
  /**
   * Also connect to a server without a leader. Such a server answers reads from its own tree and refuses writes and
   * `sync` with not-read-only. The client keeps looking for a server with a leader. Default false.
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
  /**
   * The server deletes the znode when it has no children and its data was not set for this time. Only for persistent
   * modes.
   */
  readonly ttlMs?: number
  readonly acl?: readonly AclEntry[] // default: every client may do everything
}

export type WatchEventKind = 'created' | 'deleted' | 'data-changed' | 'children-changed'

export interface WatchEvent {
  readonly kind: WatchEventKind
  readonly path: string
  /** The zxid of the change. Null if the change happened while the client was disconnected. */
  readonly zxid: Zxid | null
}

/**
 * A watcher of a read is called at most once, one of `watch` until it is stopped. None is called after the session
 * ends.
 */
export type Watcher = (event: WatchEvent) => void

export interface ReadOptions {
  readonly watch?: Watcher
}

export interface WatchOptions {
  /**
   * Watch the whole subtree. Each event has the path of the changed znode; children-changed is never sent. Default
   * false.
   */
  readonly recursive?: boolean
}

/** The watches of getChildren, those of getData and exists, those of `watch` without and with `recursive`, or all. */
export type WatchKind = 'children' | 'data' | 'persistent' | 'recursive' | 'any'

/**
 * Null: no limit. Servers with `enforceQuota` enforce the hard limits; they only log when another limit is exceeded.
 */
export interface QuotaLimits {
  readonly count: bigint | null
  readonly bytes: bigint | null
  readonly countHard: bigint | null
  readonly bytesHard: bigint | null
}

export interface Quota {
  readonly limits: QuotaLimits
  /** Znodes in the subtree, including the znode itself, as the servers count them. */
  readonly usedCount: bigint
  readonly usedBytes: bigint
  /** In ZooKeeper's notation. */
  readonly limitsText: string
  readonly usageText: string
}

/** Servers are written as in zoo.cfg, `server.4=host:port:port:role;port`; `leaving` contains ids. */
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
      readonly readOnly: boolean // the server has no leader: reads may be stale, writes are refused
    }
  /** The session, its ephemerals and its watches are gone. This client cannot be used again; open a new one. */
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

/** The values of `follow`: the current znode, then the znode after each noticed change. */
export type ZnodeView =
  | { readonly kind: 'present'; readonly data: Uint8Array | null; readonly stat: ZnodeStat }
  | { readonly kind: 'missing' }

/**
 * A session with an ensemble. Every method rejects with a `ClientError`. If the connection is lost before the reply,
 * the request rejects with connection-loss; the server may or may not have done it. A request made while disconnected
 * waits.
 */
export interface Client {
  readonly state: ClientState
  /** Null until the first connect succeeds. */
  readonly session: { readonly id: SessionId; readonly password: Uint8Array } | null
  /** The zxid of the last reply or event. A server that has not applied it does not accept this client. */
  readonly lastZxidSeen: Zxid
  /** Resolves once connected. Rejects if the session ends before. */
  whenConnected(): Promise<void>
  /** Calls `callback` on every later change. Returns a function that stops this. */
  onStateChange(callback: (state: ClientState) => void): () => void
  /** Every later change as a stream, which ends when the session ends. */
  states(): AsyncIterableIterator<ClientState>

  create(path: string, data?: Uint8Array | null, options?: CreateOptions): Promise<{ path: string; stat: ZnodeStat }>
  delete(path: string, version?: number): Promise<void>
  exists(path: string, options?: ReadOptions): Promise<ZnodeStat | null>
  getData(path: string, options?: ReadOptions): Promise<{ data: Uint8Array | null; stat: ZnodeStat }>
  setData(path: string, data: Uint8Array | null, version?: number): Promise<ZnodeStat>
  getChildren(path: string, options?: ReadOptions): Promise<{ children: readonly string[]; stat: ZnodeStat }>
  getAcl(path: string): Promise<{ acl: readonly AclEntry[]; stat: ZnodeStat }>
  setAcl(path: string, acl: readonly AclEntry[], version?: number): Promise<ZnodeStat>
  /** A read after it sees every write that was committed before it. */
  sync(path: string): Promise<void>
  /** All operations take effect, or none. Rejects with a `MultiError` that has the index of the failed operation. */
  multi(requests: readonly MultiRequest[]): Promise<readonly MultiResult[]>
  /** Several reads of the same state of the tree. A refused read does not affect the others. */
  multiRead(requests: readonly ReadRequest[]): Promise<readonly ReadResult[]>
  /** The paths of this session's ephemerals that start with the text `prefix`; without it, all of them. */
  getEphemerals(prefix?: string): Promise<readonly string[]>
  /** The number of znodes below the path, at every depth. */
  countDescendants(path: string): Promise<number>
  /** The identities of this connection; `user` may be empty. */
  whoAmI(): Promise<readonly { readonly scheme: string; readonly user: string }[]>
  /**
   * Sets a persistent watch, which lasts over reconnects until it is stopped or the session ends. The znode need not
   * exist. Changes while disconnected cause no events. Resolves with a function that stops the watch and never rejects.
   */
  watch(path: string, watcher: Watcher, options?: WatchOptions): Promise<() => Promise<void>>
  /**
   * Removes all watches of this kind that the client has on the path. Rejects with no-watcher if there are none. While
   * disconnected it waits; with `isLocalEnough` it then only makes the client not set them again.
   */
  removeWatches(path: string, kind?: WatchKind, options?: { readonly isLocalEnough?: boolean }): Promise<void>
  /** Authenticates the session, also after each reconnect. */
  addAuth(scheme: string, credentials: Uint8Array): Promise<void>

  /** The members of the ensemble, from /zookeeper/config; the chroot does not apply. */
  getConfig(options?: ReadOptions): Promise<{ data: Uint8Array | null; stat: ZnodeStat }>
  /**
   * Changes the members if the current configuration has the version `fromConfigVersion` (-1n: any). Resolves with the
   * new one.
   */
  reconfigure(
    change: Reconfiguration,
    fromConfigVersion?: bigint,
  ): Promise<{ data: Uint8Array | null; stat: ZnodeStat }>
  /** The quota of the path itself, or null. */
  getQuota(path: string): Promise<Quota | null>
  /** Sets the given limits and keeps the others. Rejects if a znode above or below has a quota. */
  setQuota(path: string, limits: Partial<QuotaLimits>): Promise<Quota>
  /** Removes the named limits, or without names the whole quota. Resolves with whether the path had a quota. */
  deleteQuota(path: string, limits?: readonly (keyof QuotaLimits)[]): Promise<boolean>

  /** The znode now and after every change. Changes in quick succession may yield one view. */
  follow(path: string): AsyncIterableIterator<ZnodeView>
  /** The sorted names of the children, now and after every change. Null while the znode is missing. */
  followChildren(path: string): AsyncIterableIterator<readonly string[] | null>

  /**
   * Begins a backup of the server that this client is connected to. Rejects with no-auth unless the client has super rights,
   * or has authenticated with the scheme `local` and the text of the file `local-key` in the data folder of that server.
   * Rejects with a `BackupError` if the server cannot make the backup.
   */
  openBackup(options?: BackupOptions): Promise<Backup>

  /** Ends the session, which deletes its ephemerals. May be called twice. */
  close(): Promise<void>
  /** Closes the connection without ending the session. The servers keep the session until it times out. */
  abandon(): void
}

/**
 * A refusal by the server, under ZooKeeper's name, or an error of the client: connection-loss, session-expired,
 * auth-failed.
 */
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

/** A multi of which no operation took effect. `errorNames[i]` is null for operations before the failed one. */
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
