/**
 * The operation table: everything that depends on the kind of request is derived from here.
 * Opcodes are ZooKeeper's (ZK: ZooDefs.OpCode) and appear nowhere else; `code` is the word that the four-letter
 * word `cons` shows for the last operation (ZK: FinalRequestProcessor). A row with `implemented: false` is answered
 * with `unimplemented` and its connection stays open, except with compatibility=strict. ZooKeeper closes it, but a client
 * is better served by an answer on an open connection.
 * The rows from 500 on are ClickHouse Keeper's (its src/Common/ZooKeeper/ZooKeeperConstants.h). The configuration
 * decides whether they are served. Those from 2001 on are zkts' own; neither ZooKeeper nor Keeper uses such numbers.
 */
import type { RecordCodec } from '../../jute/record.ts'
import * as backup from './backup-records.ts'
import * as keeperReply from './keeper-replies.ts'
import * as keeperRequest from './keeper-requests.ts'
import * as reply from './replies.ts'
import * as request from './requests.ts'

/**
 * read: answered by the client's own server. write: ordered by the leader. sync: ordered, but no txn.
 * connection: changes the connection only, takes effect for later requests. internal: never accepted from a client.
 * operator: carried out by the client's own server beside its tree, for clients with rights to the server itself.
 */
export type OpAccess = 'read' | 'write' | 'sync' | 'connection' | 'internal' | 'operator'

export interface OpTraits {
  readonly name: OpName
  readonly opcode: number
  readonly access: OpAccess
  /** Null: the body is empty or, for multi, not one record. */
  readonly request: RecordCodec<unknown> | null
  readonly reply: RecordCodec<unknown> | null
  /** Whether it is served as a request of its own. */
  readonly implemented: boolean
  /** Whether it may be part of a multi. */
  readonly inMulti: boolean
  /** ClickHouse Keeper has it and ZooKeeper does not. */
  readonly isKeeperOp: boolean
  readonly code: string
}

type NamelessTraits = Omit<OpTraits, 'name'>
type Bodies = readonly [request: RecordCodec<unknown> | null, reply: RecordCodec<unknown> | null]

function row(opcode: number, access: OpAccess, code: string, bodies: Bodies): NamelessTraits {
  const [requestCodec, replyCodec] = bodies
  return {
    opcode,
    access,
    request: requestCodec,
    reply: replyCodec,
    implemented: true,
    inMulti: false,
    isKeeperOp: false,
    code,
  }
}

function keepers(traits: NamelessTraits): NamelessTraits {
  return { ...traits, isKeeperOp: true }
}

function later(traits: NamelessTraits): NamelessTraits {
  return { ...traits, implemented: false }
}

function orInMulti(traits: NamelessTraits): NamelessTraits {
  return { ...traits, inMulti: true }
}

export const opNames = [
  'create',
  'delete',
  'exists',
  'getData',
  'setData',
  'getACL',
  'setACL',
  'getChildren',
  'sync',
  'ping',
  'getChildren2',
  'check',
  'multi',
  'create2',
  'reconfig',
  'checkWatches',
  'removeWatches',
  'createContainer',
  'deleteContainer',
  'createTTL',
  'multiRead',
  'auth',
  'setWatches',
  'sasl',
  'getEphemerals',
  'getAllChildrenNumber',
  'setWatches2',
  'addWatch',
  'whoAmI',
  'createSession',
  'closeSession',
  'filteredList',
  'checkNotExists',
  'createIfNotExists',
  'removeRecursive',
  'checkStat',
  'tryRemove',
  'filteredListWithStatsAndData',
  'listRecursive',
  'openBackup',
  'readBackup',
  'closeBackup',
] as const
export type OpName = (typeof opNames)[number]

const rows: Readonly<Record<OpName, NamelessTraits>> = {
  create: orInMulti(row(1, 'write', 'CREA', [request.CreateRequest, reply.CreateReply])),
  delete: orInMulti(row(2, 'write', 'DELE', [request.DeleteRequest, null])),
  exists: row(3, 'read', 'EXIS', [request.WatchableRequest, reply.StatReply]),
  getData: row(4, 'read', 'GETD', [request.WatchableRequest, reply.GetDataReply]),
  setData: orInMulti(row(5, 'write', 'SETD', [request.SetDataRequest, reply.StatReply])),
  getACL: row(6, 'read', 'GETA', [request.PathRequest, reply.GetAclReply]),
  setACL: row(7, 'write', 'SETA', [request.SetAclRequest, reply.StatReply]),
  getChildren: row(8, 'read', 'GETC', [request.WatchableRequest, reply.GetChildrenReply]),
  sync: row(9, 'sync', 'SYNC', [request.SyncRequest, reply.SyncReply]),
  ping: row(11, 'read', 'PING', [null, null]),
  getChildren2: row(12, 'read', 'GETC', [request.WatchableRequest, reply.GetChildren2Reply]),
  // A part of multi only: ZooKeeper 3.9.5 refuses it as a request of its own, older servers never answered it.
  check: later(orInMulti(row(13, 'write', 'CHEC', [request.CheckRequest, null]))),
  multi: row(14, 'write', 'MULT', [null, null]),
  create2: orInMulti(row(15, 'write', 'CREA', [request.CreateRequest, reply.CreateWithStatReply])),
  // The leader refuses it with the error that ZooKeeper gives when reconfig is disabled.
  reconfig: row(16, 'write', 'RECO', [request.ReconfigRequest, reply.GetDataReply]),
  checkWatches: row(17, 'read', 'CHKW', [request.WatcherTypeRequest, null]),
  removeWatches: row(18, 'read', 'REMW', [request.WatcherTypeRequest, null]),
  createContainer: orInMulti(row(19, 'write', 'CREA', [request.CreateRequest, reply.CreateWithStatReply])),
  deleteContainer: later(row(20, 'internal', 'DELE', [null, null])),
  createTTL: orInMulti(row(21, 'write', 'CREA', [request.CreateTtlRequest, reply.CreateWithStatReply])),
  multiRead: row(22, 'read', 'MLTR', [null, null]),
  auth: row(100, 'connection', 'NA', [request.AuthRequest, null]),
  setWatches: row(101, 'read', 'SETW', [request.SetWatchesRequest, null]),
  // Answered as ZooKeeper does without a SASL login.
  sasl: row(102, 'connection', 'NA', [request.SaslRequest, reply.SaslReply]),
  getEphemerals: row(103, 'read', 'GETE', [request.EphemeralsRequest, reply.EphemeralsReply]),
  getAllChildrenNumber: row(104, 'read', 'GETACN', [request.PathRequest, reply.AllChildrenNumberReply]),
  setWatches2: row(105, 'read', 'STW2', [request.SetWatches2Request, null]),
  addWatch: row(106, 'read', 'ADDW', [request.AddWatchRequest, reply.AddWatchReply]),
  whoAmI: row(107, 'read', 'HOMI', [null, reply.WhoAmIReply]),
  createSession: later(row(-10, 'internal', 'SESS', [request.CreateSessionRequest, null])),
  closeSession: row(-11, 'write', 'CLOS', [null, null]),
  filteredList: keepers(row(500, 'read', 'GETC', [keeperRequest.FilteredListRequest, reply.GetChildren2Reply])),
  // As requests of their own the two checks change nothing.
  checkNotExists: keepers(orInMulti(row(501, 'read', 'CHEC', [request.CheckRequest, null]))),
  createIfNotExists: keepers(orInMulti(row(502, 'write', 'CREA', [request.CreateRequest, reply.CreateReply]))),
  removeRecursive: keepers(orInMulti(row(503, 'write', 'DELE', [keeperRequest.RemoveRecursiveRequest, null]))),
  checkStat: keepers(orInMulti(row(504, 'read', 'CHEC', [keeperRequest.CheckStatRequest, null]))),
  tryRemove: keepers(orInMulti(row(505, 'write', 'DELE', [request.DeleteRequest, null]))),
  filteredListWithStatsAndData: keepers(
    row(506, 'read', 'GETC', [keeperRequest.DetailedListRequest, keeperReply.DetailedListReply]),
  ),
  listRecursive: keepers(
    row(507, 'read', 'GETC', [keeperRequest.ListRecursiveRequest, keeperReply.ListRecursiveReply]),
  ),
  openBackup: row(2001, 'operator', 'BKUP', [backup.OpenBackupRequest, backup.OpenBackupReply]),
  readBackup: row(2002, 'operator', 'BKUP', [backup.ReadBackupRequest, backup.ReadBackupReply]),
  closeBackup: row(2003, 'operator', 'BKUP', [backup.CloseBackupRequest, null]),
}

export const ops: Readonly<Record<OpName, OpTraits>> = Object.fromEntries(
  opNames.map((name) => [name, { name, ...rows[name] }]),
) as Record<OpName, OpTraits>

const opByOpcode: ReadonlyMap<number, OpTraits> = new Map(opNames.map((name) => [ops[name].opcode, ops[name]]))

/** The row of the table; null: no server knows the opcode. */
export function operationOf(opcode: number): OpTraits | null {
  return opByOpcode.get(opcode) ?? null
}

/** The name of it alone. */
export function opOf(opcode: number): OpName | null {
  return opByOpcode.get(opcode)?.name ?? null
}
