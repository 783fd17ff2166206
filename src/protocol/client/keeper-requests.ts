/**
 * The request bodies that only ClickHouse Keeper has, and the requests that they become
 * (its src/Common/ZooKeeper/ZooKeeperCommon.cpp). checkNotExists, createIfNotExists and tryRemove have the bodies of
 * check, create and delete. If a field were read too wide or too narrow, ClickHouse would change the wrong znode.
 */
import { boolean, byte, int, text, uint32 } from '../../jute/fields.ts'
import type { JuteReader } from '../../jute/jute-reader.ts'
import type { JuteWriter } from '../../jute/jute-writer.ts'
import { type Infer, record } from '../../jute/record.ts'
import type { AclWire } from './acl.ts'
import { CheckRequest, CreateRequest, DeleteRequest } from './requests.ts'
import { Stat } from './stat.ts'

/** Keeper shows its own znodes below this path. */
export const keeperPath = '/keeper'

export const FilteredListRequest = record('FilteredListRequest', { path: text, watch: boolean, filter: byte })
export type FilteredListRequest = Infer<typeof FilteredListRequest>

export const DetailedListRequest = record('FilteredListWithStatsAndDataRequest', {
  path: text,
  watch: boolean,
  filter: byte,
  withStats: boolean,
  withData: boolean,
})
export type DetailedListRequest = Infer<typeof DetailedListRequest>

export const ListRecursiveRequest = record('ListRecursiveRequest', { path: text, countMax: uint32 })
export type ListRecursiveRequest = Infer<typeof ListRecursiveRequest>

export const RemoveRecursiveRequest = record('RemoveRecursiveRequest', { path: text, countMax: uint32 })
export type RemoveRecursiveRequest = Infer<typeof RemoveRecursiveRequest>

/** A field of the Stat that is -1 matches any value. */
export const CheckStatRequest = record('CheckStatRequest', { path: text, version: int, stat: Stat })
export type CheckStatRequest = Infer<typeof CheckStatRequest>

/** The children that a list shows. */
const listFilters = ['all', 'persistent', 'ephemeral'] as const
export type ListFilter = (typeof listFilters)[number]

/** Null: the number names no filter. */
export function listFilterOf(number: number): ListFilter | null {
  return listFilters[number] ?? null
}

/** The operations that may be part of a multi. */
const keeperWriteOps = ['checkNotExists', 'createIfNotExists', 'removeRecursive', 'checkStat', 'tryRemove'] as const
export type KeeperWriteOp = (typeof keeperWriteOps)[number]

export type KeeperWrite =
  | { readonly kind: 'check-not-exists'; readonly path: string; readonly version: number }
  | {
      readonly kind: 'create-if-not-exists'
      readonly path: string
      readonly data: Uint8Array | null
      readonly acl: readonly AclWire[] | null
      readonly flags: number
    }
  | { readonly kind: 'remove-recursive'; readonly path: string; readonly countMax: number }
  | { readonly kind: 'check-stat'; readonly path: string; readonly version: number; readonly stat: Stat }
  | { readonly kind: 'try-remove'; readonly path: string; readonly version: number }

const opOfKind: Readonly<Record<KeeperWrite['kind'], KeeperWriteOp>> = {
  'check-not-exists': 'checkNotExists',
  'create-if-not-exists': 'createIfNotExists',
  'remove-recursive': 'removeRecursive',
  'check-stat': 'checkStat',
  'try-remove': 'tryRemove',
}

export function keeperWriteOpOf(write: KeeperWrite): KeeperWriteOp {
  return opOfKind[write.kind]
}

export function isKeeperWriteOp(name: string | null): name is KeeperWriteOp {
  return name !== null && (keeperWriteOps as readonly string[]).includes(name)
}

export function isKeeperWrite<T extends { readonly kind: string }>(write: T): write is T & KeeperWrite {
  return Object.hasOwn(opOfKind, write.kind)
}

/** After a failure `reader.failed` is true. */
export function readKeeperWrite(reader: JuteReader, op: KeeperWriteOp): KeeperWrite {
  switch (op) {
    case 'checkNotExists':
      return { kind: 'check-not-exists', ...CheckRequest.read(reader) }
    case 'createIfNotExists':
      return { kind: 'create-if-not-exists', ...CreateRequest.read(reader) }
    case 'removeRecursive':
      return { kind: 'remove-recursive', ...RemoveRecursiveRequest.read(reader) }
    case 'checkStat':
      return { kind: 'check-stat', ...CheckStatRequest.read(reader) }
    case 'tryRemove':
      return { kind: 'try-remove', ...DeleteRequest.read(reader) }
  }
}

/** The request side, for clients. */
export function writeKeeperWrite(writer: JuteWriter, write: KeeperWrite): void {
  switch (write.kind) {
    case 'check-not-exists':
      return CheckRequest.write(writer, write)
    case 'create-if-not-exists':
      return CreateRequest.write(writer, write)
    case 'remove-recursive':
      return RemoveRecursiveRequest.write(writer, write)
    case 'check-stat':
      return CheckStatRequest.write(writer, write)
    case 'try-remove':
      return DeleteRequest.write(writer, write)
  }
}
