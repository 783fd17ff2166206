/**
 * Every limit, by name, with its reason. docs/reference/limits.md lists the same rows.
 */
import { assert } from './assert.ts'

/** Largest client frame, header included, unless `jute.maxbuffer` says otherwise. Clients read frames up to the same size (ZK: 0xfffff, inclusive). */
export const clientFrameSizeBytesMax = 0xfffff
/** The most that `jute.maxbuffer` may be: a request of this size must still fit a txn. */
export const clientFrameSizeBytesCeiling = 48 * 1024 * 1024
/** A frame above the limit is skipped and its request refused, up to this length. A longer length is damage and closes the connection: the first four bytes of a text or of a TLS record read as a greater number. */
export const skippedFrameSizeBytesMax = 256 * 1024 * 1024
/** Bytes kept of a request that is skipped, so that the log line can name its path. */
export const skippedFrameHeadSizeBytes = 1024
/** Elements of a jute vector; a larger count cannot fit a legal frame of 4-byte elements. */
export const juteVectorCountMax = Math.floor(clientFrameSizeBytesCeiling / 4)
/** Reply to a multiRead: one small request may name one large znode many thousand times. A request whose reply would be larger is refused. */
export const multiReadReplySizeBytesMax = 64 * 1024 * 1024
/** Reply to a listing that carries Stats, data or whole subtrees. A request whose reply would be larger is refused. */
export const listReplySizeBytesMax = 64 * 1024 * 1024
/** Znodes that one txn with a recursive removal may touch. A client removes a larger subtree in pieces. */
export const recursiveRemovalZnodeCountMax = 100_000
/** Sum of the lengths of the paths that one txn with a recursive removal may touch, in UTF-16 units. */
export const recursiveRemovalPathUnitsMax = 8 * 1024 * 1024
/** A txn can be larger than the request that caused it: closing a session lists all its ephemerals. */
export const txnSizeBytesMax = 64 * 1024 * 1024
/** Sum of the lengths of the paths of one session's ephemeral znodes, in UTF-16 units and with 4 more for each path: the txn that closes the session lists them all. Above it the session cannot create further ephemerals. */
export const ephemeralPathUnitsPerSessionMax = 21 * 1024 * 1024
/** Entries of an ACL after `auth` was expanded to every id of the caller. A request of the usual size cannot name this many. */
export const aclEntryCountMax = 65_536
/** Sum of the lengths of the schemes and ids that one connection has proved, in UTF-16 units; each of its writes carries them. Above it further credentials are refused. */
export const authIdUnitsMax = 64 * 1024
/** Largest frame between servers. One txn always fits. */
export const peerFrameSizeBytesMax = txnSizeBytesMax + 16 * 1024 * 1024
/** A proposal batch or a piece of a synchronisation stream is cut at about this size, so that a heartbeat never waits long for one. */
export const proposalBatchSizeBytesMax = 1024 * 1024
/** Synchronisation bytes that the leader sends to one learner before it waits for an acknowledgement. */
export const syncWindowSizeBytesMax = 8 * 1024 * 1024
/** Rate at which a leader sends copies of its state, in KiB per second, unless `leader.snapSyncRateLimitInKb` says otherwise. Between two chunks of 256 KiB it has about 4 ms for requests. */
export const snapSyncKibPerSecond = 65_536
/** Chunks of a copy of the state that a learner has asked for and not yet stored. More would fill the link, on which heartbeats wait; with few, disk and link would wait for each other. */
export const copyChunksInFlightMax = 8
/** A learner is brought up by the log, where the log reaches back far enough, if that is less than this. Above it a copy of the state may be quicker. */
export const copyInsteadOfLogSizeBytesMin = 32 * 1024 * 1024
/** Copies that a leader offers to one learner that the log could bring up, too. After that it gets the log. */
export const copiesInsteadOfLogCountMax = 3
/** Chunks of one copy that arrive damaged before the learner refuses the copy. */
export const damagedChunkCountMax = 3
/** Committed txns kept in memory to bring learners up without reading the log. */
export const retainedTxnCountMax = 20_000
export const retainedTxnSizeBytesMax = 32 * 1024 * 1024
/** After this many commits the log records the last committed zxid. A restart replays at most about twice this many txns whose commit is not recorded. */
export const commitMarkIntervalTxns = 1000
/** The log records a commit after this time at the latest. A server that knows what was committed notices a leader that has lost it. */
export const commitMarkIntervalMs = 1000
/** The largest file of the log that `txnLogSizeLimitInKb` can ask for: files are removed whole, so a larger one would keep what is not needed for long. */
export const logSegmentSizeBytesMax = 1024 * 1024 * 1024
/** Log lines about slow flushes come at most once in this time; each says how many flushes were slow since the last. */
export const slowFlushReminderMs = 10_000
/** A checkpoint that failed is tried again after this. */
export const checkpointRetryMs = 10_000
/** A server that closes waits this long for a last checkpoint, which makes its next start quicker. Without it the next start reads more of the log. */
export const closingCheckpointMsMax = 3000
/** A server that closes waits this long for copies and backups that are being read or received. Then it closes the checkpoint under them. */
export const closingReadersMsMax = 3_000
/** Log lines about the progress of a start that takes long come at this interval. */
export const startProgressIntervalMs = 1000
/** A write that failed because the disk was full is tried again after this. */
export const diskFullRetryMs = 1000
/** While servers without data do not vote and no quorum exists without them, this is logged again after this. */
export const emptyPeersReminderMs = 60_000
/** A peer with data of another cluster or another history is tried again, and reported again, after this. */
export const foreignClusterReminderMs = 60_000
/** Requests of one connection that wait for an answer; above it the server stops reading from its socket. */
export const pendingRequestsPerConnectionMax = 1000
/** Unsent reply bytes of one connection; above it the server stops reading from its socket until it drains. */
export const clientOutputSizeBytesMax = 4 * 1024 * 1024
/** Unsent reply bytes of one connection; above it the connection is closed, because watch events grow the output even while the server does not read. */
export const clientOutputSizeBytesClose = 256 * 1024 * 1024
/** A connection that sends no connect request is closed after this (ZK: nio.sessionlessCnxnTimeout). */
export const connectRequestTimeoutMs = 10_000
/** Bytes of one connection that are kept while its session is being established. Reading is paused then, so a client that stays within the protocol sends no more than a few chunks. */
export const heldBeforeSessionSizeBytesMax = 1024 * 1024
/** Log lines a second for one reason to refuse clients or requests; the next line of that reason says how many were left out. */
export const refusalLinesPerSecondMax = 10
/** Log lines that wait because their terminal, pipe or file does not accept them. Above it lines are dropped and counted: a reader that stops must not stop the server. */
export const logBufferSizeBytesMax = 1024 * 1024
/** An output without room for a line is tried again after this. */
export const outputRetryMs = 25
/** An output that failed (its reader is gone, its disk is full) is tried again after this. */
export const outputRetryMsAfterError = 1000
/** A process that ends waits this long for the readers of its last lines. */
export const lastLinesMs = 500
/** A server whose tree differs from that of its leader says so again after this. */
export const digestMismatchReminderMs = 60_000
/** A server that has looked for a leader for this much longer than peerTimeoutMs logs that it has none. */
export const noLeaderGraceMs = 500
/** While a server has no leader, this is logged again after this time, which doubles each time, up to the maximum. */
export const noLeaderReminderMsMin = 10_000
export const noLeaderReminderMsMax = 600_000
/** Unsent bytes to one peer; above it the link is closed, since the peer no longer reads. */
export const peerOutputSizeBytesMax = 256 * 1024 * 1024
/** Quotas whose last log line is remembered; a quota beyond this number is logged again each time it is exceeded. */
export const quotaExcessesKeptMax = 1000
/** The connection of a peer that dials and sends nothing is closed after this. */
export const peerHelloTimeoutMs = 2_000
/** A server that no peer has called for this long logs it: the peers probably know it by another address or id. */
export const peerCallTimeoutMs = 10_000
/** A leader that hands over takes no writes until its successor is up to date. If that takes longer, it goes on leading. */
export const handOverLimitMs = 1_000
/** The time in which a leader counts how often it was slow, in multiples of handOverSlowLeaderMs: half a minute by default. It also waits this time after it began to lead, and after it has looked for a successor, before it looks for one: when all servers are slow, hand-overs do not help. */
export const slowLeaderWindowFactor = 60
/** A leader that was slow this often within the window hands over. One slow moment is a chance event, such as a garbage collection. */
export const slowMomentsMin = 3
/** A leader that is slow does not hand over to the server from which it got the leadership, which may be slow too, in this multiple of handOverSlowLeaderMs: ten minutes by default. */
export const formerLeaderAvoidedFactor = 1200
/** A leader that can bring up a learner neither from its log nor by a copy of its checkpoint hands over at most once in this time: the next leader may be unable to as well. */
export const handOverForCopyMs = 600_000
/** A server that closes in order answers what it has read within this time, or ends the connections without an answer. Clients get the same time again to take their answers. */
export const closingAnswersMsMax = 3_000
/** A server that closes cuts off clients that got all their answers and do not close their side within this time. */
export const clientCloseMs = 1_000
/** A leader that has handed over and closes remains a follower for this long, so that the others can join its successor. */
export const handOverLingerMs = 100
/** Keys of one keyed metric, such as top-level znodes with a count of their own. Clients choose them, so later keys share one. */
export const metricKeyCountMax = 1000
/** Lines that a shell of zkts-cli keeps in memory and in its history file. Older lines are dropped from the file when a shell opens. */
export const cliHistoryLinesMax = 1000
/** JavaScript heap of the thread that keeps checkpoints. A thread that needs more ends with an error, and another one is started. */
export const checkpointThreadHeapSizeBytesMax = 256 * 1024 * 1024
/** The pause before a checkpoint thread that ended by itself is started again. It doubles each time, up to the maximum, until one has folded. */
export const checkpointThreadRestartMsMin = 1_000
export const checkpointThreadRestartMsMax = 60_000
/** A checkpoint thread that does not close within this is ended, and the server closes without it after the same time again. */
export const checkpointThreadCloseMs = 5_000
/** A checkpoint thread that has had nothing to do for this long collects its garbage, which gives memory back to the system. */
export const checkpointThreadIdleMs = 5_000
/** Chunk of a copy of a checkpoint, as it is sent to a learner. One entry that is larger is a chunk of its own. */
export const checkpointChunkSizeBytesMax = 256 * 1024
/** Changed znodes and sessions that a checkpoint keeps in memory before it writes them as one batch. One txn may exceed it. */
export const checkpointStepSizeBytesMax = 8 * 1024 * 1024
/** Largest piece in the file of a backup. One txn always fits, and so does one znode of a checkpoint. */
export const backupFrameSizeBytesMax = txnSizeBytesMax + 16 * 1024 * 1024
/** Txns without a commit mark that the checkpoint's reader of the log keeps. Above it the log is searched for truncations first, so that they can be folded without being kept. */
export const followedTailSizeBytesMax = 8 * 1024 * 1024
/** Txns in one piece of a backup. One larger txn is a piece of its own. */
export const backupPieceSizeBytesMax = 1024 * 1024
/** Backups that clients read from one server at the same time. Each keeps the log from its checkpoint on, and one piece in memory. */
export const openBackupsMax = 4
/** A backup of which nothing was read for this long is closed, so that a client that has gone does not keep the log. */
export const backupIdleMs = 60_000
/** A client that waits for a part of a backup is answered after this at the latest, and asks again: later requests of its session, pings included, wait meanwhile. */
export const backupAnswerMs = 500
/** A backup waits this long for what its server had applied at its beginning to become durable in the log of that server. Then it ends where that log ends: the disk may be full. */
export const durableLogMsMax = 5_000
/** While it waits, it looks this often. */
export const durableLogRetryMs = 10
/** Connections to the HTTP port. Monitoring programs need a few; a connection above it is closed at once. */
export const httpConnectionsMax = 64
/** Line and headers of one HTTP request. A larger one is answered with status 431. */
export const httpHeadSizeBytesMax = 16 * 1024
/** Body of one HTTP request: admin commands have their arguments in the address. A larger one is answered with status 413. */
export const httpBodySizeBytesMax = 64 * 1024
/** An HTTP request that has not arrived within this, line and headers and body, is answered with status 408. */
export const httpRequestMs = 10_000
/** Requests that one HTTP connection carries. Then it is closed, so that no client keeps one of the few connections. */
export const httpRequestsPerConnectionMax = 1_000
/** A connection to the port of metrics and health is closed after this time without anything that moves. */
export const metricsIdleMs = 30_000
/** Largest epoch that an operator may give to restored or adopted data. Each new leader needs an epoch above it, and there are 2097151: the rest lasts two years with a new leader each minute. */
export const givenEpochMax = 1_000_000

assert(peerFrameSizeBytesMax > txnSizeBytesMax, 'one txn fits a peer frame', { peerFrameSizeBytesMax, txnSizeBytesMax })
assert(clientFrameSizeBytesMax <= clientFrameSizeBytesCeiling, 'the usual frame is a legal one', {})
assert(clientFrameSizeBytesCeiling < txnSizeBytesMax, 'the largest request fits a txn', {})
// A unit takes 3 bytes of UTF-8 at most; the 4 units for each path cover the length and tag around it.
assert(3 * ephemeralPathUnitsPerSessionMax < txnSizeBytesMax, 'the close of a session fits a txn', {})
assert(clientFrameSizeBytesCeiling + 3 * authIdUnitsMax < peerFrameSizeBytesMax, 'a request can be forwarded', {})
assert(skippedFrameSizeBytesMax > clientFrameSizeBytesCeiling, 'a frame just above any limit is answered', {})
assert(clientOutputSizeBytesClose > clientOutputSizeBytesMax, 'reading stops before the connection is closed', {})
assert(clientOutputSizeBytesClose > multiReadReplySizeBytesMax, 'the largest reply does not close its connection', {})
assert(retainedTxnSizeBytesMax > proposalBatchSizeBytesMax, 'a batch fits the retained window', {})
assert(clientOutputSizeBytesClose > listReplySizeBytesMax, 'the largest listing does not close its connection', {})
assert(recursiveRemovalPathUnitsMax * 3 < txnSizeBytesMax / 2, 'the paths of a recursive removal fit a txn', {})
