/** What a server counts of the txns that it applies (ZK: DataTree.updateWriteStat; Leader.commit; Follower.processPacket). */
import type { Counter } from '../metrics/counter.ts'
import { NamespaceBytes } from '../metrics/namespace-bytes.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Change, Txn } from '../protocol/txn/txn.ts'

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
