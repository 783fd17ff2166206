/**
 * What a row about checkpoints is: its figures, and how it is measured on one target.
 * Owns: the vocabulary of checkpoint-rows.ts and of the rows.
 */
import type { GeneratorProcess } from '../generator-process.ts'
import type { Target } from '../options.ts'
import type { Members } from './members.ts'

export interface RowFigure {
  readonly key: string
  readonly title: string
  readonly digits: number
  /** What the project wants to reach, in words. */
  readonly aim?: string
}

export type RowValues = Readonly<Record<string, number | undefined>>

export interface CheckpointOptions {
  readonly znodes: number
  readonly dataSizeBytes: number
  /** Measured time of creates, and of the paced load before a learner joins. */
  readonly measureMs: number
  readonly warmUpMs: number
  /** The setting `snapCount` of the row `creates` with checkpoints. */
  readonly snapCount: number
  /** Reads and writes for each second while a learner joins. */
  readonly requestsPerSecond: number
  readonly diskSets: number
  /** Pause before memory is read. */
  readonly settleMs: number
}

export interface RowContext {
  readonly target: Target
  readonly options: CheckpointOptions
  readonly members: Members
  readonly generator: GeneratorProcess
  readonly progress: (line: string) => void
}

export interface CheckpointRow {
  readonly figures: readonly RowFigure[]
  measure(context: RowContext): Promise<RowValues>
}

/** No server takes a checkpoint by itself with this setting. */
export const neverSnapCount = '1000000000'

export function mib(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 2 ** 20
}

export function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}
