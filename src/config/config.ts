/**
 * The settings of one server, after every check: frozen, typed, in milliseconds and bytes. Nothing past
 * this module knows about ticks, property syntax or defaults.
 * Assumes: only `loadConfig` makes one. If a member of an ensemble could hold a `Config` that its peers
 * would not accept, they would disagree about what a quorum is.
 */

import type { AdminWord } from '../base/admin-words.ts'
import type { AuthScheme } from '../base/auth-schemes.ts'
import type { DigestAlgorithm } from '../base/digest-algorithms.ts'
import type { ServerId } from '../base/ids.ts'
import type { AdminEndpoint } from './admin-endpoint.ts'
import type { ClientLimits } from './client-limits.ts'
import type { Compatibility } from './compatibility.ts'
import type { StorageSettings } from './storage-settings.ts'

/** One `server.N` line. */
export interface EnsembleMember {
  readonly id: ServerId
  readonly host: string
  readonly quorumPort: number
  readonly electionPort: number
  readonly role: 'participant' | 'observer'
  /** The client address of this member, if the line has one. */
  readonly clientHost: string | null
  readonly clientPort: number | null
}

/** Authentication, and what an authenticated client may do. */
export interface AuthConfig {
  /** The schemes that are on, in the order of `authSchemes`. */
  readonly schemes: readonly AuthScheme[]
  /** `user:base64(hash(user:password))` of the super user; null = no super user. */
  readonly superDigest: string | null
  readonly digestAlgorithm: DigestAlgorithm
  /** The names of the ensemble, for the scheme `ensemble`; null = every name is accepted. */
  readonly ensembleNames: readonly string[] | null
  /** A connection without an id of one of these may only authenticate; empty = every connection may send requests. */
  readonly requiredSchemes: readonly AuthScheme[]
  readonly skipsAcl: boolean
}

/** A pause longer than this gets a line. */
export interface PauseThresholds {
  readonly warnMs: number
  readonly infoMs: number
}

export interface MetricsEndpoint {
  readonly address: { readonly host: string; readonly port: number }
  /** Whether it also shows processor time, memory, garbage collection and the delay of the event loop. */
  readonly exportsProcess: boolean
}

export interface Config {
  /** From `myid`; 1 when standalone, which is the top byte of the session ids that ZooKeeper makes then. */
  readonly serverId: ServerId
  readonly mode: 'standalone' | 'ensemble'
  /** By id; empty when standalone. */
  readonly members: readonly EnsembleMember[]
  readonly dataDir: string
  /** The folder of the log; equal to `dataDir` unless set. */
  readonly dataLogDir: string
  /** Whether `dataDir` and `dataLogDir` are refused on a file system that cannot flush a folder. */
  readonly requiresDirectorySync: boolean
  readonly storage: StorageSettings
  /** Whether a server without data counts in a quorum. If not, it waits for a leader to synchronise it or for the file `initialize`. */
  readonly dbAutocreate: boolean
  readonly clientAddress: { readonly host: string; readonly port: number } // 0.0.0.0 = every address
  readonly clientBacklog: number // -1 = the system's default
  /** Bind the quorum and election ports to every address instead of the one in the server line. */
  readonly quorumListenOnAllIps: boolean
  readonly tickTimeMs: number
  readonly initLimitMs: number
  readonly syncLimitMs: number
  // invariant: minSessionTimeoutMs <= maxSessionTimeoutMs
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly maxClientConnectionsPerAddress: number // 0 = no limit
  readonly maxClientConnections: number // 0 = no limit
  readonly connectRequestTimeoutMs: number
  /** The share of this server in `globalOutstandingLimit`. */
  readonly outstandingRequestCountMax: number
  readonly clientLimits: ClientLimits
  /** In which choices the server behaves exactly as ZooKeeper. */
  readonly compatibility: Compatibility
  /** Null: admin commands are not served over HTTP. */
  readonly adminEndpoint: AdminEndpoint | null
  /** Sorted. */
  readonly fourLetterWords: readonly AdminWord[]
  /** A peer that sends nothing for this long counts as dead. invariant: heartbeatIntervalMs < peerTimeoutMs <= syncLimitMs */
  readonly peerTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** A leader that is slow for this long several times hands over; 0: never. */
  readonly handOverSlowLeaderMs: number
  /** How long a server without a leader keeps its clients; 0: not at all. */
  readonly clientWaitForLeaderMs: number
  /** To how many learners a leader sends a copy of its state at once. */
  readonly snapSyncsAtOnceMax: number
  /** The rate at which it sends them, to all learners together, in KiB per second. */
  readonly snapSyncRateLimitKib: number
  readonly linearizableReads: boolean
  /** Whether new sessions exist only on the server that their client connected to. False when standalone. */
  readonly localSessionsEnabled: boolean
  /** Whether such a session becomes global when it creates an ephemeral; otherwise it may not. */
  readonly localSessionsUpgradingEnabled: boolean
  /** Whether a server without a leader serves reads. False when standalone. */
  readonly readOnlyModeEnabled: boolean
  /** Whether znodes with a time to live may be created. Those that exist expire in any case. */
  readonly extendedTypesEnabled: boolean
  /** Whether writes over a hard quota are refused; otherwise they are only logged. */
  readonly enforceQuota: boolean
  /** Whether the operations and znodes that only ClickHouse Keeper has are served. */
  readonly keeperCompatibility: boolean
  readonly keeperAvailabilityZone: string | null
  /** How the leader cleans up containers and TTL znodes. */
  readonly containerCheckIntervalMs: number
  readonly containerDeletionsPerMinuteMax: number
  readonly containerNeverUsedMs: number // 0 = one that never had a child stays
  /** What a follower does when its tree differs from that of the leader; with `not-compared` it does not look. */
  readonly digestPolicy: 'not-compared' | 'report' | 'stop'
  /** Where metrics and health are served over HTTP; null: nowhere. */
  readonly metricsEndpoint: MetricsEndpoint | null
  /** Null: pauses of the event loop are not measured. */
  readonly pauseThresholds: PauseThresholds | null
  readonly auth: AuthConfig
  /** Whether a reconfig is answered with Unimplemented, or with ReconfigDisabled. */
  readonly reconfigEnabled: boolean
}
