/**
 * How often the servers of a run made checkpoints, started from them, removed the front of their logs and installed copies
 * of the state. A run in which none of it happens would prove nothing about it.
 */
import { aimedPrefix } from './faults.ts'
import type { SimEvent } from './sim-event.ts'

export interface CheckpointCounts {
  readonly made: number
  readonly loaded: number
  readonly frontsRemoved: number
  readonly copiesInstalled: number
  /** Copies that a learner began to receive; what is more than the installed ones was cut by a fault. */
  readonly copiesBegun: number
  /** Copies in which a fault was aimed at the learner, its leader or the links between them. */
  readonly copiesStruck: number
  /** Of the largest checkpoint, as a leader would send it. */
  readonly sizeBytesMax: number
}

const madePrefix = 'info checkpoint-made '

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export function noCheckpointCounts(): Mutable<CheckpointCounts> {
  return { made: 0, loaded: 0, frontsRemoved: 0, copiesInstalled: 0, copiesBegun: 0, copiesStruck: 0, sizeBytesMax: 0 }
}

export function noteCheckpoints(counts: Mutable<CheckpointCounts>, event: SimEvent): void {
  if (event.kind === 'server' && event.event.kind === 'installed' && event.event.zxid > 0) counts.copiesInstalled++
  if (event.kind === 'fault' && event.text.startsWith(aimedPrefix)) counts.copiesStruck++
  if (event.kind !== 'server-log') return
  if (event.text.startsWith(madePrefix)) {
    counts.made++
    const { sizeBytes } = JSON.parse(event.text.slice(madePrefix.length)) as { sizeBytes: number }
    counts.sizeBytesMax = Math.max(counts.sizeBytesMax, sizeBytes)
  }
  if (event.text.startsWith('info checkpoint-loaded ')) counts.loaded++
  if (event.text.startsWith('info log-purged ')) counts.frontsRemoved++
  if (event.text.startsWith('info checkpoint-receiving ')) counts.copiesBegun++
}
