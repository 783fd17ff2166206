/**
 * The hashes that the digest scheme may use, by their names in Java, since that is how zoo.cfg names them
 * (ZK: DigestAuthenticationProvider.digestAlg). Of Java's own list only MD2 is missing: nothing here computes it.
 */
export const digestAlgorithms = [
  'MD5',
  'SHA-1',
  'SHA-224',
  'SHA-256',
  'SHA-384',
  'SHA-512',
  'SHA-512/224',
  'SHA-512/256',
  'SHA3-224',
  'SHA3-256',
  'SHA3-384',
  'SHA3-512',
] as const

export type DigestAlgorithm = (typeof digestAlgorithms)[number]

/** Java's other names of one of them, in which ZooKeeper spells its default. */
const aliases: Readonly<Record<string, DigestAlgorithm>> = { SHA: 'SHA-1', SHA1: 'SHA-1' }

/** As Java looks names up: whatever the case. Null: there is no such hash. */
export function digestAlgorithmOf(name: string): DigestAlgorithm | null {
  const upper = name.toUpperCase()
  return aliases[upper] ?? digestAlgorithms.find((algorithm) => algorithm === upper) ?? null
}
