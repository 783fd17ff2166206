/** Hashes that the digest ACL scheme needs; the real twin uses the platform's crypto. */
export interface Digest {
  sha1(bytes: Uint8Array): Uint8Array // 20 bytes
}
