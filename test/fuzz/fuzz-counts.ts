/** Counts of what a batch sent and got, by which a campaign shows that it reached what it claims to test. */
import type { ErrorName } from '../../src/base/errors.ts'
import type { OpName } from '../../src/protocol/client/operations.ts'
import type { LogLine } from '../support/server-rig.ts'

export interface OpOutcomes {
  succeeded: number
  failed: number
}

export class FuzzCounts {
  inputs = 0
  restarts = 0
  replayedTxns = 0
  readonly byKind = new Map<string, number>()
  readonly byOp = new Map<string, OpOutcomes>()
  readonly byError = new Map<string, number>()
  readonly byCloseReason = new Map<string, number>()

  sent(kind: string): void {
    this.inputs++
    increment(this.byKind, kind)
  }

  replied(name: OpName | 'unknown', error: ErrorName | null): void {
    const outcomes = this.byOp.get(name) ?? { succeeded: 0, failed: 0 }
    this.byOp.set(name, outcomes)
    if (error === null) outcomes.succeeded++
    else {
      outcomes.failed++
      increment(this.byError, error)
    }
  }

  logged({ event, fields }: LogLine): void {
    if (event === 'client-refused' || event === 'client-closed') increment(this.byCloseReason, String(fields.reason))
  }

  add(other: FuzzCounts): void {
    this.inputs += other.inputs
    this.restarts += other.restarts
    this.replayedTxns += other.replayedTxns
    addAll(this.byKind, other.byKind)
    addAll(this.byError, other.byError)
    addAll(this.byCloseReason, other.byCloseReason)
    for (const [name, { succeeded, failed }] of other.byOp) {
      const outcomes = this.byOp.get(name) ?? { succeeded: 0, failed: 0 }
      this.byOp.set(name, { succeeded: outcomes.succeeded + succeeded, failed: outcomes.failed + failed })
    }
  }

  describe(): string {
    const byOp = [...this.byOp].map(([name, { succeeded, failed }]) => `${name} ${succeeded}/${failed}`)
    return [
      `inputs: ${this.inputs} (${describeMap(this.byKind)})`,
      `replies, good/error: ${byOp.sort().join(', ')}`,
      `errors: ${describeMap(this.byError)}`,
      `closed: ${describeMap(this.byCloseReason)}`,
      `restarts: ${this.restarts}, each with the whole log replayed; txns checked: ${this.replayedTxns}`,
    ].join('\n')
  }
}

function increment(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function addAll(counts: Map<string, number>, others: ReadonlyMap<string, number>): void {
  for (const [key, count] of others) increment(counts, key, count)
}

function describeMap(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([key, count]) => `${key} ${count}`)
    .join(', ')
}
