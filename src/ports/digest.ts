/** Hashes that the digest ACL scheme needs; the real twin uses the platform's crypto. */
import type { DigestAlgorithm } from '../base/digest-algorithms.ts'

export interface Digest {
  /** Whether this machine computes it: a restricted one may not. */
  offers(algorithm: DigestAlgorithm): boolean
  /** Of an algorithm that is offered. */
  hash(algorithm: DigestAlgorithm, bytes: Uint8Array): Uint8Array
}
