/**
 * Answers reads from this server's tree, in the turn in which they are first in their queue (design D9). Other modules
 * answer reads of znodes, watches, multiReads and the reads of ClickHouse Keeper. This one answers reads of ACLs,
 * counts, and the client's own ids and ephemerals.
 * Paths are not validated: a malformed one finds no znode (ZK: FinalRequestProcessor).
 */
import type { AccessRules } from '../../auth/access-rules.ts'
import { isAllowed, userOf, visibleAcl } from '../../auth/is-allowed.ts'
import { permissions } from '../../auth/permissions.ts'
import { assert } from '../../base/assert.ts'
import { err, ok } from '../../base/result.ts'
import { decode, encode } from '../../jute/record.ts'
import { AclVector } from '../../protocol/client/acl.ts'
import {
  AllChildrenNumberReply,
  EphemeralsReply,
  GetAclReply,
  SyncReply,
  WhoAmIReply,
} from '../../protocol/client/replies.ts'
import {
  EphemeralsRequest,
  PathRequest,
  SetWatches2Request,
  SetWatchesRequest,
  SyncRequest,
  WatchableRequest,
} from '../../protocol/client/requests.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { PendingRequest } from '../clients/client.ts'
import { answerKeeperRead } from './keeper/keeper-reads.ts'
import { keeperAcl } from './keeper/keeper-znodes.ts'
import { answerMultiRead } from './multi-read-requests.ts'
import { readNode } from './node-reads.ts'
import { answerOf, type Body, type ReadAnswer, type ReadContext, refusal, scratchWriter } from './read-answer.ts'
import { addWatch, checkOrRemoveWatches, setWatches } from './watch-requests.ts'

export function answerRead(pending: PendingRequest, context: ReadContext): ReadAnswer {
  const { op, body } = pending.request
  switch (op?.name) {
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2': {
      const wanted = decode(WatchableRequest, body)
      if (!wanted.ok) return refusal('marshalling-error')
      const writer = scratchWriter()
      const error = readNode(writer, op.name, wanted.value, pending, context)
      return error === null ? answerOf(ok(writer.take())) : refusal(error)
    }
    case 'getACL':
      return answerOf(readAcl(pending, context))
    case 'setWatches':
      return setWatches(decode(SetWatchesRequest, body), pending.client, context)
    case 'setWatches2':
      return setWatches(decode(SetWatches2Request, body), pending.client, context)
    case 'addWatch':
      return answerOf(addWatch(pending, context))
    case 'checkWatches':
    case 'removeWatches':
      return checkOrRemoveWatches(pending, context)
    case 'getAllChildrenNumber':
      return answerOf(countDescendants(pending, context))
    case 'getEphemerals':
      return answerOf(listEphemerals(pending, context.tree))
    case 'whoAmI':
      return answerOf(ok(nameIds(pending, context.access)))
    case 'sync':
      return answerOf(echoPath(pending))
    case 'multiRead':
      return answerMultiRead(pending, context)
    case 'filteredList':
    case 'filteredListWithStatsAndData':
    case 'listRecursive':
    case 'checkNotExists':
    case 'checkStat':
      return answerKeeperRead(pending, context)
    default:
      assert(false, 'only implemented reads are answered as reads', { op: op?.name })
  }
}

/** Requires READ or ADMIN; without ADMIN the hashes are hidden. */
function readAcl({ request, authIds }: PendingRequest, { tree, keeper, access, configZnode }: ReadContext): Body {
  const wanted = decode(PathRequest, request.body)
  if (!wanted.ok) return wanted
  const acl = tree.aclOf(wanted.value.path)
  if (acl === null) {
    const znode = keeper?.find(wanted.value.path, tree) ?? null
    return znode === null ? err('no-node') : ok(encode(GetAclReply, { acl: keeperAcl, stat: znode.stat }))
  }
  if (!isAllowed(acl, permissions.read | permissions.admin, authIds, access)) return err('no-auth')
  const writer = scratchWriter()
  AclVector.write(writer, visibleAcl(acl, authIds, access))
  configZnode.writeStat(wanted.value.path, tree, writer)
  return ok(writer.take())
}

function countDescendants({ request, authIds }: PendingRequest, { tree, access }: ReadContext): Body {
  const wanted = decode(PathRequest, request.body)
  if (!wanted.ok) return wanted
  const { path } = wanted.value
  const acl = tree.aclOf(path)
  if (acl === null) return err('no-node')
  if (!isAllowed(acl, permissions.read, authIds, access)) return err('no-auth')
  return ok(encode(AllChildrenNumberReply, { totalNumber: tree.descendantCount(path) }))
}

// --- the client's own ids and ephemerals: no permission is needed ---

/** The prefix is compared as text, not by path components: `/a` covers `/ab`. */
function listEphemerals({ request, client }: PendingRequest, tree: DataTree): Body {
  const wanted = decode(EphemeralsRequest, request.body)
  if (!wanted.ok) return wanted
  const paths = client.session === null ? [] : tree.ephemeralsOf(client.session.id)
  const prefix = wanted.value.prefixPath
  const ephemerals = prefix === null || coversAll(prefix) ? paths : paths.filter((path) => path.startsWith(prefix))
  return ok(encode(EphemeralsReply, { ephemerals }))
}

/** The ids that the connection had when the request was read from the socket. */
function nameIds({ authIds }: PendingRequest, access: AccessRules): Uint8Array {
  const clientInfo = authIds.map((id) => ({ authScheme: id.scheme, user: userOf(id, access) }))
  return encode(WhoAmIReply, { clientInfo })
}

/** The answer to a confirmed sync. The path is decoded and encoded: invalid UTF-8 becomes U+FFFD, null stays null. */
function echoPath({ request }: PendingRequest): Body {
  const wanted = decode(SyncRequest, request.body)
  return wanted.ok ? ok(encode(SyncReply, wanted.value)) : wanted
}

/** True for a blank prefix or the root. White space is, as for Java's String.trim, every character up to U+0020. */
function coversAll(prefix: string): boolean {
  let start = 0
  let end = prefix.length
  while (start < end && prefix.charCodeAt(start) <= 0x20) start++
  while (end > start && prefix.charCodeAt(end - 1) <= 0x20) end--
  return start === end || (end - start === 1 && prefix[start] === '/')
}
