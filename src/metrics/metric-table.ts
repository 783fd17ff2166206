/**
 * Every metric that this server counts, by ZooKeeper's name (ZK: ServerMetrics). mntr prints them with `zk_` before the
 * name; docs/reference/metrics.md lists the same rows. To add a metric, add a row here and feed it where the event
 * happens: take `metrics.<name>` once, in the constructor, and keep it.
 * A row without a feed would show operators a false zero (test/tidy looks for such rows). The table therefore leaves
 * out what ZooKeeper counts and zkts does not have.
 */

/**
 * counter: only grows. summary: mean, least, greatest, count and sum; Prometheus also gets the median. histogram: a summary
 * with percentiles. The keyed kinds have one of these for each key, which is part of the name that mntr prints, and a label
 * for Prometheus.
 */
export type MetricKind = 'counter' | 'summary' | 'histogram' | 'keyed counter' | 'keyed summary'

export interface MetricRow {
  readonly kind: MetricKind
  readonly meaning: string
  /** ZooKeeper has no such metric: for Prometheus its name begins with `zkts_`. */
  readonly isOwn?: true
  /** The label that holds the key; `key`, as in ZooKeeper, unless set. */
  readonly label?: string
}

export const metricTable = {
  // requests
  readlatency: { kind: 'histogram', meaning: 'ms from a request that changes nothing to its reply' },
  updatelatency: { kind: 'histogram', meaning: 'ms from a write of a client of this server to its reply' },
  read_per_namespace: {
    kind: 'keyed summary',
    meaning: 'bytes of each read below a top-level znode: path and reply body',
  },
  write_per_namespace: { kind: 'keyed summary', meaning: 'bytes of each write below a top-level znode: path and data' },
  bytes_received_count: { kind: 'counter', meaning: 'bytes of requests, with their lengths' },
  response_bytes: { kind: 'counter', meaning: 'bytes of replies, with their lengths' },
  watch_bytes: { kind: 'counter', meaning: 'bytes of watch events, with their lengths' },
  throttled_ops: { kind: 'counter', meaning: 'requests answered with ThrottledOp because the server is too busy' },
  requests_refused_per_reason: {
    kind: 'keyed counter',
    meaning: 'requests answered with an error because of a limit, by the reason in the log line request-refused',
    isOwn: true,
    label: 'reason',
  },
  large_requests_rejected: { kind: 'counter', meaning: 'requests refused because too many large ones were in flight' },
  request_throttle_wait_count: { kind: 'counter', meaning: 'times that a request waited for its turn' },
  request_throttle_queue_time_ms: { kind: 'histogram', meaning: 'ms that requests waited for their turn' },
  stale_requests: { kind: 'counter', meaning: 'requests whose connection had closed, or that waited too long' },
  stale_requests_dropped: { kind: 'counter', meaning: 'of these, dropped without being executed' },
  stale_replies: { kind: 'counter', meaning: 'replies whose connection had closed' },
  // connections and sessions
  connection_request_count: { kind: 'counter', meaning: 'connect requests' },
  connection_rejected: { kind: 'counter', meaning: 'connections refused because of a limit' },
  connections_refused_per_reason: {
    kind: 'keyed counter',
    meaning: 'connections that were refused or closed for a reason of the log line client-refused, by that reason',
    isOwn: true,
    label: 'reason',
  },
  connection_drop_count: { kind: 'counter', meaning: 'connections that their client, or the network, closed' },
  connection_token_deficit: {
    kind: 'summary',
    meaning: 'tokens missing from the bucket at each connect request that was accepted',
  },
  connection_revalidate_count: { kind: 'counter', meaning: 'sessions that reconnected to this server' },
  revalidate_count: { kind: 'counter', meaning: 'sessions that the leader was asked about; counted on the leader' },
  sessionless_connections_expired: { kind: 'counter', meaning: 'connections closed because no connect request came' },
  stale_sessions_expired: { kind: 'counter', meaning: 'sessions expired; counted on the leader' },
  cnxn_closed_without_zk_server_running: {
    kind: 'counter',
    meaning: 'connections closed because this server had no leader',
  },
  // watches
  node_created_watch_count: { kind: 'summary', meaning: 'events sent for each creation that was watched' },
  node_deleted_watch_count: { kind: 'summary', meaning: 'events sent for each deletion that was watched' },
  node_changed_watch_count: { kind: 'summary', meaning: 'events sent for each change of data that was watched' },
  node_children_watch_count: { kind: 'summary', meaning: 'events sent for each change of children that was watched' },
  // broadcast
  proposal_count: { kind: 'counter', meaning: 'txns proposed; counted on the leader' },
  quorum_ack_latency: { kind: 'histogram', meaning: 'ms from a proposal to its commit; counted on the leader' },
  proposal_latency: {
    kind: 'histogram',
    meaning: "ms from a txn's time, by the leader's clock, to its arrival, by this server's; counted on followers",
  },
  propagation_latency: {
    kind: 'histogram',
    meaning: "ms from a txn's time, by the leader's clock, to its being applied, by this server's",
  },
  commit_count: { kind: 'counter', meaning: 'txns committed and applied; counted on the leader' },
  learner_proposal_received_count: {
    kind: 'counter',
    meaning: 'txns received from a leader, those of a synchronisation included',
  },
  learner_commit_received_count: {
    kind: 'counter',
    meaning: 'txns committed and applied after the commit of a leader',
  },
  diff_count: {
    kind: 'counter',
    meaning: 'synchronisations of a learner begun from the log, also after a copy of the state; counted on the leader',
  },
  snap_count: {
    kind: 'counter',
    meaning: 'copies of the state offered to a learner that the log cannot bring up; counted on the leader',
  },
  looking_count: { kind: 'counter', meaning: 'elections entered' },
  election_time: { kind: 'summary', meaning: 'ms from looking for a leader to having one' },
  unavailable_time: { kind: 'summary', meaning: 'ms during which this server answered no client, each time' },
  leader_unavailable_time: { kind: 'summary', meaning: 'the same, for each time after which it was the leader' },
  quit_leading_due_to_disloyal_voter: {
    kind: 'counter',
    meaning: 'times that this server was elected and gave up before it led, since its voters followed another',
  },
  slow_leader_count: {
    kind: 'counter',
    meaning: 'times that this server led, was slow (handOverSlowLeaderMs), and looked for a successor',
    isOwn: true,
  },
  quota_exceeded_error_per_namespace: { kind: 'keyed counter', meaning: 'writes over a quota, by top-level znode' },
  // disk
  fsynctime: { kind: 'summary', meaning: 'ms of each write to the log that waits for the disk' },
  sync_processor_request_queued: { kind: 'counter', meaning: 'records handed to the log' },
  sync_processor_queue_and_flush_time_ms: {
    kind: 'histogram',
    meaning: 'ms from handing records to the log to durable',
  },
  startup_txns_loaded: { kind: 'summary', meaning: 'txns read from the log at the start' },
  startup_txns_load_time: { kind: 'summary', meaning: 'ms of reading and applying the txns from the log at the start' },
  startup_snap_load_time: { kind: 'summary', meaning: 'ms of reading the checkpoint at the start' },
  snapshottime: { kind: 'summary', meaning: 'ms that each checkpoint took, beside the requests' },
  snapshot_error_count: { kind: 'counter', meaning: 'checkpoints that failed; they are tried again' },
  backup_count: { kind: 'counter', meaning: 'backups of this server that clients have read to their end', isOwn: true },
  backup_bytes: { kind: 'counter', meaning: 'bytes of backups that were sent to clients', isOwn: true },
  dbinittime: { kind: 'summary', meaning: 'ms from opening the data folder to a complete tree' },
  // process
  digest_mismatches_count: {
    kind: 'counter',
    meaning: "zxids at which this server's tree differed from that of its leader; each is a fault, see log-events.md",
  },
  jvm_pause_time_ms: {
    kind: 'histogram',
    meaning: 'ms by which each tick of the event loop came late: a long turn, garbage collection, a stopped process',
  },
  unrecoverable_error_count: { kind: 'counter', meaning: 'failures that stop this server' },
} as const satisfies Readonly<Record<string, MetricRow>>

export type MetricName = keyof typeof metricTable

export const metricNames = Object.keys(metricTable) as readonly MetricName[]
