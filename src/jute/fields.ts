/**
 * The field codecs that records are made of. Each carries one jute type to one TypeScript type.
 * `ustring`, `buffer` and `vector` keep null and empty distinct, because clients distinguish them.
 * `text` is for fields in which ZooKeeper refuses null: a null fails the record.
 */

import type { SessionId, Zxid } from '../base/ids.ts'
import { hexOfSession } from '../base/ids.ts'
import { juteVectorCountMax } from '../base/limits.ts'
import type { Codec } from './record.ts'

/** Items of a vector that a trace shows. */
const describedCountMax = 4

export const boolean: Codec<boolean> = {
  sizeBytesMin: 1,
  read: (reader) => reader.readBoolean(),
  write: (writer, value) => writer.writeBoolean(value),
  describe: String,
}

/** Unsigned. ZooKeeper has no such field; ClickHouse Keeper's requests do. */
export const byte: Codec<number> = {
  sizeBytesMin: 1,
  read: (reader) => reader.readByte(),
  write: (writer, value) => writer.writeByte(value),
  describe: String,
}

/** Unsigned, where ZooKeeper's ints have a sign; ClickHouse Keeper's requests count with it. */
export const uint32: Codec<number> = {
  sizeBytesMin: 4,
  read: (reader) => reader.readInt() >>> 0,
  write: (writer, value) => writer.writeInt(value),
  describe: String,
}

export const int: Codec<number> = {
  sizeBytesMin: 4,
  read: (reader) => reader.readInt(),
  write: (writer, value) => writer.writeInt(value),
  describe: String,
}

export const long: Codec<bigint> = {
  sizeBytesMin: 8,
  read: (reader) => reader.readLong(),
  write: (writer, value) => writer.writeLong(value),
  describe: String,
}

/** An int64 that holds a zxid, or -1 for none. */
export const zxid: Codec<Zxid> = {
  sizeBytesMin: 8,
  read: (reader) => reader.readZxid(),
  write: (writer, value) => writer.writeInt64Number(value),
  describe: (value) => (value < 0 ? String(value) : `0x${value.toString(16)}`),
}

/** An int64 that holds a whole number that a double holds exactly. */
export const wholeNumber: Codec<number> = {
  sizeBytesMin: 8,
  read: (reader) => reader.readInt64Number(),
  write: (writer, value) => writer.writeInt64Number(value),
  describe: String,
}

/** An int64 that holds milliseconds since 1970. */
export const timeMs: Codec<number> = {
  sizeBytesMin: 8,
  read: (reader) => reader.readInt64Number(),
  write: (writer, value) => writer.writeInt64Number(value),
  describe: String,
}

export const sessionId: Codec<SessionId> = {
  sizeBytesMin: 8,
  read: (reader) => reader.readSessionId(),
  write: (writer, value) => writer.writeSessionId(value),
  describe: hexOfSession,
}

export const ustring: Codec<string | null> = {
  sizeBytesMin: 4,
  read: (reader) => reader.readUstring(),
  write: (writer, value) => writer.writeUstring(value),
  describe: describeText,
}

/** A ustring that must not be null. */
export const text: Codec<string> = {
  sizeBytesMin: 4,
  read(reader): string {
    const value = reader.readUstring()
    if (value !== null) return value
    reader.fail()
    return ''
  },
  write: (writer, value) => writer.writeUstring(value),
  describe: describeText,
}

/** Decodes to a view of the bytes being read. */
export const buffer: Codec<Uint8Array | null> = {
  sizeBytesMin: 4,
  read: (reader) => reader.readBuffer(),
  write: (writer, value) => writer.writeBuffer(value),
  describe: (value) => (value === null ? 'null' : `<${value.length} bytes>`),
}

export function vector<T>(item: Codec<T>): Codec<readonly T[] | null> {
  return {
    sizeBytesMin: 4,
    read(reader): readonly T[] | null {
      const count = reader.readCount()
      if (count === -1 && !reader.failed) return null
      // Checked before anything is allocated: a count alone must not make the server reserve memory.
      if (count > juteVectorCountMax || count * item.sizeBytesMin > reader.remainingBytes) reader.fail()
      const values: T[] = []
      for (let i = 0; i < count && !reader.failed; i++) values.push(item.read(reader))
      return values
    },
    write(writer, values): void {
      writer.writeVector(values, item.write)
    },
    describe(values): string {
      if (values === null) return 'null'
      const shown = values.slice(0, describedCountMax).map((value) => item.describe(value))
      return `[${values.length > shown.length ? [...shown, `${values.length} in all`].join(', ') : shown.join(', ')}]`
    },
  }
}

/** The last field of a record, which old clients leave out. Null: it was left out. */
export function trailing<T>(field: Codec<T>): Codec<T | null> {
  return {
    sizeBytesMin: 0,
    read: (reader) => (reader.remainingBytes === 0 ? null : field.read(reader)),
    write(writer, value): void {
      if (value !== null) field.write(writer, value)
    },
    describe: (value) => (value === null ? 'absent' : field.describe(value)),
  }
}

function describeText(value: string | null): string {
  return value === null ? 'null' : value === '' || /[\s"]/.test(value) ? JSON.stringify(value) : value
}
