/**
 * Where a server behaves exactly as Apache ZooKeeper 3.9.5: one record of choices, made from the key `compatibility`
 * and passed to the few places that decide. All other behaviour is the same under `strict`; the tables of
 * docs/reference/differences.md say why.
 * Assumes: all servers of an ensemble have the same value. If they differ, clients find other rules on other servers,
 * and the leader decides for all whether a refusal, or the move of a session to another server, takes a zxid. A server
 * keeps its clients through a leader change only if the lost leader recorded the moves (WriteDecider.reattach).
 */

/** By choice, the difference that it ends (a rule of that page, or the beginning of a row) and where ZooKeeper decides. */
export const choices = {
  refusalsTakeZxids: { ends: 'refusal-without-zxid', follows: 'PrepRequestProcessor.pRequestHelper, ErrorTxn' },
  unimplementedCloses: { ends: 'unimplemented-keeps-connection', follows: 'UnimplementedRequestProcessor' },
  longRequestsClose: { ends: 'long-request-is-answered', follows: 'NIOServerCnxn.readLength' },
  largeRequestsClose: {
    ends: 'A large request over `largeRequestMaxBytes`',
    follows: 'ZooKeeperServer.checkRequestSizeWhenReceivingMessage',
  },
  staleRequestsClose: {
    ends: 'A request that went stale (`request_stale_latency_check`)',
    follows: 'RequestThrottler.dropRequest',
  },
  malformedAuthCloses: { ends: 'malformed-auth-is-answered', follows: 'ZooKeeperServer.processPacket' },
  watchesNullPaths: { ends: 'null-path-is-not-watched', follows: 'DataTree.addWatch' },
  checksFlagsBeforeNullPaths: {
    ends: 'null-path-before-flags',
    follows: 'PrepRequestProcessor.pRequest2TxnCreate',
  },
  decodesNullWritesInMultiRead: {
    ends: 'multi-read-of-null-writes',
    follows: 'FinalRequestProcessor.processRequest, case multiRead',
  },
  ordersIdsByHash: { ends: 'order-of-expanded-ids', follows: 'ServerCnxn.authInfo' },
  writesAddressesAsJava: {
    ends: 'The `ip` id of an IPv6 client in whoAmI',
    follows: 'NIOServerCnxn, Inet6Address.getHostAddress',
  },
  checksArgumentsBeforeOwner: {
    ends: 'superseded-connection-is-not-answered',
    follows: 'PrepRequestProcessor.validateCreateRequest',
  },
  expiresLocalOwnersOnFollowers: {
    ends: 'An ephemeral in a multi of a local session, without upgrading',
    follows: 'LeaderSessionTracker.checkGlobalSession',
  },
  servesNoKeeperDialect: {
    ends: 'keeper-reads-in-multi-read',
    follows: 'Request.isValid, MultiOperationRecord.deserialize',
  },
  leaderChangesClose: { ends: 'A leader change', follows: 'Follower.shutdown, ZooKeeperServer.shutdown' },
  refusesTtlZnodes: { ends: 'TTL znodes', follows: 'EphemeralType.extendedEphemeralTypesEnabled' },
  listsZooKeeperKeysAlone: { ends: 'The word `conf`', follows: 'ZooKeeperServer.dumpConf' },
  whitelistsSrvrAlone: { ends: 'Four-letter words without a whitelist', follows: 'FourLetterCommands' },
} as const satisfies Readonly<Record<string, { readonly ends: string; readonly follows: string }>>

export type Compatibility = Readonly<Record<keyof typeof choices, boolean>>

export const asZkts: Compatibility = allOf(false)
export const asZooKeeper: Compatibility = allOf(true)

/** Whether a leader makes txns of the moves of sessions. Only then may clients stay when it is lost. */
export function recordsMoves({ leaderChangesClose }: Compatibility): boolean {
  return !leaderChangesClose
}

function allOf(isChosen: boolean): Compatibility {
  const chosen = Object.fromEntries(Object.keys(choices).map((name) => [name, isChosen]))
  return Object.freeze(chosen) as Compatibility
}
