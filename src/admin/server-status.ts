/**
 * The status of the server at one moment, as one value. Administrative commands turn it into text and read nothing
 * else, so they can be tested without a server.
 * Assumes: the server collects it in one turn of the event loop, so that its numbers are consistent.
 */
import type { ServerId, SessionId, Zxid } from '../base/ids.ts'

export type ServingMode = 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only'

export interface LatencyStatus {
  readonly minMs: number
  readonly avgMs: number
  readonly maxMs: number
}

export interface ConnectionStatus {
  readonly remoteAddress: string
  readonly remotePort: number
  /** As the selector of ZooKeeper shows it: 1 = the server reads, 4 = output is queued, 0 = neither. */
  readonly interestOps: number
  readonly outstandingRequests: number
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly session: ConnectionSessionStatus | null
}

/** The part of a connection's line that is printed once the connection has a session. */
export interface ConnectionSessionStatus {
  readonly sessionId: SessionId
  /** The short name of the operation: PING, CREA, NA, … */
  readonly lastOp: string
  readonly establishedAtWallMs: number
  readonly timeoutMs: number
  readonly lastXid: number | null // null = none yet
  readonly lastZxid: Zxid | null // null prints as -1, the state before the first reply
  /** Monotonic milliseconds at the last reply. */
  readonly lastResponseAtMs: number
  readonly lastLatencyMs: number
  readonly latency: LatencyStatus
}

/** Sizes of the buffers of one kind, since the start or the last reset. */
export interface SizeStatus {
  readonly lastBytes: number // -1 = none yet, for all three
  readonly minBytes: number
  readonly maxBytes: number
}

export interface LeaderStatus {
  readonly learnerCount: number
  readonly syncedFollowerCount: number
  readonly syncedNonVotingFollowerCount: number
  readonly syncedObserverCount: number
  readonly pendingSyncCount: number
  readonly uptimeMs: number
  readonly proposals: SizeStatus
}

/** The settings that `conf` prints; a `Config` is one. */
export interface ConfigStatus {
  readonly mode: 'standalone' | 'ensemble'
  readonly members: readonly MemberStatus[]
  readonly dataDir: string
  readonly dataLogDir: string
  readonly clientAddress: { readonly host: string; readonly port: number }
  readonly clientBacklog: number
  readonly tickTimeMs: number
  readonly initLimitMs: number
  readonly syncLimitMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly maxClientConnectionsPerAddress: number
}

export interface MemberStatus {
  readonly id: ServerId
  readonly host: string
  readonly quorumPort: number
  readonly electionPort: number
  readonly role: 'participant' | 'observer'
  readonly clientHost: string | null
  readonly clientPort: number | null
}

/** The facts that a server has in every serving role. */
export interface ServingStatus {
  readonly mode: ServingMode
  readonly zxid: Zxid
  /** As ZooKeeper counts: the root twice. */
  readonly nodeCount: number
  readonly ephemeralCount: number
  readonly watchCount: number
  readonly approximateDataSizeBytes: number
  readonly globalSessionCount: number
  readonly localSessionCount: number
  /** Null unless leading. */
  readonly leader: LeaderStatus | null
}

export interface FileDescriptorStatus {
  readonly openCount: number
  readonly maxCount: number
}

export interface LastCheckpoint {
  readonly zxid: number
  readonly sizeBytes: number
  /** Since it was begun, or found to have every write; at most since the start of the server. */
  readonly ageMs: number
}

export interface ServerStatus {
  readonly serverId: ServerId
  readonly config: ConfigStatus
  /** Made by `versionText` of server-version.ts. */
  readonly version: string
  /** Null while the server has no leader and answers no client. */
  readonly serving: ServingStatus | null
  readonly uptimeMs: number
  /** Latency of requests since the start or the last reset. */
  readonly latency: LatencyStatus
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly outstandingRequests: number
  readonly authFailedCount: number
  /** The probability, 0 to 1, with which a new connection is refused in order to slow clients down. */
  readonly connectionDropProbability: number
  /** Sizes of replies to clients. */
  readonly responses: SizeStatus
  readonly connectionCount: number
  /** Sizes of the files of the server in each folder. */
  readonly dataDirSizeBytes: number
  readonly dataLogDirSizeBytes: number
  /** How long writes have waited for space on the disk; null while they do not. */
  readonly diskFullMs: number | null
  /** The last checkpoint that is durable; null: there is none. */
  readonly lastCheckpoint: LastCheckpoint | null
  /** A restart could not use the checkpoint that is on the disk. */
  readonly isCheckpointDamaged: boolean
  /**
   * Log lines that were dropped because their output did not take them. Null for an embedded server with its own log.
   */
  readonly lostLogLineCount: number | null
}

/** Facts of the machine and the process for `envi`; read once at the start. */
export interface EnvironmentFacts {
  readonly hostName: string
  readonly nodeVersion: string
  readonly nodeExecutable: string
  readonly temporaryFolder: string
  readonly osName: string
  readonly osArch: string
  readonly osVersion: string
  readonly userName: string
  readonly userHome: string
  readonly userDir: string
}

/** Memory at this moment, for `envi`. */
export interface MemoryStatus {
  readonly freeBytes: number
  readonly maxBytes: number
  readonly totalBytes: number
}
