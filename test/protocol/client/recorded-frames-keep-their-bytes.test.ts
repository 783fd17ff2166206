import { describe, expect, it } from 'vitest'
import { errorNameOf } from '../../../src/base/errors.ts'
import { JuteReader } from '../../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { decode, encode, type RecordCodec } from '../../../src/jute/record.ts'
import { ConnectRequest, ConnectResponse } from '../../../src/protocol/client/connect.ts'
import { ReplyHeader, RequestHeader } from '../../../src/protocol/client/headers.ts'
import { decodeMulti, writeMultiRequest } from '../../../src/protocol/client/multi.ts'
import { decodeMultiRead, writeMultiReadRequest } from '../../../src/protocol/client/multi-read.ts'
import { type OpName, opNames, opOf, ops } from '../../../src/protocol/client/operations.ts'
import { sessionPasswordOf } from '../../../src/protocol/client/session-password.ts'
import { WatcherEvent, watchEventTypeOf, writeWatchEventFrame } from '../../../src/protocol/client/watch-event.ts'
import { hexOf } from '../../support/hex.ts'
import { type RecordedFrame, recordedConnections, recordedFrames } from '../../support/recorded-frames.ts'
import { rewrittenMultiReadResults, rewrittenMultiResults } from './multi-results.ts'

const requestHeaderSizeBytes = 8
const replyHeaderSizeBytes = 16
/** `check` is a part of multi only; clients never send the other two. */
const neverSaid: readonly OpName[] = ['check', 'deleteContainer', 'createSession']

function headerOf({ payload }: RecordedFrame): RequestHeader {
  const header = decode(RequestHeader, payload)
  if (!header.ok) throw new Error('no request header')
  return header.value
}

function opSaid(frame: RecordedFrame): OpName {
  const op = opOf(headerOf(frame).type)
  if (op === null) throw new Error(`${frame.name}: no operation`)
  return op
}

function rewritten<T>(codec: RecordCodec<T>, bytes: Uint8Array): Uint8Array {
  const value = decode(codec, bytes)
  if (!value.ok) throw new Error(`${codec.name} does not decode`)
  return encode(codec, value.value)
}

function rewrittenRequestBody(op: OpName, body: Uint8Array): Uint8Array {
  const writer = new JuteWriter()
  if (op === 'multi') {
    const parts = decodeMulti(body)
    writeMultiRequest(writer, parts.ok ? parts.value : [])
    return writer.take()
  }
  if (op === 'multiRead') {
    const parts = decodeMultiRead(body)
    writeMultiReadRequest(writer, parts.ok && parts.value.kind === 'reads' ? parts.value.ops : [])
    return writer.take()
  }
  const codec = ops[op].request
  return codec === null ? new Uint8Array(0) : rewritten(codec, body)
}

function rewrittenReplyBody(op: OpName, body: Uint8Array): Uint8Array {
  if (op === 'multi') return rewrittenMultiResults(body)
  if (op === 'multiRead') return rewrittenMultiReadResults(body)
  const codec = ops[op].reply
  return codec === null ? new Uint8Array(0) : rewritten(codec, body)
}

const requests = recordedFrames.filter(({ from, isFirst }) => from === 'client' && !isFirst)
const answers = recordedConnections.flatMap(({ client, server }) => {
  const opByXid = new Map(client.slice(1).map((frame) => [headerOf(frame).xid, opSaid(frame)]))
  return server
    .slice(1)
    .map((frame) => ({ ...frame, op: opByXid.get(new JuteReader(frame.payload).readInt()) ?? null }))
})
const replies = answers.filter(({ op }) => op !== null)
const events = answers.filter(({ op }) => op === null)

describe('recorded frames of the stock Java client and Apache ZooKeeper', () => {
  it('hold every operation that a client can send, and a reply to each', () => {
    const wanted = opNames.filter((op) => !neverSaid.includes(op) && ops[op].opcode < 500).sort()
    expect([...new Set(requests.map(opSaid))].sort()).toEqual(wanted)
    expect([...new Set(replies.map(({ op }) => op))].sort()).toEqual(wanted)
    expect([...new Set(events.map(({ payload }) => new JuteReader(payload.subarray(16)).readInt()))].sort()).toEqual([
      1, 2, 3, 4,
    ])
  })

  it.each(requests)('the request of "$name" decodes and encodes to its bytes', (frame) => {
    const body = rewrittenRequestBody(opSaid(frame), frame.payload.subarray(requestHeaderSizeBytes))
    expect(hexOf(encode(RequestHeader, headerOf(frame))) + hexOf(body)).toBe(hexOf(frame.payload))
  })

  it.each(replies)('the reply to "$name" decodes and encodes to its bytes', ({ payload, op }) => {
    const header = decode(ReplyHeader, payload)
    const body = payload.subarray(replyHeaderSizeBytes)
    if (!header.ok || op === null) throw new Error('no reply header')
    const { error } = header.value
    if (error !== 0) {
      expect(errorNameOf(error)).not.toBeNull()
      expect(hexOf(body)).toBe('')
    } else expect(hexOf(rewrittenReplyBody(op, body))).toBe(hexOf(body))
    expect(hexOf(encode(ReplyHeader, header.value))).toBe(hexOf(payload.subarray(0, replyHeaderSizeBytes)))
  })

  it.each(events)('the watch event of "$name" is written with the same bytes', ({ payload }) => {
    const header = decode(ReplyHeader, payload)
    const event = decode(WatcherEvent, payload.subarray(replyHeaderSizeBytes))
    if (!header.ok || !event.ok) throw new Error('no event')
    expect(watchEventTypeOf(event.value.type)).not.toBeNull()
    const writer = new JuteWriter()
    writeWatchEventFrame(writer, header.value.zxid, event.value.type as 1 | 2 | 3 | 4, event.value.path)
    expect(hexOf(writer.take().subarray(4))).toBe(hexOf(payload))
  })

  it('the two records that open a connection keep their bytes', () => {
    for (const { client, server } of recordedConnections) {
      expect(hexOf(rewritten(ConnectRequest, client[0]!.payload))).toBe(hexOf(client[0]!.payload))
      expect(hexOf(rewritten(ConnectResponse, server[0]!.payload))).toBe(hexOf(server[0]!.payload))
    }
  })

  it('passwords of recorded sessions are those that we give for their ids', () => {
    for (const { server } of recordedConnections) {
      const response = decode(ConnectResponse, server[0]!.payload)
      if (!response.ok) throw new Error('no connect response')
      const { sessionId, password } = response.value
      const expected = sessionId === 0n ? new Uint8Array(16) : sessionPasswordOf(sessionId)
      expect(hexOf(password ?? new Uint8Array(0))).toBe(hexOf(expected))
    }
  })

  it.each(requests)('the request of "$name", cut short anywhere, is refused and nothing else', (frame) => {
    const codec = ops[opSaid(frame)].request
    const body = frame.payload.subarray(requestHeaderSizeBytes)
    for (let size = 0; codec !== null && size < body.length; size++) {
      expect(decode(codec, body.subarray(0, size))).toEqual({ ok: false, error: 'marshalling-error' })
    }
  })
})
