/** The state of a replica at one moment, for administration. */
import type { Zxid } from '../../base/ids.ts'
import type { NamespaceQuota } from '../../tree/quota-totals.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { Clients } from '../clients/clients.ts'
import { noProposals, type ProposalSizes, type ProposalStatistics } from '../leading/proposal-statistics.ts'
import type { Role } from '../trace-event.ts'

export interface LearnerCounts {
  readonly learners: number
  readonly synced: number
  readonly pending: number
}

export interface ReplicaStatus {
  readonly role: Role
  /** A server that keeps its clients while it waits for a leader does not serve. */
  readonly serving: 'serving' | 'not-serving' | 'read-only'
  readonly zxid: Zxid
  readonly nodeCount: number
  readonly ephemeralsCount: number
  readonly approximateDataSizeBytes: number
  readonly watchCount: number
  readonly sessionCount: number
  readonly localSessionCount: number
  readonly authFailedCount: number
  readonly quotas: readonly NamespaceQuota[] // sorted by namespace
  readonly learners: LearnerCounts
  readonly proposalSizes: ProposalSizes
}

export interface StatusSources {
  readonly role: Role
  readonly state: ReplicatedState
  readonly clients: Clients
  readonly learners: LearnerCounts
  readonly proposals: ProposalStatistics | null // null unless leading
}

export function replicaStatus({ role, state, clients, learners, proposals }: StatusSources): ReplicaStatus {
  const { tree, sessions } = state
  const { kind } = clients.serving
  return {
    role,
    serving: kind === 'waiting' ? 'not-serving' : kind,
    zxid: tree.lastApplied,
    nodeCount: tree.nodeCount,
    ephemeralsCount: tree.ephemeralsCount,
    approximateDataSizeBytes: tree.approximateDataSizeBytes,
    watchCount: clients.watches.watchCount,
    sessionCount: sessions.count,
    localSessionCount: clients.sessions.localSessionCount,
    authFailedCount: clients.authFailedCount,
    quotas: tree.namespaceQuotas(),
    learners,
    proposalSizes: proposals?.sizes ?? noProposals,
  }
}
