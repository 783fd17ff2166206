/**
 * multiRead: several reads, each answered like a single request, except that none registers a watch. All are answered
 * in one turn, so they show one state of the tree (ZK: FinalRequestProcessor).
 */
import { isAllowed } from '../../auth/is-allowed.ts'
import { permissions } from '../../auth/permissions.ts'
import { multiReadReplySizeBytesMax } from '../../base/limits.ts'
import { JuteWriter } from '../../jute/jute-writer.ts'
import { writeMultiEnd } from '../../protocol/client/multi.ts'
import {
  decodeMultiRead,
  type ReadOpName,
  writeMultiReadError,
  writeMultiReadHeader,
} from '../../protocol/client/multi-read.ts'
import type { PendingRequest } from '../clients/client.ts'
import { answerKeeperMultiRead } from './keeper/keeper-reads.ts'
import { nothingMissed, type ReadAnswer, type ReadContext, refusal } from './read-answer.ts'

export function answerMultiRead(pending: PendingRequest, context: ReadContext): ReadAnswer {
  const wanted = decodeMultiRead(pending.request.body, context.decodesNullWrites)
  // Clients that speak Keeper's dialect get its form of errors. A body that ZooKeeper cannot decode may be in that
  // dialect.
  if (context.keeper !== null && (pending.client.speaksKeeper || !wanted.ok)) {
    const answer = answerKeeperMultiRead(pending, context)
    if (answer !== null) return answer
  }
  if (!wanted.ok) return refusal('marshalling-error')
  const writer = new JuteWriter()
  if (wanted.value.kind === 'writes') return broken(writer)
  for (const { op, path } of wanted.value.ops) {
    if (path === null) return broken(writer)
    writeOne(writer, op, path, pending, context)
    if (writer.lengthBytes > multiReadReplySizeBytesMax) return refusal('marshalling-error')
  }
  writeMultiEnd(writer)
  return { error: null, body: writer.detach(), missed: nothingMissed }
}

function writeOne(
  writer: JuteWriter,
  op: ReadOpName,
  path: string,
  { authIds }: PendingRequest,
  { tree, reads, access, configZnode }: ReadContext,
): void {
  const acl = tree.aclOf(path)
  if (acl === null) return writeMultiReadError(writer, 'no-node')
  if (!isAllowed(acl, permissions.read, authIds, access)) return writeMultiReadError(writer, 'no-auth')
  writeMultiReadHeader(writer, op)
  const start = writer.lengthBytes
  if (op === 'getData') configZnode.writeDataAndStat(path, tree, writer)
  else tree.writeChildren(path, writer)
  reads.note(path, path.length + writer.lengthBytes - start)
}

/** A part that cannot be answered ends the multiRead: the only reply with an error and a body, the results so far. */
function broken(writer: JuteWriter): ReadAnswer {
  writeMultiEnd(writer)
  return { error: 'marshalling-error', body: writer.detach(), missed: nothingMissed }
}
