/**
 * PeerFrame ↔ bytes. Bytes that do not decode, or that decode to values that no server sends, give null:
 * the link refuses the peer. The frames that come most often have codecs of their own (usual-frame-encoder.ts and
 * usual-frame-decoder.ts). Of the others, a message whose fields are all plain is the object that protobufjs decoded, with our
 * `kind`; absent scalars read as their proto3 defaults through the prototype.
 */
import protobuf from 'protobufjs'
import { assert } from '../../base/assert.ts'
import { protoSchemaOf, type WireObject } from '../proto-record.ts'
import { Hello, type PeerFrame, type PeerMessage, peerMessageRows } from './peer-message.ts'
import { decodeUsualFrame } from './usual-frame-decoder.ts'
import { encodeUsualFrame } from './usual-frame-encoder.ts'

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
const messageType = peerSchema.lookupType('PeerMessage')
const chunkType = peerSchema.lookupType(byKind['checkpoint-chunk']!.record.name)

/** The bytes come after as many zero bytes, a multiple of 4, as the caller wants for a header. */
export function encodePeerFrame(frame: PeerFrame, roomSizeBytes = 0): Uint8Array {
  return encodeUsualFrame(frame, roomSizeBytes) ?? encodeAnyFrame(frame, roomSizeBytes)
}

/** As protobufjs writes them. */
export function encodeAnyFrame(frame: PeerFrame, roomSizeBytes = 0): Uint8Array {
  const { hello } = frame
  const wire = {
    hello: hello === null ? null : Hello.toWire(hello),
    messages: frame.messages.map((message) => {
      const { field, record } = byKind[message.kind]!
      return { [field]: record.toWire(message) }
    }),
  }
  return written(frameType.encode(wire, writerWithRoom(roomSizeBytes)))
}

type ChunkMessage = Extract<PeerMessage, { kind: 'checkpoint-chunk' }>

/**
 * What comes before the bytes of the chunk in a frame of this message alone; both together are what `encodePeerFrame`
 * gives. That would copy the chunk four times, each time into new memory: a leader that sends a checkpoint then uses
 * half of its processor time for collecting garbage.
 */
export function encodeFrameBeforeChunk(message: ChunkMessage, roomSizeBytes: number): Uint8Array {
  const { kind, chunk, ...others } = message
  const { field } = byKind[kind]!
  const addFields = (to: protobuf.Writer): protobuf.Writer =>
    addHead(chunkType.encode(others, to), chunkType, 'chunk', chunk.length)
  const messageSizeBytes = written(addFields(writerWithRoom(0))).length + chunk.length
  const bodySizeBytes =
    written(addHead(writerWithRoom(0), messageType, field, messageSizeBytes)).length + messageSizeBytes
  const frame = addHead(writerWithRoom(roomSizeBytes), frameType, 'messages', bodySizeBytes)
  return written(addFields(addHead(frame, messageType, field, messageSizeBytes)))
}

/** What precedes the bytes of a field. */
function addHead(to: protobuf.Writer, type: protobuf.Type, field: string, sizeBytes: number): protobuf.Writer {
  const wireType = 2 // a length, then the bytes
  return to.uint32((type.fields[field]!.id << 3) | wireType).uint32(sizeBytes)
}

function writerWithRoom(sizeBytes: number): protobuf.Writer {
  const writer = protobuf.Writer.create()
  for (let at = 0; at < sizeBytes; at += 4) writer.fixed32(0)
  return writer
}

/** The writer's own bytes, which are not copied. */
function written(writer: protobuf.Writer): Uint8Array {
  const { buffer, byteOffset, length } = writer.finish(true)
  return new Uint8Array(buffer, byteOffset, length) // its `slice` copies, and that of a Buffer does not
}

/** Byte fields of the result are views into `bytes`. */
export function decodePeerFrame(bytes: Uint8Array): PeerFrame | null {
  return decodeUsualFrame(bytes) ?? decodeAnyFrame(bytes)
}

/** As protobufjs reads them. */
export function decodeAnyFrame(bytes: Uint8Array): PeerFrame | null {
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
