/**
 * PeerFrame ↔ bytes. Bytes that do not decode, or that decode to values that no server sends, give null:
 * the link refuses the peer. A message whose fields are all plain is the object that protobufjs decoded, with our
 * `kind`; absent scalars read as their proto3 defaults through the prototype.
 */
import { assert } from '../../base/assert.ts'
import { protoSchemaOf, type WireObject } from '../proto-record.ts'
import { Hello, type PeerFrame, type PeerMessage, peerMessageRows } from './peer-message.ts'

type Kind = PeerMessage['kind']

const messages = (Object.keys(peerMessageRows) as Kind[]).map((kind) => {
  const { id, recordOf } = peerMessageRows[kind]
  return { kind, id, field: fieldNameOf(kind), record: recordOf(kind) }
})
const byKind: Readonly<Record<string, (typeof messages)[number]>> = Object.fromEntries(
  messages.map((message) => [message.kind, message]),
)
const byField: Readonly<Record<string, (typeof messages)[number]>> = Object.fromEntries(
  messages.map((message) => [message.field, message]),
)

const bodies = messages.toSorted((left, right) => left.id - right.id)

export const peerSchema = protoSchemaOf(
  [...bodies.map(({ record }) => record), Hello],
  [
    `message PeerMessage { oneof body { ${bodies.map(({ id, field, record }) => `${record.name} ${field} = ${id};`).join(' ')} } }`,
    'message PeerFrame { optional Hello hello = 1; repeated PeerMessage messages = 2; }',
  ],
)

const frameType = peerSchema.lookupType('PeerFrame')

export function encodePeerFrame(frame: PeerFrame): Uint8Array {
  const { hello } = frame
  return frameType
    .encode({
      hello: hello === null ? null : Hello.toWire(hello),
      messages: frame.messages.map((message) => {
        const { field, record } = byKind[message.kind]!
        return { [field]: record.toWire(message) }
      }),
    })
    .finish()
}

/** Byte fields of the result are views into `bytes`. */
export function decodePeerFrame(bytes: Uint8Array): PeerFrame | null {
  try {
    const wire: object = frameType.decode(bytes)
    return frameOfWire(wire as WireFrame)
  } catch (thrown) {
    // protobufjs throws on malformed input, and so do fields. The caller closes the link and logs why.
    assert(thrown instanceof Error, 'the thrown value is an Error')
    return null
  }
}

function frameOfWire(wire: WireFrame): PeerFrame | null {
  const read: PeerMessage[] = []
  for (const item of wire.messages) {
    const field = item.body // a getter that searches
    if (field === undefined) return null
    read.push(byField[field]!.record.ofWire(item[field] as WireObject) as PeerMessage)
  }
  return { hello: wire.hello ? Hello.ofWire(wire.hello) : null, messages: read }
}

interface WireFrame {
  readonly hello?: WireObject | null
  readonly messages: readonly WireMessage[]
}

type WireMessage = WireObject & { readonly body?: string }

/** `ack-epoch` is the field `ackEpoch` of the schema. */
function fieldNameOf(kind: Kind): string {
  return kind.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
