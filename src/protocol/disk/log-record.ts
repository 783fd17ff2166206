/**
 * The records of one server's log (design D5). Everything durable that a server decides is one of these
 * records, in the order in which it decided them. No other file exists that could disagree.
 */
import type { Brand } from '../../base/brand.ts'
import type { ChainHash } from '../../base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../../base/ids.ts'

/** Names the data of one ensemble permanently. Its first leader makes it; 0 = none yet. A 53-bit integer. */
export type ClusterId = Brand<number, 'ClusterId'>

export interface TxnEntry {
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including this txn
  readonly payload: Uint8Array // the encoded Txn
}

export type TxnRecord = { readonly kind: 'txn' } & TxnEntry

export type LogRecord =
  | TxnRecord
  /** This server counts for no leader of an older epoch, and in this epoch only for `leader`. */
  | { readonly kind: 'accepted-epoch'; readonly epoch: Epoch; readonly leader: ServerId }
  /** The leader of `epoch` started from the history before this record. */
  | { readonly kind: 'current-epoch'; readonly epoch: Epoch; readonly clusterId: ClusterId }
  /** Every txn up to `zxid` is known to be committed; written along with other records, or alone when none follow. */
  | { readonly kind: 'committed'; readonly zxid: Zxid }
