/**
 * What one server's log is made of (design D5). Everything durable that a server decides is one of these
 * records, in the one order in which it decided them; there is no side file that could disagree.
 */
import type { Brand } from '../../base/brand.ts'
import type { ChainHash } from '../../base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../../base/ids.ts'

/** Names one ensemble's data for ever, minted by its first leader; 0 = none yet. A 53-bit integer. */
export type ClusterId = Brand<number, 'ClusterId'>

export interface TxnEntry {
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including this txn
  readonly payload: Uint8Array // the encoded Txn
}

export type LogRecord =
  | ({ readonly kind: 'txn' } & TxnEntry)
  /** This server will follow no leader of an older epoch, and none but `leader` in this one. */
  | { readonly kind: 'accepted-epoch'; readonly epoch: Epoch; readonly leader: ServerId }
  /** The history before this record is the one that the leader of `epoch` started from. */
  | { readonly kind: 'current-epoch'; readonly epoch: Epoch; readonly clusterId: ClusterId }
  /** Every txn up to `zxid` is known to be committed; written along with other records, or alone when none follow. */
  | { readonly kind: 'committed'; readonly zxid: Zxid }
