/** What a replica tells of itself at one moment, for whoever administers it. */
import type { Zxid } from '../base/ids.ts'
import type { NamespaceQuota } from '../tree/quota-totals.ts'
import type { ProposalSizes } from './proposal-statistics.ts'
import type { Role } from './trace-event.ts'

export interface ReplicaStatus {
  readonly role: Role
  readonly isServing: boolean
  readonly isReadOnly: boolean // serves reads without a leader; then it is not serving
  readonly zxid: Zxid
  readonly nodeCount: number
  readonly ephemeralsCount: number
  readonly approximateDataSizeBytes: number
  readonly watchCount: number
  readonly sessionCount: number
  readonly localSessionCount: number
  readonly authFailedCount: number
  readonly quotas: readonly NamespaceQuota[] // sorted by namespace
  readonly learners: { readonly learners: number; readonly synced: number; readonly pending: number }
  readonly proposalSizes: ProposalSizes
}
