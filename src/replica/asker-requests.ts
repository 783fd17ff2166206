/**
 * Requests about whoever sends them: the ephemerals of the session, the ids of the connection, and how far the server
 * has come (sync). Nobody else's can be asked for, so no permission is needed.
 */
import type { AccessRules } from '../auth/access-rules.ts'
import { userOf } from '../auth/is-allowed.ts'
import { ok } from '../base/result.ts'
import { decode, encode } from '../jute/record.ts'
import { EphemeralsReply, SyncReply, WhoAmIReply } from '../protocol/client/replies.ts'
import { EphemeralsRequest, SyncRequest } from '../protocol/client/requests.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { PendingRequest } from './client.ts'
import type { Body } from './read-answer.ts'

/** The prefix is one of text, not of path components: `/a` covers `/ab`. */
export function listEphemerals({ request, client }: PendingRequest, tree: DataTree): Body {
  const wanted = decode(EphemeralsRequest, request.body)
  if (!wanted.ok) return wanted
  const paths = client.session === null ? [] : tree.ephemeralsOf(client.session.id)
  const prefix = wanted.value.prefixPath
  const ephemerals = prefix === null || coversAll(prefix) ? paths : paths.filter((path) => path.startsWith(prefix))
  return ok(encode(EphemeralsReply, { ephemerals }))
}

/** The ids that the connection had when the request was read from the socket. */
export function nameIds({ authIds }: PendingRequest, access: AccessRules): Uint8Array {
  const clientInfo = authIds.map((id) => ({ authScheme: id.scheme, user: userOf(id, access) }))
  return encode(WhoAmIReply, { clientInfo })
}

/** The answer to a sync that was confirmed. Written anew: what was not UTF-8 comes back as U+FFFD, and null as null. */
export function echoPath({ request }: PendingRequest): Body {
  const wanted = decode(SyncRequest, request.body)
  return wanted.ok ? ok(encode(SyncReply, wanted.value)) : wanted
}

/** Blank or the root, with what Java's String.trim takes for white space around it: all up to U+0020. */
function coversAll(prefix: string): boolean {
  let start = 0
  let end = prefix.length
  while (start < end && prefix.charCodeAt(start) <= 0x20) start++
  while (end > start && prefix.charCodeAt(end - 1) <= 0x20) end--
  return start === end || (end - start === 1 && prefix[start] === '/')
}
