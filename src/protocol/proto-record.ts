/**
 * One definition per protobuf record: its text as proto3, its type and its codec come from it, so they cannot differ.
 * Owns how fields are declared, and how a value of ours becomes the object that protobufjs writes, and back.
 * Field numbers are for ever: a retired number is never used again. Zxids, epochs, hashes and times are `double`:
 * exact up to 2⁵³ (design D3) and decoded without allocation. A session id is two fixed32 words, high word first.
 *
 * protobufjs leaves out what is zero, and gives it back through the prototype of what it decodes. A record whose fields
 * are all plain is passed on as it was decoded, without a copy; others are built anew, field by field.
 */
import protobuf from 'protobufjs'
import type { SessionId } from '../base/ids.ts'
import { highWordOf, lowWordOf, sessionOfWords } from './session-words.ts'

/** What protobufjs reads and writes. */
export type WireObject = Record<string, unknown>

export interface Field<T> {
  /** As it stands in the message of the schema. */
  declare(name: string): string
  /** Records that the declaration names. */
  readonly records: readonly ProtoRecord<unknown>[]
  /** The wire object holds the value under the field's name, as it is. */
  readonly isPlain: boolean
  put(wire: WireObject, name: string, value: T): void
  /** Throws what `decodeRecord` takes for malformed bytes if no server of ours sends this. */
  take(wire: WireObject, name: string): T
  /** A plain field that does not accept every value that decodes. */
  readonly isChecked: boolean
  /** Whether a server of ours sends this. */
  accepts(value: T): boolean
}

export interface ProtoRecord<T> {
  readonly name: string
  /** `message Name { … }`. */
  readonly declaration: string
  readonly records: readonly ProtoRecord<unknown>[]
  readonly isPlain: boolean
  toWire(value: T): object
  ofWire(wire: WireObject): T
}

type Fields = Readonly<Record<string, Field<unknown>>>
export type InferField<F> = F extends Field<infer T> ? T : never
export type InferFields<F> = { readonly [K in keyof F]: InferField<F[K]> }
export type InferRecord<R> = R extends ProtoRecord<infer T> ? T : never

export function protoRecord<F extends Fields>(name: string, fields: F): ProtoRecord<InferFields<F>> {
  type Value = InferFields<F>
  const names = Object.keys(fields)
  const parts = Object.values<Field<unknown>>(fields)
  const converted = names.filter((field) => !fields[field]!.isPlain)
  const isPlain = converted.length === 0
  const checked = names.filter((field) => fields[field]!.isChecked)
  return {
    name,
    declaration: `message ${name} {\n${parts.map((field, i) => `  ${field.declare(names[i]!)}\n`).join('')}}`,
    records: parts.flatMap((field) => field.records),
    isPlain: isPlain && checked.length === 0,
    toWire(value): object {
      if (isPlain) return value
      const wire: WireObject = { ...value } // protobufjs looks at the fields that it knows
      for (const field of converted) fields[field]!.put(wire, field, wire[field])
      return wire
    },
    ofWire(wire): Value {
      for (const field of checked) {
        if (!fields[field]!.accepts(wire[field])) throw malformed(`${name}.${field}`)
      }
      if (isPlain) return wire as Value
      const value: WireObject = {}
      for (let i = 0; i < parts.length; i++) {
        const field = parts[i]!
        value[names[i]!] = field.isPlain ? wire[names[i]!] : field.take(wire, names[i]!)
      }
      return value as Value
    },
  }
}

/** A schema of these records and all that they name. */
export function protoSchemaOf(records: readonly ProtoRecord<unknown>[], oneOfs: readonly string[] = []): protobuf.Root {
  const texts = new Set<string>()
  const gather = (all: readonly ProtoRecord<unknown>[]): void => {
    for (const each of all) {
      gather(each.records)
      texts.add(each.declaration)
    }
  }
  gather(records)
  return protobuf.parse(['syntax = "proto3";', ...texts, ...oneOfs].join('\n'), { keepCase: true }).root
}

export const double = <T extends number = number>(id: number): Field<T> => scalar('double', id)
export const fixed32 = <T extends number = number>(id: number): Field<T> => scalar('fixed32', id)
export const uint32 = <T extends number = number>(id: number): Field<T> => scalar('uint32', id)
export const int32 = <T extends number = number>(id: number): Field<T> => scalar('int32', id)
export const sint32 = <T extends number = number>(id: number): Field<T> => scalar('sint32', id)
export const bool = (id: number): Field<boolean> => scalar('bool', id)
export const text = (id: number): Field<string> => scalar('string', id)
export const bytes = (id: number): Field<Uint8Array> => scalar('bytes', id)

/** A text that is one of these. */
export function oneOf<const T extends string>(id: number, values: readonly T[]): Field<T> {
  return { ...scalar<T>('string', id), isChecked: true, accepts: (value) => values.includes(value) }
}

/** A text that is `''` on the wire for null, and otherwise one that `accepts` knows. */
export function textOrNull<T extends string>(id: number, accepts: (value: string) => value is T): Field<T | null> {
  return conversion('string', id, {
    toWire: (value) => value ?? '',
    ofWire: (value, name) => {
      if (value === '') return null
      if (typeof value === 'string' && accepts(value)) return value
      throw malformed(name)
    },
  })
}

/** Null is left out; empty bytes are not. */
export function bytesOrNull(id: number): Field<Uint8Array | null> {
  return conversion('optional bytes', id, {
    toWire: (value) => value,
    ofWire: (value) => (value instanceof Uint8Array ? value : null),
  })
}

export function repeated<T>(id: number, record: ProtoRecord<T>): Field<readonly T[]> {
  const { isPlain } = record
  return {
    ...scalar<readonly T[]>(`repeated ${record.name}`, id),
    records: [record],
    isPlain,
    put(wire, name, values): void {
      wire[name] = isPlain ? values : values.map((value) => record.toWire(value))
    },
    take(wire, name): readonly T[] {
      return isPlain ? (wire[name] as readonly T[]) : (wire[name] as WireObject[]).map((each) => record.ofWire(each))
    },
  }
}

/** Two fields, `sessionHigh` and `sessionLow`, whatever the name: a record has one session. */
export function sessionWords(highId: number, lowId: number): Field<SessionId> {
  return {
    ...scalar<SessionId>('fixed32', highId),
    declare: () => `fixed32 sessionHigh = ${highId}; fixed32 sessionLow = ${lowId};`,
    isPlain: false,
    put(wire, _name, value): void {
      wire['sessionHigh'] = highWordOf(value)
      wire['sessionLow'] = lowWordOf(value)
    },
    take: (wire) => sessionOfWords(wire['sessionHigh'] as number, wire['sessionLow'] as number),
  }
}

/** One packed list of words, two for each session. */
export function sessionList(id: number): Field<readonly SessionId[]> {
  return conversion('repeated fixed32', id, {
    toWire: (sessions) => sessions.flatMap((sessionId) => [highWordOf(sessionId), lowWordOf(sessionId)]),
    ofWire: (value, name) => {
      const words = value as readonly number[]
      if (words.length % 2 !== 0) throw malformed(name)
      const sessions: SessionId[] = []
      for (let i = 0; i < words.length; i += 2) sessions.push(sessionOfWords(words[i]!, words[i + 1]!))
      return sessions
    },
  })
}

interface Conversion<T> {
  toWire(value: T): unknown
  ofWire(value: unknown, name: string): T
}

function conversion<T>(type: string, id: number, { toWire, ofWire }: Conversion<T>): Field<T> {
  return {
    ...scalar<T>(type, id),
    isPlain: false,
    put(wire, name, value): void {
      wire[name] = toWire(value)
    },
    take: (wire, name) => ofWire(wire[name], name),
  }
}

function scalar<T>(type: string, id: number): Field<T> {
  return {
    declare: (name) => `${type} ${name} = ${id};`,
    records: [],
    isPlain: true,
    put(wire, name, value): void {
      wire[name] = value
    },
    take: (wire, name) => wire[name] as T,
    isChecked: false,
    accepts: () => true,
  }
}

function malformed(field: string): RangeError {
  return new RangeError(`${field} holds what no server of ours sends`)
}
