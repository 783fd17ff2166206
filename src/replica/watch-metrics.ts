/** How many connections hear of each watched change (ZK: WatchManager.triggerWatch). */
import { assertNever } from '../base/assert.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Summary } from '../metrics/summary.ts'
import type { WatchEventType } from '../protocol/client/watch-event.ts'
import type { Notification } from '../watches/watch-table.ts'

/** The notifications of one txn, in their order: those of one change stand together. */
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
