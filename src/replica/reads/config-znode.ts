/**
 * The data that /zookeeper/config shows in an ensemble: its members, as zoo.cfg of the answering server lists them (ZK:
 * ZKDatabase.initConfigInZKDatabase). It replaces the data of the znode when that is read and is not part of the tree:
 * two servers whose files spell an address differently have equal trees nevertheless, and a file that changes between
 * two runs contradicts no log. Data that the super user has written, as a txn, is shown instead.
 */
import type { Config } from '../../config/config.ts'
import type { JuteWriter } from '../../jute/jute-writer.ts'
import { membershipText } from '../../membership/membership-text.ts'
import { statOffsets, statSizeBytes } from '../../protocol/client/stat.ts'
import type { DataTree } from '../../tree/data-tree.ts'

const configPath = '/zookeeper/config'
/** The version that clients see in ZooKeeper, which sets this data without counting (ZK: DataTree.setData with -1). */
const shownVersion = -1

export class ConfigZnode {
  readonly #text: Uint8Array | null

  /** Null: the znode shows its own data, as in a standalone server. */
  constructor(text: Uint8Array | null) {
    this.#text = text
  }

  /** As `tree.writeDataAndStat`, of a znode that exists. */
  writeDataAndStat(path: string, tree: DataTree, writer: JuteWriter): void {
    if (!this.#isLaidOver(path, tree)) {
      tree.writeDataAndStat(path, writer)
      return
    }
    writer.writeBuffer(this.#text)
    this.writeStat(path, tree, writer)
  }

  /** As `tree.writeStat`, of a znode that exists. */
  writeStat(path: string, tree: DataTree, writer: JuteWriter): void {
    tree.writeStat(path, writer)
    this.correctStat(path, tree, writer)
  }

  /** Corrects the Stat that is last in `writer`. */
  correctStat(path: string, tree: DataTree, writer: JuteWriter): void {
    if (!this.#isLaidOver(path, tree)) return
    const start = writer.lengthBytes - statSizeBytes
    writer.patchInt(start + statOffsets.version, shownVersion)
    writer.patchInt(start + statOffsets.dataLength, this.#text!.length)
  }

  #isLaidOver(path: string, tree: DataTree): boolean {
    // For nearly every path the comparison of lengths is enough.
    if (this.#text === null || path.length !== configPath.length || path !== configPath) return false
    return tree.view(path)?.mzxid === 0
  }
}

/** Standalone, the znode is empty. */
export function configZnodeOf({ mode, members }: Config): ConfigZnode {
  return new ConfigZnode(mode === 'standalone' ? null : new TextEncoder().encode(membershipText(members)))
}
