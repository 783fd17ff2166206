/**
 * The children of a znode, for requests that look at each of them: its name, whether it is ephemeral, its ACL, and its
 * Stat and data as bytes. A child that the walk yields is valid until the next step or until the tree changes.
 */
import type { JuteWriter } from '../jute/jute-writer.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { ownerKindOf } from './owner-kind.ts'
import type { ZnodeStore } from './znode-store.ts'
import { noSlot } from './znode-table.ts'

export interface ChildZnode {
  readonly name: string
  readonly isEphemeral: boolean
  readonly acl: readonly AclEntry[]
  writeStat(writer: JuteWriter): void
  writeData(writer: JuteWriter): void
}

export function* walkChildren(store: ZnodeStore, parent: number): IterableIterator<ChildZnode> {
  if (parent === noSlot) return
  for (let slot = store.firstChildOf(parent); slot !== noSlot; slot = store.nextSiblingOf(slot)) {
    const child = slot
    yield {
      name: store.nameOf(child),
      isEphemeral: ownerKindOf(store.ownerOf(child)) === 'session',
      acl: store.aclOf(child),
      writeStat: (writer) => store.table.writeStat(child, writer),
      writeData: (writer) => store.writeData(child, writer),
    }
  }
}
