/**
 * Finds the containers and TTL znodes that have had their time, on the leader (ZK: ContainerManager).
 * Owns the pace: a sweep over them begins each interval and looks at a bounded number per tick, and no more are
 * found than may be deleted per minute. Each leader starts with a whole interval, so a quick change of leaders
 * only delays. Assumes that who deletes them checks for changes in flight: here only the applied tree is seen.
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
/** About 0.2 ms of a tick. */
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
    if (this.#swept !== this.#holder.tree) this.#sweep = null // another tree took the place of the one that is swept
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

/** A container never used is left some time, or it could go before its maker has put the first child into it. */
export function isOver(znode: TransientZnode, nowMs: number, neverUsedMs: number): boolean {
  if (znode.childCount > 0) return false
  // Children that come and go do not refresh it, new data does.
  const unchangedMs = nowMs - znode.mtimeMs
  if (znode.ttlMs !== null) return unchangedMs > znode.ttlMs
  return znode.createCount > 0 || (neverUsedMs > 0 && unchangedMs > neverUsedMs)
}
