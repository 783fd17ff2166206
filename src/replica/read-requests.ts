/**
 * Reads: answered from the own tree, in the loop turn in which they are due (design D9). A watch is registered
 * together with the read that asked for it, so nothing can change between the two.
 * Paths are not validated: a malformed one finds nothing (ZK: FinalRequestProcessor).
 */
import { isAllowed, visibleAcl } from '../auth/is-allowed.ts'
import { permissions } from '../auth/permissions.ts'
import { assert } from '../base/assert.ts'
import { err, ok } from '../base/result.ts'
import { decode, encode } from '../jute/record.ts'
import { AclVector } from '../protocol/client/acl.ts'
import { AllChildrenNumberReply } from '../protocol/client/replies.ts'
import {
  PathRequest,
  SetWatches2Request,
  SetWatchesRequest,
  WatchableRequest,
  type WatchableRequest as WatchableRequestRecord,
} from '../protocol/client/requests.ts'
import { echoPath, listEphemerals, nameIds } from './asker-requests.ts'
import type { Client, PendingRequest } from './client.ts'
import { answerMultiRead } from './multi-read-requests.ts'
import {
  answerOf,
  type Body,
  nothingMissed,
  type ReadAnswer,
  type ReadContext,
  refusal,
  scratchWriter,
} from './read-answer.ts'
import { addWatch, checkOrRemoveWatches, setWatches } from './watch-requests.ts'

const pong: ReadAnswer = { error: null, body: null, missed: nothingMissed }
const nul = '\0'

export function answerRead(request: PendingRequest, client: Client, context: ReadContext): ReadAnswer {
  switch (request.op) {
    case 'ping':
      return pong
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2': {
      const wanted = decode(WatchableRequest, request.body)
      return wanted.ok ? answerOf(readNode(request, wanted.value, client, context)) : refusal('marshalling-error')
    }
    case 'getACL':
      return answerOf(readAcl(request, context))
    case 'setWatches':
      return setWatches(decode(SetWatchesRequest, request.body), client, context)
    case 'setWatches2':
      return setWatches(decode(SetWatches2Request, request.body), client, context)
    case 'addWatch':
      return answerOf(addWatch(request, client, context.watches))
    case 'checkWatches':
    case 'removeWatches':
      return checkOrRemoveWatches(request, client, context.watches)
    case 'getAllChildrenNumber':
      return answerOf(countDescendants(request, context))
    case 'getEphemerals':
      return answerOf(listEphemerals(request, client, context.tree))
    case 'whoAmI':
      return answerOf(ok(nameIds(request, context.access)))
    case 'sync':
      return answerOf(echoPath(request))
    case 'multiRead':
      return answerMultiRead(request, context)
    default:
      assert(false, 'only implemented reads are answered as reads', { op: request.op })
  }
}

function readNode(
  request: PendingRequest,
  wanted: WatchableRequestRecord,
  client: Client,
  { tree, watches, reads, access, config }: ReadContext,
): Body {
  const { path, watch } = wanted
  const { connection } = client
  if (request.op === 'exists' && path.includes(nul)) return err('bad-arguments')
  const acl = tree.aclOf(path)
  if (acl === null) {
    // A watch on what is not there waits for its creation; the other reads leave none.
    if (request.op === 'exists' && watch) watches.addExist(connection, path)
    return err('no-node')
  }
  if (!isAllowed(acl, permissions.read, request.authIds, access)) return err('no-auth')
  const writer = scratchWriter()
  switch (request.op) {
    case 'exists':
      if (watch) watches.addData(connection, path)
      config.writeStat(path, tree, writer)
      break
    case 'getData':
      if (watch) watches.addData(connection, path)
      config.writeDataAndStat(path, tree, writer)
      break
    case 'getChildren':
      if (watch) watches.addChild(connection, path)
      tree.writeChildren(path, writer)
      break
    default:
      if (watch) watches.addChild(connection, path)
      tree.writeChildrenAndStat(path, writer)
      config.correctStat(path, tree, writer)
  }
  reads.note(path, path.length + writer.lengthBytes)
  return ok(writer.take())
}

/** READ or ADMIN opens it; hashes are shown to ADMIN only. */
function readAcl(request: PendingRequest, { tree, access, config }: ReadContext): Body {
  const wanted = decode(PathRequest, request.body)
  if (!wanted.ok) return wanted
  const acl = tree.aclOf(wanted.value.path)
  if (acl === null) return err('no-node')
  if (!isAllowed(acl, permissions.read | permissions.admin, request.authIds, access)) return err('no-auth')
  const writer = scratchWriter()
  AclVector.write(writer, visibleAcl(acl, request.authIds, access))
  config.writeStat(wanted.value.path, tree, writer)
  return ok(writer.take())
}

function countDescendants(request: PendingRequest, { tree, access }: ReadContext): Body {
  const wanted = decode(PathRequest, request.body)
  if (!wanted.ok) return wanted
  const { path } = wanted.value
  const acl = tree.aclOf(path)
  if (acl === null) return err('no-node')
  if (!isAllowed(acl, permissions.read, request.authIds, access)) return err('no-auth')
  return ok(encode(AllChildrenNumberReply, { totalNumber: tree.descendantCount(path) }))
}
