/**
 * One definition per protobuf record: its text as proto3, its type and its codec come from it, so they cannot differ.
 * Owns how fields are declared, and how our values become the objects that protobufjs writes, and back.
 * Field numbers never change, and a retired number is never used again. Zxids, epochs, hashes and times are `double`:
 * exact up to 2⁵³ (design D3) and decoded without allocation. A session id is two fixed32 words, high word first.
 *
 * protobufjs does not write zero values; a decoded object inherits them from its prototype. A record whose fields
 * are all plain is passed on as it was decoded, without a copy. Every other record gets two functions that are compiled
 * when the module loads, each with one object literal; protobufjs compiles its own codecs in the same way. A loop over
 * the fields would be a third slower for a forwarded request, because V8 cannot give the object a fixed shape. Only
 * names from the rows reach the compiled text.
 */
import protobuf from 'protobufjs'
import type { SessionId } from '../base/ids.ts'
import { highWordOf, lowWordOf, sessionOfWords } from './session-words.ts'

/** What protobufjs reads and writes. */
export type WireObject = Record<string, unknown>

export interface Field<T> {
  /** The field's line in the message of the schema. */
  declare(name: string): string
  /** The records that the declaration names. */
  readonly records: readonly ProtoRecord<unknown>[]
  /** Null: the wire object holds the value under the field's name, as it is. */
  readonly conversion: Conversion<T> | null
  /** Whether a server sends this value of a plain field. Null: every value that decodes is accepted. */
  readonly accepts: ((value: never) => boolean) | null
}

/** How a value becomes one or more properties of the wire object, and back. */
interface Conversion<T> {
  /** Null: one property with the field's name. */
  readonly wireNames: readonly string[] | null
  /** One function for each property; each gets the value. */
  readonly toWire: readonly ((value: never) => unknown)[]
  /** Gets the values of these properties in this order. Throws an error where no server sends them. */
  readonly ofWire: (...values: never[]) => T
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

/** `kind` is a constant of the decoded value. */
export function protoRecord<F extends Fields>(name: string, fields: F, kind?: string): ProtoRecord<InferFields<F>> {
  const entries = Object.entries<Field<unknown>>(fields)
  const isPlain = entries.every(([, field]) => field.conversion === null)
  return {
    name,
    declaration: `message ${name} {\n${entries.map(([field, { declare }]) => `  ${declare(field)}\n`).join('')}}`,
    records: entries.flatMap(([, field]) => field.records),
    isPlain: isPlain && kind === undefined && entries.every(([, field]) => field.accepts === null),
    toWire: isPlain ? (value) => value : toWireOf(entries),
    ofWire: ofWireOf<InferFields<F>>(name, entries, isPlain, kind),
  }
}

type FieldEntries = readonly (readonly [name: string, field: Field<unknown>])[]

function toWireOf<T>(entries: FieldEntries): (value: T) => object {
  const called: unknown[] = []
  const properties = entries.flatMap(([name, { conversion }]) => {
    if (conversion === null) return [`${name}: value.${name}`]
    return conversion.toWire.map((toWire, i) => {
      called.push(toWire)
      return `${wireNamesOf(name, conversion)[i]}: called${called.length - 1}(value.${name})`
    })
  })
  return compiled('value', `return { ${properties.join(', ')} }`, called)
}

function ofWireOf<T>(name: string, entries: FieldEntries, isPlain: boolean, kind?: string): (wire: WireObject) => T {
  const called: unknown[] = []
  const call = (target: unknown, args: string): string => `called${called.push(target) - 1}(${args})`
  const checks = entries.flatMap(([field, { accepts }]) => {
    if (accepts === null) return []
    const refuse = (): never => {
      throw malformed(`${name}.${field}`)
    }
    return [`if (!${call(accepts, `wire.${field}`)}) ${call(refuse, '')}`]
  })
  const properties = entries.map(([field, { conversion }]) => {
    if (conversion === null) return `${field}: wire.${field}`
    const values = wireNamesOf(field, conversion).map((wireName) => `wire.${wireName}`)
    return `${field}: ${call(conversion.ofWire, values.join(', '))}`
  })
  const kindText = kind === undefined ? [] : [JSON.stringify(kind)]
  const result = isPlain
    ? [...kindText.map((text) => `wire.kind = ${text}`), 'return wire']
    : [`return { ${[...kindText.map((text) => `kind: ${text}`), ...properties].join(', ')} }`]
  return compiled('wire', [...checks, ...result].join('\n'), called)
}

function wireNamesOf(name: string, { wireNames }: Conversion<unknown>): readonly string[] {
  return wireNames ?? [name]
}

/** A function of one parameter whose body calls `called` as `called0`, `called1` and so on. */
function compiled<F>(parameter: string, body: string, called: readonly unknown[]): F {
  const names = called.map((_, i) => `called${i}`)
  const make = new Function(...names, `return (${parameter}) => {\n${body}\n}`) as (...all: unknown[]) => F
  return make(...called)
}

/** A schema of these records and of all records that they name. */
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
  return { ...scalar<T>('string', id), accepts: (value) => values.includes(value) }
}

/** A text that is `''` on the wire for null, and otherwise one that `accepts` knows. */
export function textOrNull<T extends string>(id: number, accepts: (value: string) => value is T): Field<T | null> {
  return converted('string', id, {
    toWire: (value) => value ?? '',
    ofWire: (value: string) => {
      if (value === '') return null
      if (accepts(value)) return value
      throw malformed('a text')
    },
  })
}

/** Null is left out; empty bytes are not. */
export function bytesOrNull(id: number): Field<Uint8Array | null> {
  return converted('optional bytes', id, {
    toWire: (value) => value,
    ofWire: (value: Uint8Array | null | undefined) => value ?? null,
  })
}

export function repeated<T>(id: number, record: ProtoRecord<T>): Field<readonly T[]> {
  const { toWire, ofWire } = record
  const type = `repeated ${record.name}`
  const field = record.isPlain
    ? scalar<readonly T[]>(type, id)
    : converted<readonly T[], readonly object[]>(type, id, {
        toWire: (values) => values.map(toWire),
        ofWire: (values) => values.map((wire) => ofWire(wire as WireObject)),
      })
  return { ...field, records: [record] }
}

/** Two fields, always named `sessionHigh` and `sessionLow`: a record has one session at most. */
export function sessionWords(highId: number, lowId: number): Field<SessionId> {
  return {
    ...scalar<SessionId>('fixed32', highId),
    declare: () => `fixed32 sessionHigh = ${highId}; fixed32 sessionLow = ${lowId};`,
    conversion: { wireNames: ['sessionHigh', 'sessionLow'], toWire: [highWordOf, lowWordOf], ofWire: sessionOfWords },
  }
}

/** One packed list of words, two for each session. */
export function sessionList(id: number): Field<readonly SessionId[]> {
  return converted('repeated fixed32', id, {
    toWire: (sessions) => {
      const words: number[] = []
      for (const sessionId of sessions) words.push(highWordOf(sessionId), lowWordOf(sessionId))
      return words
    },
    ofWire: (words: readonly number[]) => {
      if (words.length % 2 !== 0) throw malformed('a list of sessions')
      const sessions: SessionId[] = []
      for (let i = 0; i < words.length; i += 2) sessions.push(sessionOfWords(words[i]!, words[i + 1]!))
      return sessions
    },
  })
}

/** A field whose value differs from that of its one property on the wire. */
function converted<T, W>(
  type: string,
  id: number,
  { toWire, ofWire }: { toWire(value: T): W; ofWire(value: W): T },
): Field<T> {
  return { ...scalar<T>(type, id), conversion: { wireNames: null, toWire: [toWire], ofWire } }
}

function scalar<T>(type: string, id: number): Field<T> {
  return { declare: (name) => `${type} ${name} = ${id};`, records: [], conversion: null, accepts: null }
}

function malformed(field: string): RangeError {
  return new RangeError(`${field} holds a value that no server sends`)
}
