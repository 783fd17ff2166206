/** The bytes must never change: servers of two versions send messages to each other during an upgrade. */
import { expect, test } from 'vitest'
import { decodePeerFrame, encodePeerFrame, peerSchema } from '../../../src/protocol/peer/peer-codec.ts'
import { hexOf } from '../../support/hex.ts'
import { frames } from './peer-message-examples.ts'

const bytesOf: Readonly<Record<string, string>> = {
  'vote, looking': '12290a2709000000000000004210fe011900000000000008402100002000000008422a076c6f6f6b696e67',
  'vote, following': '12210a1f100119000000000000084021ffffffffffff3f432a09666f6c6c6f77696e67',
  'vote, leading': '12170a1509000000000000f03f10fe012a076c656164696e67',
  'follower-info': '122412220dfeffffff1100000000000008401901000000000030432100002000000008422801',
  'new-epoch': '12191a170dfeffffff110000000000000840190100000000003043',
  'ack-epoch': '122d222b0dfeffffff100119000000000000084021000020000000084229fdffffffffff3f43310100000000003043',
  'ack-epoch of zeros': '12022200',
  'sync-start': '12192a170dfeffffff11000020000000084219fdffffffffff3f43',
  'sync-from': '121a8a01170dfeffffff11000020000000084219fdffffffffff3f43',
  'checkpoint-offer': '122c9201290dfeffffff11010000000000304319000020000000084221fdffffffffff3f43290000000000000042',
  'checkpoint-request': '121a9a01170dfeffffff110100000000003043190000000000c07240',
  'checkpoint-request for the first chunk': '12119a010e0dfeffffff11000000000000f03f',
  'checkpoint-chunk': '121fa2011c0dfeffffff11000000000000f03f19000000000000f03f2203010203',
  'checkpoint-end': '121aaa01170dfeffffff11000000000000f03f190000000000d07240',
  'checkpoint-wait': '1208b201050dfeffffff',
  dropped: '1208ba01050dfeffffff',
  'hand-over': '1213c201100dfeffffff1003190000000000002240',
  'hand-over-request': '120aca01070dfeffffff1003',
  'hand-over-request for the best': '1208ca01050dfeffffff',
  append:
    '123d323b0dfeffffff11000020000000084219fdffffffffff3f43220e09000028000000084212030908072209090000300000000842290000200000000842',
  'append without entries': '122232200dfeffffff11000020000000084219fdffffffffff3f43290000200000000842',
  'new-leader': '12223a200dfeffffff110000000000000840190100000000003043210000200000000842',
  'ack-new-leader': '1210420e0dfeffffff110000200000000842',
  'up-to-date': '12124a100dfeffffff1100002000000008421801',
  ack: '1210520e0dfeffffff110000200000000842',
  heartbeat: '122d5a2b0dfeffffff11000000000000f0411900002000000008422210303132333435363738396162636465662801',
  'heartbeat without a digest': '12195a170dfeffffff11000000000000f041190000200000000842',
  'heartbeat-reply': '122262200dfeffffff110000000000001c401a10341200feefcdab890000000001000000',
  'heartbeat-reply without sessions': '1210620e0dfeffffff110000000000001c40',
  forward:
    '12476a450dfeffffff123709001000000000704215341200fe1defcdab8920152a03010203320f0a06646967657374120562656e3a7832080a0269701202c3a9380112001dffffffff',
  'forward without requests': '12076a050dfeffffff',
  answer:
    '124972470dfeffffff121b0900000000000022401100002000000008421a076e6f2d6e6f6465120d0900000000000024402202040512140900000000000026401100002000000008422200',
  revalidate: '122a7a280dfeffffff1100000000000000401d341200fe25efcdab8928ffffffffffffffffff0135ffffffff',
  revalidated: '12138201100dfeffffff1100000000000000401801',
  'revalidated, over': '121182010e0dfeffffff110000000000000040',
  hello: '0a150801100318fe012101000000000030432dffffffff',
  'hello that refuses': '0a170801100318fe012101000000000030432dffffffff3001',
  'nothing at all': '',
  'hello and two messages':
    '0a150801100318fe012101000000000030432dffffffff1210520e0dfeffffff11000020000000084212170a1509000000000000f03f10fe012a076c656164696e67',
}

test.each(Object.keys(frames))('a peer frame with %s has its known bytes', (name) => {
  expect(hexOf(encodePeerFrame(frames[name]!))).toBe(bytesOf[name])
})

test.each(Object.keys(frames))('a peer frame with %s decodes to the same frame', (name) => {
  const sent = frames[name]
  expect(asRead(decodePeerFrame(encodePeerFrame(sent!)), sent)).toEqual(asRead(sent, sent))
})

test.each<readonly [string, object]>([
  ['of no kind', {}],
  ['a vote in an unknown state', { vote: { round: 1, leader: 1, epoch: 1, zxid: 1, state: 'observing' } }],
  ['a vote without a state', { vote: { round: 1, leader: 1, epoch: 1, zxid: 1 } }],
  [
    'an answer with an unknown error',
    { answer: { syncId: 1, answers: [{ sequence: 1, after: 1, error: 'toString' }] } },
  ],
  ['half a session id', { heartbeatReply: { syncId: 1, sequence: 1, touched: [1, 2, 3] } }],
])('a peer frame with a message that holds %s is refused', (_what, message) => {
  const frameType = peerSchema.lookupType('PeerFrame')
  expect(decodePeerFrame(frameType.encode({ messages: [message] }).finish())).toBe(null)
})

/** The fields of `value` that `like` has, own or inherited: a zero is not on the wire and comes from the prototype. */
function asRead(value: unknown, like: unknown): unknown {
  if (like instanceof Uint8Array) return hexOf(value as Uint8Array)
  if (Array.isArray(like)) return (value as readonly unknown[]).map((each, i) => asRead(each, like[i]))
  if (typeof like !== 'object' || like === null) return value
  const read = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.entries(like).map(([name, each]) => [name, asRead(read[name], each)]))
}
