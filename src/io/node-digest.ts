/** SHA-1 of the digest ACL scheme. It is the scheme's choice and protects nothing else here. */
import { createHash } from 'node:crypto'
import type { Digest } from '../ports/digest.ts'

export function nodeDigest(): Digest {
  return {
    sha1: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest()),
  }
}
