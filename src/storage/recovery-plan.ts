/**
 * The decision tables of recovery: what is done with a segment, by how it looks; and whether the log is the whole
 * history, by where it begins and ends. The argument for segments: batches are written one at a time, each into zeros,
 * and acknowledged only when durable; a new segment is made only when the batches before it are durable. Hence:
 * - an unfinished batch (a sector of it never arrived) was never acknowledged, unless a later write proves that it was
 *   durable: then the disk lost it, which is corruption;
 * - a batch with all its sectors and a wrong checksum has rotted, wherever it is;
 * - a segment whose header is unfinished never held a batch;
 * - segments are removed from the front, never the last one; so a first segment that is not number 1 and has no header
 *   was preceded by one that held batches.
 * To cut where this table says corrupt loses acknowledged writes; the reverse keeps a healthy server down.
 */
export interface SegmentFacts {
  /** 'lost': its write never finished. 'damaged': its write finished, and the bytes are wrong. */
  readonly header: 'valid' | 'lost' | 'damaged'
  /** What ended the walk over the batches: nothing but zeros, an unfinished batch, or a damaged one. */
  readonly end: 'zeros' | 'unfinished' | 'damaged'
  /**
   * After the end, this file holds a batch that was made when the one at the end was already durable; or it is longer
   * than a file whose header is not durable yet.
   */
  readonly provenDurable: boolean
  /** A segment with a higher sequence exists. */
  readonly laterSegment: boolean
  /** This segment starts exactly where the one before it ended (for the first one: see `planStart`). */
  readonly continues: boolean
  /** It is the first segment of the folder, and not number 1. */
  readonly followsRemoved: boolean
}

export type SegmentPlan =
  | { readonly kind: 'clean' }
  | { readonly kind: 'cut-torn-tail' }
  | { readonly kind: 'drop-unused-segment' }
  | { readonly kind: 'corrupt'; readonly why: CorruptionReason }

export type CorruptionReason =
  | 'header-damaged'
  | 'header-missing'
  | 'does-not-continue'
  | 'batch-damaged'
  | 'acknowledged-batch-missing'

export function planSegment(facts: SegmentFacts): SegmentPlan {
  if (facts.header === 'damaged') return corrupt('header-damaged')
  if (facts.header === 'lost') {
    if (facts.laterSegment || facts.followsRemoved || facts.provenDurable) return corrupt('header-missing')
    return { kind: 'drop-unused-segment' }
  }
  if (!facts.continues) return corrupt('does-not-continue')
  if (facts.end === 'damaged') return corrupt('batch-damaged')
  if (facts.provenDurable) return corrupt('acknowledged-batch-missing')
  if (facts.end === 'zeros') return { kind: 'clean' }
  if (facts.laterSegment) return corrupt('acknowledged-batch-missing')
  return { kind: 'cut-torn-tail' }
}

/**
 * A base is a point (zxid, chain hash) up to which a checkpoint holds all that was committed. `folded`: the checkpoint
 * was made from this log, so the log must meet it. `received`: the leader sent a copy of the state, since its own log
 * did not reach back far enough; `restored`: a backup. Such a base replaces a log that does not hold it: the log
 * restarts at the base. The checkpoint is durable before any segment up to it is removed, and before the log restarts.
 */
export type BaseKind = 'none' | 'folded' | 'received' | 'restored'

/** Where the log begins, and what holds the history before it. */
export interface StartFacts {
  readonly base: BaseKind
  /** The first segment: there is none, the history begins in it, or it begins later: what was before was removed or replaced. */
  readonly first: 'none' | 'beginning' | 'later'
  /** Its header says that the txns before it end after the base, so at least one txn after the base is missing. */
  readonly startsAfterBase: boolean
}

export type StartPlan =
  | { readonly kind: 'read' }
  | { readonly kind: 'corrupt'; readonly why: 'segments-missing' | 'log-missing' | 'hole-after-base' }

export function planStart(facts: StartFacts): StartPlan {
  if (facts.base === 'none') {
    return facts.first === 'later' ? { kind: 'corrupt', why: 'segments-missing' } : { kind: 'read' }
  }
  // A learner has accepted an epoch before it gets a copy, so its log exists. Without the log, that promise is forgotten.
  if (facts.first === 'none') {
    return facts.base === 'restored' ? { kind: 'read' } : { kind: 'corrupt', why: 'log-missing' }
  }
  return facts.startsAfterBase ? { kind: 'corrupt', why: 'hole-after-base' } : { kind: 'read' }
}

/** Where the log ends, once all segments are read. */
export interface EndFacts {
  readonly base: BaseKind
  /** The live history of the log contains the zxid of the base, with the same hash. */
  readonly meetsBase: boolean
  readonly endsBeforeBase: boolean
  /** The log has a mark that txns at the zxid of the base or later are committed. */
  readonly commitsBase: boolean
  /** The log holds txns of another cluster than the base. */
  readonly isOtherCluster: boolean
  /** An epoch was accepted in this log. */
  readonly holdsEpoch: boolean
}

export type EndPlan =
  | { readonly kind: 'accept' }
  /** The base replaces the log, whose epochs are kept. */
  | { readonly kind: 'restart' }
  | { readonly kind: 'corrupt'; readonly why: EndCorruption }

export type EndCorruption = 'ends-before-base' | 'base-of-another-history' | 'base-of-another-cluster' | 'log-emptied'

export function planEnd(facts: EndFacts): EndPlan {
  if (facts.base === 'none' || facts.meetsBase) return { kind: 'accept' }
  if (facts.base === 'folded') return mismatch(facts.endsBeforeBase ? 'ends-before-base' : 'base-of-another-history')
  if (facts.isOtherCluster) return mismatch('base-of-another-cluster')
  if (facts.commitsBase) return mismatch('base-of-another-history')
  return facts.base === 'received' && !facts.holdsEpoch ? mismatch('log-emptied') : { kind: 'restart' }
}

function mismatch(why: EndCorruption): EndPlan {
  return { kind: 'corrupt', why }
}

function corrupt(why: CorruptionReason): SegmentPlan {
  return { kind: 'corrupt', why }
}
