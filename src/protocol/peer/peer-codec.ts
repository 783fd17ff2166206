/**
 * PeerFrame ↔ bytes. Bytes that do not decode, or decode to something no server of ours sends, give null:
 * the link refuses the peer. Decoded messages are protobufjs objects that carry our `kind`; absent scalars
 * read as their proto3 defaults through the prototype.
 */
import type { ErrorName } from '../../base/errors.ts'
import { errors } from '../../base/errors.ts'
import type { SessionId } from '../../base/ids.ts'
import { schema } from '../schema.ts'
import { highWordOf, lowWordOf, sessionOfWords } from '../session-words.ts'
import type { ForwardedAnswer, ForwardedRequest, Hello, PeerFrame, PeerMessage, WireAuthId } from './peer-message.ts'

const frameType = schema.lookupType('PeerFrame')

const fieldOfKind = {
  vote: 'vote',
  'follower-info': 'followerInfo',
  'new-epoch': 'newEpoch',
  'ack-epoch': 'ackEpoch',
  'sync-start': 'syncStart',
  'sync-from': 'syncFrom',
  append: 'append',
  'new-leader': 'newLeader',
  'ack-new-leader': 'ackNewLeader',
  'up-to-date': 'upToDate',
  ack: 'ack',
  heartbeat: 'heartbeat',
  'heartbeat-reply': 'heartbeatReply',
  forward: 'forward',
  answer: 'answer',
  revalidate: 'revalidate',
  revalidated: 'revalidated',
} as const satisfies Record<PeerMessage['kind'], string>

const kindOfField = new Map<string, PeerMessage['kind']>(
  Object.entries(fieldOfKind).map(([kind, field]) => [field, kind as PeerMessage['kind']]),
)

export function encodePeerFrame(frame: PeerFrame): Uint8Array {
  return frameType
    .encode({
      hello: frame.hello,
      messages: frame.messages.map((message) => ({ [fieldOfKind[message.kind]]: toWire(message) })),
    })
    .finish()
}

/** Byte fields of the result are views into `bytes`. */
export function decodePeerFrame(bytes: Uint8Array): PeerFrame | null {
  let wire: WireFrame
  try {
    wire = frameType.decode(bytes) as unknown as WireFrame
  } catch {
    return null // protobufjs throws on malformed input; the caller closes the link and says why
  }
  const messages: PeerMessage[] = []
  for (const item of wire.messages) {
    const kind = item.body === undefined ? undefined : kindOfField.get(item.body)
    if (kind === undefined) return null
    const message = fromWire(kind, item[item.body!] as WireBody)
    if (message === null) return null
    messages.push(message)
  }
  return { hello: wire.hello ?? null, messages }
}

function toWire(message: PeerMessage): object {
  switch (message.kind) {
    case 'heartbeat-reply':
      return { ...message, touched: message.touched.flatMap((id) => [highWordOf(id), lowWordOf(id)]) }
    case 'forward':
      return { ...message, requests: message.requests.map(requestToWire) }
    case 'answer':
      return { syncId: message.syncId, answers: message.answers.map(answerToWire) }
    case 'revalidate':
      return { ...message, sessionHigh: highWordOf(message.sessionId), sessionLow: lowWordOf(message.sessionId) }
    default:
      return message
  }
}

function fromWire(kind: PeerMessage['kind'], body: WireBody): PeerMessage | null {
  switch (kind) {
    case 'heartbeat-reply': {
      const words = body['touched'] as readonly number[]
      const touched: SessionId[] = []
      for (let i = 0; i + 1 < words.length; i += 2) touched.push(sessionOfWords(words[i]!, words[i + 1]!))
      return { kind, syncId: body['syncId'] as number, sequence: body['sequence'] as number, touched }
    }
    case 'forward':
      return {
        kind,
        syncId: body['syncId'] as number,
        incarnation: body['incarnation'] as number,
        requests: (body['requests'] as readonly WireRequest[]).map(requestOfWire),
      }
    case 'answer': {
      const answers = (body['answers'] as readonly WireAnswer[]).map(answerOfWire)
      if (answers.includes(null)) return null
      return { kind, syncId: body['syncId'] as number, answers: answers as readonly ForwardedAnswer[] }
    }
    case 'revalidate':
      return {
        kind,
        syncId: body['syncId'] as number,
        sequence: body['sequence'] as number,
        sessionId: sessionOfWords(body['sessionHigh'] as number, body['sessionLow'] as number),
        timeoutMs: body['timeoutMs'] as number,
      }
    default:
      body['kind'] = kind
      return body as unknown as PeerMessage
  }
}

function requestToWire(request: ForwardedRequest): object {
  return {
    sequence: request.sequence,
    sessionHigh: highWordOf(request.sessionId),
    sessionLow: lowWordOf(request.sessionId),
    type: request.type,
    body: request.body,
    authIds: request.authIds,
    isLocal: request.isLocal,
  }
}

function requestOfWire(wire: WireRequest): ForwardedRequest {
  return {
    sequence: wire.sequence,
    sessionId: sessionOfWords(wire.sessionHigh, wire.sessionLow),
    type: wire.type,
    body: wire.body,
    authIds: wire.authIds,
    isLocal: wire.isLocal,
  }
}

function answerToWire(answer: ForwardedAnswer): object {
  return { sequence: answer.sequence, after: answer.after, error: answer.error ?? '', body: answer.body }
}

function answerOfWire(wire: WireAnswer): ForwardedAnswer | null {
  if (wire.error !== '' && !(wire.error in errors)) return null
  return {
    sequence: wire.sequence,
    after: wire.after as ForwardedAnswer['after'],
    error: wire.error === '' ? null : (wire.error as ErrorName),
    body: wire.body ?? null,
  }
}

type WireBody = Record<string, unknown>

interface WireFrame {
  readonly hello?: Hello | null
  readonly messages: readonly (WireBody & { readonly body?: string })[]
}

interface WireRequest {
  readonly sequence: number
  readonly sessionHigh: number
  readonly sessionLow: number
  readonly type: number
  readonly body: Uint8Array
  readonly authIds: readonly WireAuthId[]
  readonly isLocal: boolean
}

interface WireAnswer {
  readonly sequence: number
  readonly after: number
  readonly error: string
  readonly body?: Uint8Array | null
}
