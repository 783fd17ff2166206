/**
 * The door `zkts/client`: a ZooKeeper client on promises and async iterators, over the real network and clock.
 * An entry file like main.ts: it alone in this folder joins ports of src/io to the client.
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
  /** How long to look for a server before giving up; default: the session timeout, 10 000 unless set. */
  readonly connectTimeoutMs?: number
  readonly log?: Log
}

/** Opens a session; takes `host:port,host:port/chroot` or options that hold it as `servers`. */
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

export type { ErrorName } from '../base/errors.ts'
export type { SessionId, Zxid } from '../base/ids.ts'
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
