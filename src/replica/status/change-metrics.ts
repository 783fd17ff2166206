/**
 * Counts the txns that a server applies (ZK: DataTree.updateWriteStat; Leader.commit; Follower.processPacket) and the
 * watch events that they cause (ZK: WatchManager.triggerWatch).
 */
import { assertNever } from '../../base/assert.ts'
import type { Counter } from '../../metrics/counter.ts'
import { NamespaceBytes } from '../../metrics/namespace-bytes.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Summary } from '../../metrics/summary.ts'
import type { WatchEventType } from '../../protocol/client/watch-event.ts'
import type { Change, Txn } from '../../protocol/txn/txn.ts'
import type { Notification } from '../../watches/watch-table.ts'

export class WriteMetrics {
  readonly #commits: Counter
  readonly #learnerCommits: Counter
  readonly #bytes: NamespaceBytes

  constructor(metrics: ServerMetrics) {
    this.#commits = metrics.commit_count
    this.#learnerCommits = metrics.learner_commit_received_count
    this.#bytes = new NamespaceBytes(metrics.write_per_namespace)
  }

  applied(txn: Txn, isLeading: boolean): void {
    if (isLeading) this.#commits.add()
    else this.#learnerCommits.add()
    for (const change of txn.changes) this.#note(change)
  }

  #note(change: Change): void {
    switch (change.kind) {
      case 'create':
      case 'set-data':
        this.#bytes.note(change.path, change.path.length + (change.data?.length ?? 0))
        return
      case 'delete':
        this.#bytes.note(change.path, change.path.length)
        return
      case 'bundle':
        for (const bundled of change.changes) this.#note(bundled)
        return
      case 'close-session':
        for (const path of change.deletedPaths) this.#bytes.note(path, path.length)
        return
      default:
        return
    }
  }
}

/** Counts the connections that are notified of each change. Notifications of the same change follow one another. */
export function countWatchEvents(metrics: ServerMetrics, notifications: readonly Notification[]): void {
  let begin = 0
  for (let i = 1; i <= notifications.length; i++) {
    const { type, path } = notifications[begin]!
    const next = notifications[i]
    if (next !== undefined && next.type === type && next.path === path) continue
    summaryOf(metrics, type).note(i - begin)
    begin = i
  }
}

function summaryOf(metrics: ServerMetrics, type: WatchEventType): Summary {
  switch (type) {
    case 'created':
      return metrics.node_created_watch_count
    case 'deleted':
      return metrics.node_deleted_watch_count
    case 'data-changed':
      return metrics.node_changed_watch_count
    case 'children-changed':
      return metrics.node_children_watch_count
    default:
      return assertNever(type)
  }
}
