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
 * Where the log begins, and what holds the history before it. A base is a point (zxid, chain hash) up to which a
 * checkpoint holds all that was committed. The checkpoint is durable before any segment up to it is removed.
 */
export interface StartFacts {
  readonly base: 'none' | 'given'
  /** The first segment: there is none, it is number 1, or the segments before it are missing. */
  readonly first: 'none' | 'number-one' | 'later'
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
  if (facts.first === 'none') return { kind: 'corrupt', why: 'log-missing' }
  return facts.startsAfterBase ? { kind: 'corrupt', why: 'hole-after-base' } : { kind: 'read' }
}

/** Where the log ends, once all segments are read. */
export interface EndFacts {
  readonly base: 'none' | 'given'
  /** The live history of the log contains the zxid of the base, with the same hash. */
  readonly meetsBase: boolean
  readonly endsBeforeBase: boolean
}

export type EndPlan =
  | { readonly kind: 'accept' }
  | { readonly kind: 'corrupt'; readonly why: 'ends-before-base' | 'base-of-another-history' }

export function planEnd(facts: EndFacts): EndPlan {
  if (facts.base === 'none' || facts.meetsBase) return { kind: 'accept' }
  return { kind: 'corrupt', why: facts.endsBeforeBase ? 'ends-before-base' : 'base-of-another-history' }
}

function corrupt(why: CorruptionReason): SegmentPlan {
  return { kind: 'corrupt', why }
}
