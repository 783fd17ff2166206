/**
 * The intended differences from Apache ZooKeeper: each rule accepts exactly one of them and is
 * counted. docs/reference/differences.md shows this table. A difference that no rule accepts fails the run; a rule that
 * accepts nothing over many seeds is reported, since it may hide something one day.
 */
import { type Call, frameOf, frameSizeBytesMax, type Operation, top } from './calls.ts'
import { type Decoded, exactValue, type Field } from './decode-frame.ts'

export type Difference =
  /** One of the frames may be missing. */
  | {
      readonly kind: 'frame'
      readonly call: Call | null
      readonly theirs: Decoded | null
      readonly ours: Decoded | null
      readonly fields: readonly FieldDifference[]
      /** Another connection has taken over the session. */
      readonly isSuperseded: boolean
    }
  /** Only one of the two closed the connection; `call` is the last that was sent, if any. */
  | {
      readonly kind: 'closing'
      readonly call: Call | null
      readonly closedBy: 'theirs' | 'ours'
      readonly isSuperseded: boolean
    }
  | { readonly kind: 'silence'; readonly call: Call | null; readonly silent: 'theirs' | 'ours' }

export interface FieldDifference {
  readonly theirs: Field | null
  readonly ours: Field | null
  readonly wrong: string
}

export interface Rule {
  readonly name: string
  readonly what: string
  readonly zookeeper: string
  readonly zkts: string
  readonly why: string
  /** Why it holds with `compatibility=strict` too; null: with it zkts behaves as ZooKeeper. */
  readonly staysBecause: string | null
  /** Nowhere: the generator avoids it, since the two servers would be in different states afterwards. */
  readonly played: 'everywhere' | 'in ensembles' | 'nowhere'
  accepts(difference: Difference): boolean
}

const frameHeaderSizeBytes = 4

const readsOfKeeper: ReadonlySet<string> = new Set(['exists', 'getData', 'getChildren', 'getChildren2'])

export const refusalRule = 'refusal-without-zxid'

export const rules: readonly Rule[] = [
  {
    name: refusalRule,
    what: 'A write that fails',
    zookeeper: 'takes a zxid, a log record and a flush on every server',
    zkts: 'takes none; a quorum confirms the leader, and the reply carries the zxid of the last write that it could have seen',
    why: 'a refusal changes nothing, so the log does not need it',
    staysBecause: null,
    played: 'everywhere',
    accepts: () => false, // counted where the zxids are compared: its zxid has to lie between those of its neighbours
  },
  {
    name: 'unimplemented-keeps-connection',
    what: 'An operation that the server does not serve',
    zookeeper: 'answers `Unimplemented` with zxid -1 and closes the connection',
    zkts: 'answers the same and keeps the connection',
    why: 'a client is better served by an answer on an open connection',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) =>
      difference.kind === 'closing' &&
      difference.closedBy === 'theirs' &&
      (difference.call?.operation.op === 'unknown' || difference.call?.operation.op === 'check'),
  },
  {
    name: 'internal-operations-refused',
    what: 'A client that sends createSession or deleteContainer, which only servers send to each other',
    zookeeper: 'executes it without an ACL check',
    zkts: 'answers `Unimplemented`',
    why: 'no genuine client sends them, and any client could delete any znode',
    staysBecause: 'one client could delete the znodes of others',
    played: 'everywhere',
    accepts: (difference) =>
      difference.kind === 'frame' &&
      (difference.call?.operation.op === 'createSession' || difference.call?.operation.op === 'deleteContainer') &&
      errOf(difference.ours) === '-6',
  },
  {
    name: 'long-request-is-answered',
    what: 'A request longer than `jute.maxbuffer`',
    zookeeper: 'closes the connection, so everything else in flight on it fails too',
    zkts: 'answers `MarshallingError` in order and keeps the connection, up to 256 MiB; requests that restore watches or credentials still close the connection',
    why: 'every client turns it into an error of that one call; a client that did not notice the loss of its watches would wait for ever',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) => {
      if (difference.call === null || sizeBytesOf(difference.call) <= frameSizeBytesMax) return false
      if (difference.kind === 'frame') return difference.theirs === null && errOf(difference.ours) === '-5'
      return difference.kind === 'closing' && difference.closedBy === 'theirs'
    },
  },
  {
    name: 'keeper-reads-in-multi-read',
    what: 'A multiRead of exists and getChildren2, beside getData and getChildren',
    zookeeper: 'answers `MarshallingError`',
    zkts: 'answers each part, unless `keeper.compatibility=false`',
    why: 'ClickHouse sends such requests to its own Keeper, and no client of ZooKeeper does',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) =>
      difference.kind === 'frame' &&
      difference.call?.operation.op === 'multiRead' &&
      difference.call.operation.parts.every(({ op }) => readsOfKeeper.has(op)) &&
      errOf(difference.theirs) === '-5' &&
      errOf(difference.ours) === '0',
  },
  {
    name: 'null-path-is-not-watched',
    what: 'addWatch, checkWatches and removeWatches with a null path',
    zookeeper: 'keep a watch that nothing can trigger',
    zkts: 'answer `MarshallingError`, as reads do',
    why: 'the client should learn that the path is wrong',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) =>
      difference.kind === 'frame' &&
      difference.call !== null &&
      isWatchOfNull(difference.call.operation) &&
      errOf(difference.ours) === '-5',
  },
  {
    name: 'malformed-auth-is-answered',
    what: 'An auth packet that cannot be decoded',
    zookeeper: 'closes the connection without an answer',
    zkts: 'answers `MarshallingError` and keeps the connection',
    why: 'an answer tells the client what is wrong',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) =>
      difference.call?.operation.op === 'auth' &&
      difference.call.cutBytes !== undefined &&
      (difference.kind === 'frame'
        ? difference.theirs === null && errOf(difference.ours) === '-5'
        : difference.kind === 'closing' && difference.closedBy === 'theirs'),
  },
  {
    name: 'null-path-before-flags',
    what: 'A create with a null path and flags or a ttl that are not legal',
    zookeeper: 'answers with the error of the flags',
    zkts: 'answers `MarshallingError` for the path',
    why: 'a body that cannot be decoded is not looked into',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) =>
      difference.kind === 'frame' &&
      difference.call !== null &&
      difference.call.operation.op.startsWith('create') &&
      'path' in difference.call.operation &&
      difference.call.operation.path === null &&
      errOf(difference.ours) === '-5' &&
      (errOf(difference.theirs) === '-8' || errOf(difference.theirs) === '-6'),
  },
  {
    name: 'multi-read-of-null-writes',
    what: 'A multiRead of writes, one of them with a null path',
    zookeeper: 'answers `MarshallingError` followed by a body without results',
    zkts: 'answers `MarshallingError` without a body',
    why: 'a body that cannot be decoded is not looked into',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) =>
      difference.kind === 'frame' &&
      difference.call?.operation.op === 'multiRead' &&
      difference.call.operation.parts.some((part) => 'path' in part && part.path === null) &&
      errOf(difference.theirs) === '-5' &&
      errOf(difference.ours) === '-5' &&
      difference.fields.every(({ ours }) => ours === null),
  },
  {
    name: 'order-of-expanded-ids',
    what: 'The entries that `auth` in an ACL stands for, when the client has several ids',
    zookeeper: 'come in the order of a hash table',
    zkts: 'come in the order in which the client authenticated',
    why: 'ZooKeeper promises no order, and a stable one is easier to read',
    staysBecause: null,
    played: 'everywhere',
    accepts: (difference) =>
      difference.kind === 'frame' && difference.fields.length > 0 && difference.fields.every(isReorderedAcl),
  },
  {
    name: 'superseded-connection-closes-at-once',
    what: 'A connection, after another server has taken over its session',
    zookeeper: 'is closed when it sends something, and gets watch events until then',
    zkts: 'is closed at once',
    why: 'the client should learn at once that its connection is an old one',
    staysBecause:
      'ZooKeeper does this on the leader alone, and clients do not choose the server that leads; a connection that lost its session would still show the writes of other clients',
    played: 'in ensembles',
    accepts: (difference) =>
      difference.kind === 'frame' &&
      difference.isSuperseded &&
      difference.theirs?.kind === 'event' &&
      difference.ours === null,
  },
  {
    name: 'superseded-connection-is-not-answered',
    what: 'A write on a connection whose session another server has taken over',
    zookeeper: 'closes the connection, but first answers if an early check finds the arguments wrong',
    zkts: 'closes the connection',
    why: 'on a connection that no longer has the session, the close is the only valid answer',
    staysBecause: null,
    played: 'in ensembles',
    accepts: (difference) => {
      if (difference.kind === 'silence' || !difference.isSuperseded) return false
      if (difference.kind === 'closing') return difference.closedBy === 'ours'
      const err = errOf(difference.theirs)
      return difference.ours === null && (err === '-8' || err === '-5' || err === '-6')
    },
  },
  {
    name: 'set-acl-counts-at-once',
    what: 'A write that is sent after a setACL without waiting for its answer',
    zookeeper: 'is checked against the old list, unless the setACL happens to have been applied already',
    zkts: 'is checked against the new list',
    why: 'the order of requests is the order of their effects',
    staysBecause:
      'what ZooKeeper does depends on timing, so no client can count on it; and a list that was just closed would not protect its znode',
    played: 'nowhere',
    accepts: () => false,
  },
  {
    name: 'failed-multi-leaves-nothing',
    what: 'A write that is sent after a multi with a null in an ACL entry, without waiting for its answer',
    zookeeper: 'is checked as if the parts before that null had been applied, although none was',
    zkts: 'is checked against the tree as it is',
    why: 'a refused request has no effects',
    staysBecause:
      'a write would be checked against znodes that do not exist, and servers would apply what cannot be applied',
    played: 'nowhere',
    accepts: () => false,
  },
  {
    name: 'quotas-of-blank-names',
    what: 'A quota at or above a znode whose name is blank',
    zookeeper: 'is looked up without the blank name, so it is not found, or the quota of another path is',
    zkts: 'counts like any other',
    why: 'a space is a legal name',
    staysBecause:
      'a write of one client would count for the quota of another; and usage is a part of the replicated state, which cannot depend on a key of one server',
    played: 'nowhere',
    accepts: () => false,
  },
  {
    name: 'container-is-no-ephemeral',
    what: 'A createContainer with the flags of an ephemeral',
    zookeeper: 'makes a container, which is an ephemeral to the requests that follow until it has been applied',
    zkts: 'makes a container',
    why: 'closing the session at once would take the container with it',
    staysBecause: 'it depends on timing; and the session that ends would take the containers of others with it',
    played: 'nowhere',
    accepts: () => false,
  },
  {
    name: 'create-ttl-without-ttl',
    what: 'A createTTL with neither the flags of a TTL znode nor a ttl',
    zookeeper: 'passes all checks and ends the server when it is applied',
    zkts: 'is refused with `BadArguments` where ZooKeeper accepts it',
    why: 'one request should not stop a server',
    staysBecause: 'ZooKeeper ends',
    played: 'nowhere',
    accepts: () => false,
  },
]

/** The rules that are accepted while zkts runs with `compatibility=strict`. */
export const rulesUnderStrict: readonly Rule[] = rules.filter(({ staysBecause }) => staysBecause !== null)

/** Of the payload of its frame. */
function sizeBytesOf(call: Call): number {
  return frameOf(call, { top, zxid: () => 0n }).length - frameHeaderSizeBytes
}

function errOf(reply: Decoded | null): string | undefined {
  return reply === null ? undefined : exactValue(reply, 'err')
}

function isWatchOfNull(operation: Operation): boolean {
  const { op } = operation
  return (op === 'addWatch' || op === 'checkWatches' || op === 'removeWatches') && operation.path === null
}

function isReorderedAcl({ theirs, ours }: FieldDifference): boolean {
  if (theirs?.kind !== 'acl' || ours?.kind !== 'acl') return false
  const isSameBag = [...theirs.values].sort().join('\n') === [...ours.values].sort().join('\n')
  return isSameBag && theirs.values.filter((entry) => entry.includes(' digest:')).length > 1
}
