/**
 * The public module `zkts/client`: a ZooKeeper client with promises and async iterators, over the real network and
 * clock. It is an entry file like main.ts, and the only file in this folder that imports ports of src/io.
 *
 *   const zk = await connect('127.0.0.1:2181')
 *   await zk.create('/a', new TextEncoder().encode('hello'))
 *   for await (const view of zk.follow('/a')) …
 */
import { nodeClock } from '../io/node-clock.ts'
import { nodeDialer } from '../io/node-net.ts'
import { nodeRandom } from '../io/node-random.ts'
import { nodeTimers } from '../io/node-timers.ts'
import type { Log } from '../ports/log.ts'
import { connectWith } from './connect.ts'
import type { Client, ClientOptions } from './types.ts'

export interface ConnectOptions extends ClientOptions {
  /** How long to try to connect before giving up. Default: the session timeout, which is 10 000 by default. */
  readonly connectTimeoutMs?: number
  readonly log?: Log
}

/** Opens a session. `to` is `host:port,host:port/chroot`, or options with that text as `servers`. */
export function connect(to: string | ConnectOptions): Promise<Client> {
  const options: ConnectOptions = typeof to === 'string' ? { servers: to } : to
  return connectWith(options, options.connectTimeoutMs ?? options.sessionTimeoutMs ?? 10_000, {
    clock: nodeClock(),
    timers: nodeTimers(),
    random: nodeRandom(),
    dialer: nodeDialer(),
    log: options.log ?? null,
  })
}

export type { ChainHash } from '../base/chain-hash.ts'
export type { ErrorName } from '../base/errors.ts'
export type { Epoch, ServerId, SessionId, Zxid } from '../base/ids.ts'
export type { BackupEnd, BackupPiece } from '../protocol/backup/backup-piece.ts'
export type { ClusterId, TxnEntry } from '../protocol/disk/log-record.ts'
export type { Backup, BackupFacts, BackupOptions, BackupPoint, BackupRefusal } from './backup.ts'
export { BackupError } from './backup.ts'
export type {
  AclEntry,
  Client,
  ClientOptions,
  ClientState,
  CreateMode,
  CreateOptions,
  MultiRequest,
  MultiResult,
  Quota,
  QuotaLimits,
  ReadOptions,
  ReadRequest,
  ReadResult,
  Reconfiguration,
  WatchEvent,
  WatchEventKind,
  Watcher,
  WatchKind,
  WatchOptions,
  ZnodeStat,
  ZnodeView,
} from './types.ts'
export { ClientError, MultiError } from './types.ts'
