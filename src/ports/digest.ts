/** Hashes that the digest ACL scheme needs; the real twin uses the platform's crypto. */
import type { DigestAlgorithm } from '../base/digest-algorithms.ts'

export interface Digest {
  /** Whether this machine computes it. A machine in FIPS mode lacks some. */
  offers(algorithm: DigestAlgorithm): boolean
  /** `algorithm` must be one that `offers` accepts. */
  hash(algorithm: DigestAlgorithm, bytes: Uint8Array): Uint8Array
}
