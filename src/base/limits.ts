/**
 * Every limit, by name, with its reason. docs/reference/limits.md lists the same rows.
 */
import { assert } from './assert.ts'

/** Largest client frame, header included, unless `jute.maxbuffer` says otherwise; what clients read, too (ZK: 0xfffff, inclusive). */
export const clientFrameSizeBytesMax = 0xfffff
/** The most that `jute.maxbuffer` may be: a request of this size must still fit a txn. */
export const clientFrameSizeBytesCeiling = 48 * 1024 * 1024
/** A frame above the limit is skipped and its request refused up to here; a longer length is damage, not a size: the four letters of a text and the start of a TLS record are all above it. */
export const skippedFrameSizeBytesMax = 256 * 1024 * 1024
/** Bytes kept of a request that is skipped, so that the log line can name its path. */
export const skippedFrameHeadSizeBytes = 1024
/** Elements of a jute vector; a larger count cannot fit a legal frame of 4-byte elements. */
export const juteVectorCountMax = Math.floor(clientFrameSizeBytesCeiling / 4)
/** Reply to a multiRead: one small request may name one large znode many thousand times. Above it the request is refused. */
export const multiReadReplySizeBytesMax = 64 * 1024 * 1024
/** Reply to a listing that carries Stats, data or whole subtrees. Above it the request is refused. */
export const listReplySizeBytesMax = 64 * 1024 * 1024
/** Znodes that one txn touches at most if a recursive removal is in it; what is larger has to be removed in pieces. */
export const recursiveRemovalZnodeCountMax = 100_000
/** All paths together that one txn touches at most if a recursive removal is in it, in UTF-16 units. */
export const recursiveRemovalPathUnitsMax = 8 * 1024 * 1024
/** A txn can be larger than the request that caused it: closing a session lists all its ephemerals. */
export const txnSizeBytesMax = 64 * 1024 * 1024
/** Lengths of the paths of one session's ephemeral znodes, each and 4 more, in UTF-16 units: the txn that closes the session lists them all. Above it the session creates no more. */
export const ephemeralPathUnitsPerSessionMax = 21 * 1024 * 1024
/** Entries of an ACL, once `auth` stands for every id of the caller. A request of the usual size cannot name so many. */
export const aclEntryCountMax = 65_536
/** Schemes and ids that one connection has proved, in UTF-16 units; they travel with each of its writes. Above it further credentials are refused. */
export const authIdUnitsMax = 64 * 1024
/** Largest frame between servers. One txn always fits. */
export const peerFrameSizeBytesMax = txnSizeBytesMax + 16 * 1024 * 1024
/** A proposal batch or a piece of a synchronisation stream is cut about here, so heartbeats never wait long behind one. */
export const proposalBatchSizeBytesMax = 1024 * 1024
/** Synchronisation bytes under way to one learner before we wait for its acknowledgement. */
export const syncWindowSizeBytesMax = 8 * 1024 * 1024
/** Committed txns kept in memory to bring learners up without reading the log. */
export const retainedTxnCountMax = 20_000
export const retainedTxnSizeBytesMax = 32 * 1024 * 1024
/** After so many commits the log notes how far it is committed; a restart replays at most about twice this many anew. */
export const commitMarkIntervalTxns = 1000
/** And so long after a commit at the latest: a server that knows what was committed notices a leader that has lost it. */
export const commitMarkIntervalMs = 1000
/** A write that met a full disk is tried again after this. */
export const diskFullRetryMs = 1000
/** A peer with data of another cluster is tried again, and reported again, after this. */
export const foreignClusterReminderMs = 60_000
/** Requests of one connection that wait for an answer; above it we stop reading from its socket. */
export const pendingRequestsPerConnectionMax = 1000
/** Unsent reply bytes of one connection; above it we stop reading from its socket until it drains. */
export const clientOutputSizeBytesMax = 4 * 1024 * 1024
/** Unsent reply bytes of one connection; above it the connection is closed: watch events cannot be held back by not reading. */
export const clientOutputSizeBytesClose = 256 * 1024 * 1024
/** A connection that sends no connect request is closed after this (ZK: nio.sessionlessCnxnTimeout). */
export const connectRequestTimeoutMs = 10_000
/** Bytes of one connection kept while its session is being established; reading has paused, so more than a few chunks is a flood. */
export const heldBeforeSessionSizeBytesMax = 1024 * 1024
/** Log lines a second for one reason to refuse clients or requests; the next line says how many were left out. */
export const refusalLinesPerSecondMax = 10
/** Log lines that wait because their terminal, pipe or file does not take them. Above it lines are dropped and counted: a reader that stops must not stop the server. */
export const logBufferSizeBytesMax = 1024 * 1024
/** An output without room for a line is tried again after this. */
export const outputRetryMs = 25
/** An output that failed (its reader is gone, its disk is full) is tried again after this. */
export const outputRetryMsAfterError = 1000
/** A process that ends waits so long for the readers of its last lines. */
export const lastLinesMs = 500
/** Unsent bytes to one peer; above it the link is closed, since the peer no longer reads. */
export const peerOutputSizeBytesMax = 256 * 1024 * 1024
/** Quotas whose last line in the log is remembered; beyond it the log repeats itself. */
export const quotaExcessesKeptMax = 1000
/** Peers that dial and say nothing are closed after this. */
export const peerHelloTimeoutMs = 2_000
/** A server that no peer has called for so long says so: its address or its id is probably not the one that they know. */
export const peerCallTimeoutMs = 10_000
/** Keys of one keyed metric, such as top-level znodes with a count of their own; clients choose them. Later ones share a key. */
export const metricKeyCountMax = 1000
/** Lines that a shell of zkts-cli keeps, and those in its history file; older ones are dropped there when a shell opens. */
export const cliHistoryLinesMax = 1000

assert(peerFrameSizeBytesMax > txnSizeBytesMax, 'one txn fits a peer frame', { peerFrameSizeBytesMax, txnSizeBytesMax })
assert(clientFrameSizeBytesMax <= clientFrameSizeBytesCeiling, 'the usual frame is a legal one', {})
assert(clientFrameSizeBytesCeiling < txnSizeBytesMax, 'the largest request fits a txn', {})
// A unit takes 3 bytes of UTF-8 at most, and the 4 pay for what stands around each path.
assert(3 * ephemeralPathUnitsPerSessionMax < txnSizeBytesMax, 'the end of a session fits a txn', {})
assert(clientFrameSizeBytesCeiling + 3 * authIdUnitsMax < peerFrameSizeBytesMax, 'a request can be forwarded', {})
assert(skippedFrameSizeBytesMax > clientFrameSizeBytesCeiling, 'a frame just above any limit is answered', {})
assert(clientOutputSizeBytesClose > clientOutputSizeBytesMax, 'reading stops before the connection is closed', {})
assert(clientOutputSizeBytesClose > multiReadReplySizeBytesMax, 'the largest reply does not close its connection', {})
assert(retainedTxnSizeBytesMax > proposalBatchSizeBytesMax, 'a batch fits the retained window', {})
assert(clientOutputSizeBytesClose > listReplySizeBytesMax, 'the largest listing does not close its connection', {})
assert(recursiveRemovalPathUnitsMax * 3 < txnSizeBytesMax / 2, 'what a recursive removal lists fits a txn', {})
