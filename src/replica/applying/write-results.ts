/**
 * What writes that became txns are answered with. A Stat in a result is the state right after its own change,
 * also inside a multi, so results are written while the txn is being applied.
 */
import type { ErrorName } from '../../base/errors.ts'
import { JuteWriter } from '../../jute/jute-writer.ts'
import {
  writeMultiCheckResult,
  writeMultiCreateResult,
  writeMultiDeleteResult,
  writeMultiEnd,
  writeMultiKeeperResult,
  writeMultiSetDataResult,
} from '../../protocol/client/multi.ts'
import type { Change, Txn } from '../../protocol/txn/txn.ts'
import type { DataTree } from '../../tree/data-tree.ts'

export interface WriteOutcome {
  readonly error: ErrorName | null // of a refusal that took a zxid
  readonly body: Uint8Array | null
}

/** One object serves for all txns, one after another: `begin`, `note` for each change, then `finish`. */
export class WriteResults {
  readonly #writer = new JuteWriter()
  #txn: Txn | null = null
  #tree: DataTree | null = null
  #error: ErrorName | null = null

  begin(txn: Txn, tree: DataTree): void {
    this.#txn = txn
    this.#tree = tree
    this.#error = null
    this.#writer.reset()
  }

  /** Called right after the change at `index` was applied. */
  readonly note = (index: number): void => {
    const { isMulti, changes } = this.#txn!
    if (isMulti) this.#noteInMulti(changes[index]!)
    else this.#noteAlone(changes[index]!)
  }

  finish(): WriteOutcome {
    if (this.#txn!.isMulti) writeMultiEnd(this.#writer)
    this.#txn = null
    return { error: this.#error, body: this.#writer.lengthBytes === 0 ? null : this.#writer.take() }
  }

  #noteAlone(change: Change): void {
    switch (change.kind) {
      case 'create':
        this.#writer.writeUstring(change.path)
        if (change.withStat) this.#tree!.writeStat(change.path, this.#writer)
        break
      case 'set-data':
      case 'set-acl':
        this.#tree!.writeStat(change.path, this.#writer)
        break
      case 'bundle':
        if (change.op === 'createIfNotExists') this.#writer.writeUstring(change.path)
        break
      case 'refusal':
        this.#error = change.error
        if (change.body !== null) this.#writer.writeBytes(change.body)
        break
      case 'delete':
      case 'check':
      case 'create-session':
      case 'close-session':
        break
    }
  }

  #noteInMulti(change: Change): void {
    switch (change.kind) {
      case 'create':
        writeMultiCreateResult(this.#writer, change.path, change.withStat ? this.#statOf(change.path) : null)
        break
      case 'set-data':
        writeMultiSetDataResult(this.#writer, this.#statOf(change.path))
        break
      case 'delete':
        writeMultiDeleteResult(this.#writer)
        break
      case 'check':
        writeMultiCheckResult(this.#writer)
        break
      case 'bundle':
        writeMultiKeeperResult(this.#writer, change.op, change.path)
        break
      case 'set-acl':
      case 'refusal':
      case 'create-session':
      case 'close-session':
        break // never part of a multi
    }
  }

  #statOf(path: string): Uint8Array {
    const writer = new JuteWriter()
    this.#tree!.writeStat(path, writer)
    return writer.take()
  }
}
