/** A copy of the state of one replica, as a checkpoint would hold it, and the state of another replica made from it. */
import type { ChainHash } from '../../src/base/chain-hash.ts'
import type { ServerId, SessionId, Zxid } from '../../src/base/ids.ts'
import type { ReplicatedState, StateContents } from '../../src/replica/applying/replicated-state.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import type { ZnodeImage } from '../../src/tree/node-view.ts'

export interface StateCopy {
  readonly zxid: Zxid
  readonly hash: ChainHash
  readonly images: readonly ZnodeImage[]
  readonly sessions: readonly (readonly [SessionId, number, ServerId | null])[]
}

export function copyOf(state: ReplicatedState): StateCopy {
  const images: ZnodeImage[] = []
  state.tree.iterate((image) => images.push(image))
  const { sessions: table, lastApplied: zxid, lastHash: hash } = state
  const sessions = [...table.entries()].map(([id, timeoutMs]) => [id, timeoutMs, table.attachedTo(id)] as const)
  return { zxid, hash, images, sessions }
}

export function contentsOf({ zxid, hash, images, sessions }: StateCopy): StateContents {
  const table = new SessionTable()
  for (const [id, timeoutMs, attachedTo] of sessions) table.put(id, timeoutMs, attachedTo)
  return { tree: DataTree.restore(images, table, zxid), sessions: table, lastHash: hash }
}
