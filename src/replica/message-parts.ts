/**
 * Splits the requests or answers that one turn has gathered for another server into messages that fit a frame between
 * servers. Clients decide how many requests arrive in one turn and how long they are, so without this a few dozen long
 * writes in one turn would make a message that is too long for a frame.
 */
import { proposalBatchSizeBytesMax } from '../base/limits.ts'
import type { ForwardedAnswer, ForwardedRequest, RequestMessage } from '../protocol/peer/peer-message.ts'

type Gathered = Extract<RequestMessage, { readonly kind: 'forward' | 'answer' }>

/** In order; each is about as long as a batch may be, or holds one item. */
export function partsOf(message: Gathered): readonly Gathered[] {
  if (message.kind === 'forward') {
    return cut(message.requests, requestSizeBytes).map((requests) => ({ ...message, requests }))
  }
  return cut(message.answers, answerSizeBytes).map((answers) => ({ ...message, answers }))
}

function cut<Item>(items: readonly Item[], sizeBytesOf: (item: Item) => number): readonly (readonly Item[])[] {
  const parts: (readonly Item[])[] = []
  let start = 0
  let sizeBytes = 0
  for (let i = 0; i < items.length; i++) {
    const itemSizeBytes = sizeBytesOf(items[i]!)
    if (i > start && sizeBytes + itemSizeBytes > proposalBatchSizeBytesMax) {
      parts.push(items.slice(start, i))
      start = i
      sizeBytes = 0
    }
    sizeBytes += itemSizeBytes
  }
  parts.push(start === 0 ? items : items.slice(start))
  return parts
}

/** Without the ids, whose size has its own limit; see `authIdUnitsMax`. */
function requestSizeBytes(request: ForwardedRequest): number {
  return request.body.length
}

function answerSizeBytes(answer: ForwardedAnswer): number {
  return answer.body === null ? 0 : answer.body.length
}
