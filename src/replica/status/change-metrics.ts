/**
 * Counts the txns that a server applies (ZK: DataTree.updateWriteStat; Leader.commit; Follower.processPacket) and the
 * watch events that they cause (ZK: WatchManager.triggerWatch).
 */
import { assertNever } from '../../base/assert.ts'
import type { Counter } from '../../metrics/counter.ts'
import type { Histogram } from '../../metrics/histogram.ts'
import { NamespaceBytes } from '../../metrics/namespace-bytes.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { WatchEventType } from '../../protocol/client/watch-event.ts'
import type { WireEntry } from '../../protocol/peer/peer-message.ts'
import type { Change, Txn } from '../../protocol/txn/txn.ts'
import { timeOfTxn } from '../../protocol/txn/txn-codec.ts'
import type { Notification } from '../../watches/watch-table.ts'

export class WriteMetrics {
  readonly #commits: Counter
  readonly #learnerCommits: Counter
  readonly #bytes: NamespaceBytes
  readonly #proposalLatency: Histogram
  readonly #propagationLatency: Histogram

  constructor(metrics: ServerMetrics) {
    this.#commits = metrics.commit_count
    this.#learnerCommits = metrics.learner_commit_received_count
    this.#bytes = new NamespaceBytes(metrics.write_per_namespace)
    this.#proposalLatency = metrics.proposal_latency
    this.#propagationLatency = metrics.propagation_latency
  }

  /** Proposals of the leader that this server is in step with. Those of a synchronisation are old, and say nothing. */
  proposalsReceived(entries: readonly WireEntry[], wallMs: number): void {
    for (const { payload } of entries) noteLatency(this.#proposalLatency, timeOfTxn(payload), wallMs)
  }

  /** While this server serves, for the same reason. */
  propagated({ timeMs }: Txn, wallMs: number): void {
    noteLatency(this.#propagationLatency, timeMs, wallMs)
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

/** Two clocks that differ by more than the latency give a negative one, which is left out (ZK: FinalRequestProcessor.applyRequest). */
function noteLatency(latency: Histogram, sinceMs: number, nowMs: number): void {
  if (nowMs >= sinceMs) latency.note(nowMs - sinceMs)
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

function summaryOf(metrics: ServerMetrics, type: WatchEventType): Histogram {
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
