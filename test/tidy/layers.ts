/**
 * What each folder of src/ owns, and which folders it may import: the table of docs/architecture.md as data, lowest layer
 * first. The tests beside this file compare every import with it, and the document as well. Before you allow a new edge,
 * read the reason of the row; then add the edge, and the reason for it, to the row.
 */
export interface Layer {
  /** A folder of src/, or an entry file. */
  readonly name: string
  readonly owns: string
  /** Only layers above this row, so the table cannot hold a cycle. */
  readonly mayImport: readonly string[]
  /** Packages of package.json. */
  readonly packages: readonly string[]
  /** Synchronous, without promises, timers or catch: the same events give the same effects for ever. */
  readonly isPure: boolean
  /** Why the row allows no more. */
  readonly reason: string
}

function pure(name: string, owns: string, mayImport: readonly string[], reason: string): Layer {
  return { name, owns, mayImport, packages: [], isPure: true, reason }
}

function shell(name: string, owns: string, mayImport: readonly string[], reason: string): Layer {
  return { name, owns, mayImport, packages: [], isPure: false, reason }
}

export const layers: readonly Layer[] = [
  {
    ...pure(
      'base',
      'branded ids, `Result`, assertions, the error table, limits, checksums, the running hash of a history',
      [],
      'every folder imports it, so it imports none',
    ),
    packages: ['@node-rs/crc32'],
  },
  pure(
    'ports',
    'the interfaces to the outside of the process: clock, disk, network, randomness, log; no code',
    ['base'],
    'a port has what its users need, and imports none of them',
  ),
  pure(
    'metrics',
    'counters, summaries and histograms by the names that ZooKeeper gives them, in one table',
    ['base'],
    'code that counts needs a place for the count, and nothing else',
  ),
  pure(
    'jute',
    "ZooKeeper's wire encoding: reader, writer, record combinators",
    ['base'],
    'it encodes values and does not know what they mean',
  ),
  {
    ...pure(
      'protocol',
      'every record: `client/`, `peer/`, `txn/`, `disk/`, `backup/`; the operation table; paths, Stats, passwords',
      ['jute', 'base'],
      'it defines what can be sent and stored, and decides nothing',
    ),
    packages: ['protobufjs'],
  },
  pure(
    'membership',
    'who votes and who only learns, weights and groups: which servers are a quorum; the members as text',
    ['base'],
    'it counts ids, and does not know what they vote on',
  ),
  pure(
    'config',
    'the text of zoo.cfg, its dynamic part and myid become one frozen `Config`',
    ['membership', 'base'],
    'it takes text and reads no files, so every mistake in a configuration can be tested as a string',
  ),
  pure(
    'auth',
    'ACL evaluation and fix-up, the schemes; hashing is passed in',
    ['protocol', 'base'],
    'whether something is allowed depends on ACL and ids alone',
  ),
  pure(
    'tree',
    'znodes outside the JavaScript heap, Stats as bytes, applying a txn, queries, the digest',
    ['jute', 'protocol', 'base'],
    'the tree never sees a quorum, a clock or a socket: time arrives inside the txn',
  ),
  pure(
    'watches',
    'which connection watches what, and which connections a change notifies',
    ['protocol', 'base'],
    'a watch knows paths and connections, not znodes',
  ),
  pure(
    'sessions',
    'the session table, equal on all servers; the expiry that the leader decides; local sessions',
    ['protocol', 'base'],
    'ticks alone expire a session, and ticks come from outside',
  ),
  pure(
    'zab',
    'election, discovery, synchronisation, broadcast; payloads are opaque bytes',
    ['membership', 'protocol', 'ports', 'base'],
    'the order of txns must not depend on what is in them; of the ports it uses only the type `Log`',
  ),
  pure(
    'connection',
    'one client connection as a state machine: bytes to requests, replies to bytes',
    ['protocol', 'jute', 'base'],
    'it frames replies without looking at znodes',
  ),
  pure(
    'peers',
    'the links between servers as state machines: dial, hello, frames, keep-alive, backoff',
    ['protocol', 'base'],
    'a link carries messages and does not read them',
  ),
  pure(
    'transactions',
    'a write request, the tree and the changes in flight become a txn or an error',
    ['tree', 'auth', 'protocol', 'base'],
    'a write is decided from values: its caller knows the client and passes its ids',
  ),
  pure(
    'replica',
    'one server: `handle(event) → effects`; the only place where tree, watches, sessions and zab meet',
    [
      'transactions',
      'zab',
      'sessions',
      'watches',
      'tree',
      'auth',
      'config',
      'membership',
      'protocol',
      'jute',
      'metrics',
      'ports',
      'base',
    ],
    'it decides, and does no input or output: of the ports it uses only the type `Log`',
  ),
  shell(
    'storage',
    'the hash-chained log: appending in groups, reading, recovery',
    ['protocol', 'ports', 'base'],
    'storage keeps the records that it is given, and does not know what they mean',
  ),
  shell(
    'checkpoint',
    'the checkpoint of one server: its store, folding the log into it, copies of it, a tree from a copy',
    ['storage', 'tree', 'sessions', 'protocol', 'ports', 'base'],
    'it knows the log and what txns do, and nothing of quorums and clients: it runs in a thread that has neither',
  ),
  shell(
    'backup',
    'the file of a backup: writing, checking, and restoring it into the folders of a stopped server',
    ['checkpoint', 'storage', 'protocol', 'ports', 'base'],
    'a backup is a checkpoint and the txns after it, in a file: it knows no server, no client and no configuration',
  ),
  shell(
    'adoption',
    'whose data is in copied folders: checking log and checkpoint, and making them those of another server',
    ['checkpoint', 'storage', 'protocol', 'ports', 'base'],
    'it changes folders that no server uses: it knows no server, no client and no configuration',
  ),
  pure(
    'admin',
    'admin commands and four-letter words: their answers; what Prometheus gets, and whether a server is healthy; all from a status value',
    ['membership', 'base'],
    'what operators read is rendered from a value, so asking never disturbs the server',
  ),
  pure(
    'http',
    'which HTTP requests are answered, and how: hosts and origins, paths, methods, statuses',
    ['admin', 'ports', 'base'],
    'a request becomes a response as values: sockets are in io, and what an answer contains is in admin',
  ),
  shell(
    'server',
    '`createServer({ config, ports, version })`: feeds events to the replica, runs its effects, life from start to close',
    [
      'http',
      'admin',
      'checkpoint',
      'storage',
      'replica',
      'peers',
      'connection',
      'zab',
      'config',
      'membership',
      'protocol',
      'metrics',
      'ports',
      'base',
    ],
    'it cannot name io, so a simulated server differs from a real one in the argument `ports` only',
  ),
  {
    ...shell(
      'io',
      'the real ports: the only users of `node:*`, timers, randomness and pino besides the entry files',
      ['ports', 'base'],
      'a port that knew its users could take part in their decisions',
    ),
    packages: ['pino', 'pino-pretty', 'rotating-file-stream', 'classic-level'],
  },
  shell(
    'client',
    "the package's own ZooKeeper client, over ports",
    ['protocol', 'jute', 'ports', 'base'],
    'it shares the wire with the server and nothing else, so that it tests the server as any other client would',
  ),
  {
    ...shell(
      'cli',
      'the commands of zkts-cli and what they print',
      ['client', 'backup', 'adoption', 'storage', 'config', 'protocol', 'ports', 'base'],
      'terminal, network and disk are passed in, so a whole session can be tested in memory; of storage and config it knows which files hold data, and where; of protocol the types of a backup',
    ),
    packages: ['commander'],
  },
  shell(
    'client/index.ts',
    'the entry point `zkts/client`: connects the real ports to the client',
    ['client', 'io', 'protocol', 'ports', 'base'],
    'a program that imports the client needs a real network, and of the protocol only the types of what it gets',
  ),
  shell(
    'cli-main.ts',
    'entry of zkts-cli: connects terminal and network to `cli`',
    ['cli', 'client', 'io', 'base'],
    'an entry file connects parts, and decides nothing',
  ),
  shell(
    'checkpoint-main.ts',
    'entry of the thread that keeps checkpoints: connects disk and LevelDB to `checkpoint`',
    ['checkpoint', 'io', 'ports', 'base'],
    'an entry file connects parts, and decides nothing',
  ),
  {
    ...shell(
      'launch',
      'how a server process is started: its command line, its log and error output, and the supervisor of `--local`',
      ['server', 'io', 'ports', 'base'],
      'it knows processes and their output, and nothing of what a server does',
    ),
    packages: ['commander'],
  },
  shell(
    'before-main.ts',
    'what bin/zkts-server.js starts before it loads the server: the thread of the checkpoints',
    ['io'],
    'an entry file connects parts, and decides nothing',
  ),
  shell(
    'main.ts',
    'entry of zkts-server: connects command line, files and ports to a server; signals, exit codes, the final catch',
    ['launch', 'server', 'admin', 'config', 'io', 'ports', 'base'],
    'an entry file connects parts, and decides nothing',
  ),
  shell(
    'index.ts',
    'the entry point `zkts`: re-exports only',
    ['server', 'client/index.ts', 'client', 'config', 'io', 'ports', 'base'],
    'what is not listed there may change without notice',
  ),
]

/** A folder below a layer. All rooms of a layer share its row; they show where a behaviour is to be found. */
export interface Room {
  readonly name: string
  readonly owns: string
}

export const rooms: readonly Room[] = [
  { name: 'protocol/client', owns: 'what clients send and get: the operation table, records, frames of watch events' },
  { name: 'protocol/peer', owns: 'messages between servers' },
  { name: 'protocol/txn', owns: 'txns and their codec' },
  { name: 'protocol/disk', owns: 'records of the log' },
  { name: 'protocol/backup', owns: 'the pieces of a backup, as they are sent and stored' },
  { name: 'tree/apply', owns: 'what a txn does to znodes, sessions and quotas, for any store' },
  {
    name: 'replica/clients',
    owns: 'clients, their requests in order, their sessions; what the server does for them; who is let in; every reply',
  },
  { name: 'replica/reads', owns: "answers from this server's own tree, and the watches that requests set and remove" },
  { name: 'replica/reads/keeper', owns: 'the reads and znodes that ClickHouse Keeper has beyond ZooKeeper' },
  {
    name: 'replica/leading',
    owns: 'one term of leadership: deciding writes, confirming answers, expiring sessions, deleting containers',
  },
  { name: 'replica/applying', owns: 'the replicated state, changed by committed txns, and the results of writes' },
  { name: 'replica/status', owns: 'what operators may know of a replica, and what it counts' },
  {
    name: 'server/clients',
    owns: 'client sockets from acceptance to their end: limits, back-pressure, the accounts of each request',
  },
  {
    name: 'server/checkpoints',
    owns: 'when a checkpoint is made, and which part of the log is kept beside it',
  },
  { name: 'server/backups', owns: 'the backups that clients take from this server' },
  { name: 'admin/commands', owns: 'the table of admin commands: names, and fields from the status of the server' },
  {
    name: 'server/operators',
    owns: 'answers to four-letter words and admin commands, and the pages of metrics and health, from the parts of a running server',
  },
]

/** Files without an importer in src/: programs and packages outside begin with them. */
export const entryFiles = [
  'src/main.ts',
  'src/before-main.ts',
  'src/cli-main.ts',
  'src/checkpoint-main.ts',
  'src/client/index.ts',
  'src/index.ts',
] as const

/** Where `node:*` and the ambient names of ambient-bans.ts may appear. */
export function mayUseThePlatform(path: string): boolean {
  return path.startsWith('src/io/') || path === 'src/main.ts' || path === 'src/cli-main.ts'
}

/** The row that a file of src/ belongs to; null = none, which is a failure of its own. */
export function layerOf(path: string): Layer | null {
  const own = layers.find(({ name }) => path === `src/${name}`)
  if (own !== undefined) return own
  return layers.find(({ name }) => path.startsWith(`src/${name}/`)) ?? null
}
