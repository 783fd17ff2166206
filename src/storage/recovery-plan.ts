/**
 * The decision table of recovery: from what one segment looks like to what is done with it.
 * The argument. Batches are written one at a time, each into zeros, and acknowledged only when durable; a new
 * segment is made only when the batches before it are durable. Hence:
 * - an unfinished batch (a sector of it never arrived) was never acknowledged, unless something written later
 *   proves that it had been durable: then it was eaten, and that is corruption;
 * - a batch all of whose sectors arrived but whose checksum is wrong rotted, wherever it stands;
 * - a segment whose header is unfinished never held a batch.
 * Cutting where this table says corrupt loses acknowledged writes; the reverse keeps a healthy server down.
 */
export interface SegmentFacts {
  /** 'lost' = its write never finished, 'damaged' = it did, and the bytes are wrong. */
  readonly header: 'valid' | 'lost' | 'damaged'
  /** What ended the walk over the batches: nothing but zeros, an unfinished batch, or a rotten one. */
  readonly end: 'zeros' | 'unfinished' | 'damaged'
  /** Behind the end, this file holds a batch made when the one at the end was already durable. */
  readonly provenDurable: boolean
  /** A segment with a higher sequence exists. */
  readonly laterSegment: boolean
  /** This segment starts exactly where the one before it ended (true for the first). */
  readonly continues: boolean
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
    if (facts.laterSegment || facts.provenDurable) return corrupt('header-missing')
    return { kind: 'drop-unused-segment' }
  }
  if (!facts.continues) return corrupt('does-not-continue')
  if (facts.end === 'damaged') return corrupt('batch-damaged')
  if (facts.provenDurable) return corrupt('acknowledged-batch-missing')
  if (facts.end === 'zeros') return { kind: 'clean' }
  if (facts.laterSegment) return corrupt('acknowledged-batch-missing')
  return { kind: 'cut-torn-tail' }
}

function corrupt(why: CorruptionReason): SegmentPlan {
  return { kind: 'corrupt', why }
}
