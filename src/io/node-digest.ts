/** The hashes of the ACL scheme `digest`. The operator chooses one of them. They are used for nothing else. */
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
        // OpenSSL runs in FIPS mode or was built without this hash. The caller reports it when the server starts.
        return false
      }
    },
    hash: (algorithm, bytes) => new Uint8Array(createHash(opensslNames[algorithm]).update(bytes).digest()),
  }
}
