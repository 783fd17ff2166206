/** The hashes of the digest ACL scheme. Which one is the operator's choice; they protect nothing else here. */
import { createHash } from 'node:crypto'
import type { DigestAlgorithm } from '../base/digest-algorithms.ts'
import type { Digest } from '../ports/digest.ts'

const opensslNames: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-224': 'sha224',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
  'SHA-512/224': 'sha512-224',
  'SHA-512/256': 'sha512-256',
  'SHA3-224': 'sha3-224',
  'SHA3-256': 'sha3-256',
  'SHA3-384': 'sha3-384',
  'SHA3-512': 'sha3-512',
}

export function nodeDigest(): Digest {
  return {
    offers(algorithm): boolean {
      try {
        createHash(opensslNames[algorithm])
        return true
      } catch {
        // In FIPS mode, or where OpenSSL was built without it; the caller says so at the start.
        return false
      }
    },
    hash: (algorithm, bytes) => new Uint8Array(createHash(opensslNames[algorithm]).update(bytes).digest()),
  }
}
