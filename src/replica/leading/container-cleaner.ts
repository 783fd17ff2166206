/**
 * Finds the containers and TTL znodes that are due for deletion, on the leader (ZK: ContainerManager).
 * Owns the rate: a sweep over them begins each interval and checks a bounded number per tick. It finds them at the
 * pace at which they may be deleted: one at its start, then one more each time that its share of a minute has passed.
 * Each leader starts with a whole interval, so frequent changes of leader delay deletions. Assumes: the caller checks
 * for changes in flight before it deletes; this class sees the applied tree.
 */
import type { Config } from '../../config/config.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { TransientZnode } from '../../tree/transient-znode.ts'
import type { Stamp } from '../contract.ts'

export type CleanerSettings = Pick<
  Config,
  'containerCheckIntervalMs' | 'containerDeletionsPerMinuteMax' | 'containerNeverUsedMs'
>

const minuteMs = 60_000
/** 0.16 ms of a tick: the median of 450 ticks in a tree of 100,000 TTL znodes that are not due, on Node.js 20. */
const lookedAtPerTickMax = 500

type Tree = Pick<DataTree, 'transients'>

export class ContainerCleaner {
  readonly #holder: { readonly tree: Tree }
  readonly #settings: CleanerSettings
  #nextSweepMs: number
  #sweep: Iterator<TransientZnode> | null = null
  #swept: Tree | null = null
  #sweepStartedMs = 0
  #foundInSweep = 0

  constructor(holder: { readonly tree: Tree }, settings: CleanerSettings, nowMs: number) {
    this.#holder = holder
    this.#settings = settings
    this.#nextSweepMs = nowMs + settings.containerCheckIntervalMs
  }

  /** The paths to delete now. */
  tick(now: Stamp): readonly string[] {
    if (this.#swept !== this.#holder.tree) this.#sweep = null // a checkpoint has replaced the tree during the sweep
    if (this.#sweep === null) {
      if (now.monotonicMs < this.#nextSweepMs) return none
      this.#swept = this.#holder.tree
      this.#sweep = this.#swept.transients()
      this.#sweepStartedMs = now.monotonicMs
      this.#nextSweepMs = now.monotonicMs + this.#settings.containerCheckIntervalMs
      this.#foundInSweep = 0
    }
    return this.#advance(this.#sweep, now)
  }

  #advance(sweep: Iterator<TransientZnode>, now: Stamp): readonly string[] {
    const found: string[] = []
    const sweepMs = now.monotonicMs - this.#sweepStartedMs
    const allowedInSweep = 1 + Math.floor((sweepMs * this.#settings.containerDeletionsPerMinuteMax) / minuteMs)
    for (let i = 0; i < lookedAtPerTickMax && this.#foundInSweep < allowedInSweep; i++) {
      const next = sweep.next()
      if (next.done === true) {
        this.#sweep = null
        return found
      }
      if (!isOver(next.value, now.wallMs, this.#settings.containerNeverUsedMs)) continue
      found.push(next.value.path)
      this.#foundInSweep++
    }
    return found
  }
}

const none: readonly string[] = []

/** A container that never had a child is kept for `neverUsedMs`, so that its creator can create the first child. */
export function isOver(znode: TransientZnode, nowMs: number, neverUsedMs: number): boolean {
  if (znode.childCount > 0) return false
  // New data restarts the time of a TTL znode; creating and deleting children does not.
  const unchangedMs = nowMs - znode.mtimeMs
  if (znode.ttlMs !== null) return unchangedMs > znode.ttlMs
  return znode.createCount > 0 || (neverUsedMs > 0 && unchangedMs > neverUsedMs)
}
