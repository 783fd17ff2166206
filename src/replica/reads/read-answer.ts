/**
 * What every read has in common: what it may look at, and the shape of its answer. Assumes that a body is handed
 * over before the next read begins, since all are written in one buffer.
 */
import type { AccessRules } from '../../auth/access-rules.ts'
import type { ErrorName } from '../../base/errors.ts'
import type { Result } from '../../base/result.ts'
import { JuteWriter } from '../../jute/jute-writer.ts'
import type { NamespaceBytes } from '../../metrics/namespace-bytes.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { Notification, WatchTable } from '../../watches/watch-table.ts'
import type { ConfigZnode } from './config-znode.ts'
import type { KeeperZnodes } from './keeper/keeper-znodes.ts'

export interface ReadContext {
  readonly tree: DataTree // the present one: a server that catches up may replace it as a whole
  readonly watches: WatchTable
  readonly reads: NamespaceBytes
  readonly access: AccessRules
  readonly configZnode: ConfigZnode
  /** Null: what ClickHouse Keeper has beyond ZooKeeper is not served. */
  readonly keeper: KeeperZnodes | null
}

/**
 * What the reads of a server look at. The tree is asked for at each of them, since a checkpoint may take its place. A
 * class, because the getter of an object literal is not inlined: 45 ns a read instead of 4.
 */
export class ServerReads implements ReadContext {
  readonly watches: WatchTable
  readonly reads: NamespaceBytes
  readonly access: AccessRules
  readonly configZnode: ConfigZnode
  readonly keeper: KeeperZnodes | null
  readonly #state: { readonly tree: DataTree }

  constructor(state: { readonly tree: DataTree }, rest: Omit<ReadContext, 'tree'>) {
    this.#state = state
    this.watches = rest.watches
    this.reads = rest.reads
    this.access = rest.access
    this.configZnode = rest.configZnode
    this.keeper = rest.keeper
  }

  get tree(): DataTree {
    return this.#state.tree
  }
}

export interface ReadAnswer {
  readonly error: ErrorName | null
  /** With an error only to a multiRead. */
  readonly body: Uint8Array | null
  /** What setWatches missed; leaves before the reply. */
  readonly missed: readonly Notification[]
}

export type Body = Result<Uint8Array, ErrorName>

export const nothingMissed: readonly Notification[] = []

export function answerOf(body: Body): ReadAnswer {
  return body.ok ? { error: null, body: body.value, missed: nothingMissed } : refusal(body.error)
}

export function refusal(error: ErrorName): ReadAnswer {
  return { error, body: null, missed: nothingMissed }
}

// One buffer for all replies: each is copied out before the next begins.
const scratch = new JuteWriter()

export function scratchWriter(): JuteWriter {
  scratch.reset()
  return scratch
}
