/**
 * One definition per record: type, codec and renderer come from it. Field order in the literal is wire order.
 * Owns: how fields combine. Assumes: field names are identifiers, so that object key order is literal order.
 * If a codec read less or more than it wrote, every later field of the frame would be misread; the round-trip
 * tests hold every record to that.
 * Fields are read by a plain loop: 50 ns a record slower than code generated at run time, and it
 * works where generating code is forbidden.
 */
import { assert } from '../base/assert.ts'
import { err, ok, type Result } from '../base/result.ts'
import { JuteReader } from './jute-reader.ts'
import { JuteWriter } from './jute-writer.ts'

export interface Codec<T> {
  /** The fewest bytes that a value takes; lets a vector refuse a count that cannot fit. */
  readonly sizeBytesMin: number
  /** Never throws. The value is meaningless if the reader has failed. */
  read(reader: JuteReader): T
  write(writer: JuteWriter, value: T): void
  /** Short text for traces; contents of buffers are never shown. */
  describe(value: T): string
}

export interface RecordCodec<T> extends Codec<T> {
  readonly name: string
  readonly fieldNames: readonly string[]
}

export type Infer<C> = C extends Codec<infer T> ? T : never

export function record<F extends Readonly<Record<string, Codec<unknown>>>>(
  name: string,
  fields: F,
): RecordCodec<{ readonly [K in keyof F]: Infer<F[K]> }> {
  type Value = { readonly [K in keyof F]: Infer<F[K]> }
  const fieldNames = Object.keys(fields)
  const codecs = Object.values(fields)
  const count = codecs.length
  return {
    name,
    fieldNames,
    sizeBytesMin: codecs.reduce((sum, codec) => sum + codec.sizeBytesMin, 0),
    read(reader): Value {
      const value: Record<string, unknown> = {}
      for (let i = 0; i < count; i++) value[fieldNames[i]!] = codecs[i]!.read(reader)
      return value as Value
    },
    write(writer, value): void {
      const values = value as Readonly<Record<string, unknown>>
      for (let i = 0; i < count; i++) codecs[i]!.write(writer, values[fieldNames[i]!])
    },
    describe(value): string {
      const values = value as Readonly<Record<string, unknown>>
      return fieldNames.map((field, i) => `${field}=${codecs[i]!.describe(values[field])}`).join(' ')
    },
  }
}

/** One reader for all records; null while it is in use. */
let spare: JuteReader | null = null

/** Reads `bytes` as one record. Bytes after it are ignored, as ZooKeeper does. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): Result<T, 'marshalling-error'> {
  const reader = spare ?? new JuteReader(bytes)
  spare = null // a codec may decode a record within a record
  reader.reset(bytes)
  const value = codec.read(reader)
  spare = reader
  return reader.failed ? err('marshalling-error') : ok(value)
}

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new JuteWriter()
  codec.write(writer, value)
  const bytes = writer.take()
  assert(bytes.length >= codec.sizeBytesMin, 'a record is at least its smallest size', { sizeBytes: bytes.length })
  return bytes
}
