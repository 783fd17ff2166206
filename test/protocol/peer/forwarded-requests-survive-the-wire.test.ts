import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { decodePeerFrame, encodePeerFrame } from '../../../src/protocol/peer/peer-codec.ts'
import type { ForwardedRequest, PeerMessage } from '../../../src/protocol/peer/peer-message.ts'

test.each([true, false])('a forwarded request keeps all its fields on the wire, session local: %s', (isLocal) => {
  const request: ForwardedRequest = {
    sequence: 2 ** 40 + 1,
    sessionId: 0xfe00_1234_89ab_cdefn as SessionId,
    isLocal,
    type: -11,
    body: Uint8Array.of(1, 2, 3),
    authIds: [{ scheme: 'digest', id: 'ben:x' }],
  }
  const message: PeerMessage = { kind: 'forward', syncId: 7, incarnation: 0xffff_ffff, requests: [request] }
  const frame = decodePeerFrame(encodePeerFrame({ hello: null, messages: [message] }))
  const [came] = frame!.messages
  expect(came).toMatchObject({ kind: 'forward', syncId: 7, incarnation: 0xffff_ffff })
  const [only] = came!.kind === 'forward' ? came.requests : []
  expect({ ...only, body: [...only!.body], authIds: only!.authIds.map(({ scheme, id }) => ({ scheme, id })) }).toEqual({
    ...request,
    body: [1, 2, 3],
  })
})
