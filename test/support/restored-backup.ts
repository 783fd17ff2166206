/**
 * The state that a backup leads to, and the checks that a reader of a backup can make: the chunks load with their digest,
 * each txn continues the chain of hashes, and the end says what came before it.
 */
import { nextChainHash } from '../../src/base/chain-hash.ts'
import { CheckpointLoader } from '../../src/checkpoint/checkpoint-loader.ts'
import type { BackupPoint } from '../../src/client/backup.ts'
import type { BackupEnd, BackupPiece } from '../../src/protocol/backup/backup-piece.ts'
import { ReplicatedState } from '../../src/replica/applying/replicated-state.ts'

export class RestoredBackup {
  readonly state = new ReplicatedState()
  readonly kinds: BackupPiece['kind'][] = []
  end: BackupEnd | null = null
  #loader: CheckpointLoader | null = new CheckpointLoader(true)
  #point: BackupPoint
  #txnCount = 0

  /** `start`: as the facts of the backup say. */
  constructor(start: BackupPoint, hasCheckpoint: boolean) {
    this.#point = start
    if (!hasCheckpoint) this.#loader = null
  }

  add(piece: BackupPiece): void {
    if (this.end !== null) throw new Error('a piece follows the end')
    this.kinds.push(piece.kind)
    switch (piece.kind) {
      case 'chunk': {
        if (this.#loader === null) throw new Error('a chunk follows a txn, or a backup without a checkpoint has one')
        const problem = this.#loader.add(piece.bytes)
        if (problem !== null) throw new Error(problem)
        return
      }
      case 'txns':
        this.#load()
        for (const txn of piece.txns) {
          const { zxid, hash } = this.#point
          if (txn.zxid <= zxid) throw new Error(`txn ${txn.zxid} follows ${zxid}`)
          if (txn.hash !== nextChainHash(hash, txn.zxid, txn.payload)) throw new Error(`another history at ${txn.zxid}`)
          this.#point = { zxid: txn.zxid, hash: txn.hash }
          this.#txnCount++
          this.state.restore(txn)
        }
        return
      case 'end': {
        this.#load()
        const { zxid, hash, txnCount } = piece
        if (zxid !== this.#point.zxid || hash !== this.#point.hash) throw new Error('the end is not where the txns end')
        if (txnCount !== this.#txnCount) throw new Error(`the end counts ${txnCount} txns of ${this.#txnCount}`)
        this.end = piece
      }
    }
  }

  #load(): void {
    const loader = this.#loader
    this.#loader = null
    if (loader === null) return
    const loaded = loader.finish()
    if (!loaded.ok) throw new Error(loaded.error)
    const { zxid, hash } = loaded.value.facts
    if (zxid !== this.#point.zxid || hash !== this.#point.hash) throw new Error('the checkpoint is of another point')
    this.state.install(loaded.value)
  }
}
