/**
 * The one renderer of what servers say to each other, for traces, assertions and logs. Payloads and bodies never
 * appear, only how many there are. Hashes are left out: they say nothing to a reader.
 */
import { assertNever } from '../../base/assert.ts'
import { hexOfSession, hexOfZxid } from '../../base/ids.ts'
import type { PeerMessage } from './peer-message.ts'

/** As in `vote round=2 looking for 3 epoch=1 zxid=0x100000004`. */
export function describePeerMessage(message: PeerMessage): string {
  if (message.kind === 'vote') {
    const { round, state, leader, epoch, zxid } = message
    const what = state === 'leading' ? state : `${state === 'looking' ? 'looking for' : state} ${leader}`
    return `vote round=${round} ${what} epoch=${epoch} zxid=${hexOfZxid(zxid)}`
  }
  return `${message.kind} sync=${message.syncId} ${describeRest(message)}`
}

function describeRest(message: Exclude<PeerMessage, { readonly kind: 'vote' }>): string {
  switch (message.kind) {
    case 'follower-info':
      return `accepted=${message.acceptedEpoch}`
    case 'new-epoch':
      return `epoch=${message.epoch}`
    case 'ack-epoch': {
      const { countable, currentEpoch, lastZxid } = message
      return `${countable ? 'counts' : 'does-not-count'} current=${currentEpoch} last=${hexOfZxid(lastZxid)}`
    }
    case 'sync-start':
    case 'sync-from':
      return `at=${hexOfZxid(message.zxid)}`
    case 'append':
      return `after=${hexOfZxid(message.previousZxid)} [${describeEntries(message.entries)}] committed=${hexOfZxid(message.committed)}`
    case 'new-leader':
      return `epoch=${message.epoch} last=${hexOfZxid(message.lastZxid)}`
    case 'ack-new-leader':
    case 'ack':
      return `durable=${hexOfZxid(message.durable)}`
    case 'up-to-date':
      return `committed=${hexOfZxid(message.committed)}`
    case 'heartbeat':
      return `sequence=${message.sequence} committed=${hexOfZxid(message.committed)}`
    case 'heartbeat-reply':
      return `sequence=${message.sequence} touched=${message.touched.length}`
    case 'forward':
      return `[${message.requests.map(({ sequence, type }) => `#${sequence} opcode ${type}`).join(', ')}]`
    case 'answer':
      return `[${message.answers.map(({ sequence, error }) => `#${sequence} ${error ?? 'ok'}`).join(', ')}]`
    case 'revalidate':
      return `#${message.sequence} ${hexOfSession(message.sessionId)}`
    case 'revalidated':
      return `#${message.sequence} ${message.valid ? 'valid' : 'over'}`
    default:
      return assertNever(message)
  }
}

type Entries = Extract<PeerMessage, { readonly kind: 'append' }>['entries']

/** A batch is gap-free within an epoch, so its ends tell it whole. */
function describeEntries(entries: Entries): string {
  const first = entries[0]
  const last = entries[entries.length - 1]
  if (first === undefined || last === undefined) return ''
  return entries.length === 1 ? hexOfZxid(first.zxid) : `${hexOfZxid(first.zxid)}..${hexOfZxid(last.zxid)}`
}
