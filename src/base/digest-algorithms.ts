/**
 * The hashes that the digest scheme may use, by their Java names, which zoo.cfg uses
 * (ZK: DigestAuthenticationProvider.digestAlg). Of Java's own list only MD2 is missing: Node does not compute it.
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

/** Java's other names of SHA-1. ZooKeeper spells its default with one of them. */
const aliases: Readonly<Record<string, DigestAlgorithm>> = { SHA: 'SHA-1', SHA1: 'SHA-1' }

/** As Java looks names up, case does not matter. Null: no such hash exists. */
export function digestAlgorithmOf(name: string): DigestAlgorithm | null {
  const upper = name.toUpperCase()
  return aliases[upper] ?? digestAlgorithms.find((algorithm) => algorithm === upper) ?? null
}
