import { expect, it } from 'vitest'
import { digestAlgorithms } from '../../src/base/digest-algorithms.ts'
import { nodeDigest } from '../../src/io/node-digest.ts'

const bitsOf = { MD5: 128, 'SHA-1': 160, 'SHA-512/224': 224, 'SHA-512/256': 256 } as Readonly<Record<string, number>>

it.each(digestAlgorithms)('the hash %s is computed, with the length in its name', (algorithm) => {
  const digest = nodeDigest()
  expect(digest.offers(algorithm)).toBe(true)
  const bits = bitsOf[algorithm] ?? Number(algorithm.slice(algorithm.indexOf('-') + 1))
  expect(digest.hash(algorithm, new Uint8Array(0))).toHaveLength(bits / 8)
})

it('each name selects its own hash, also for similar names', () => {
  const hexOf = (algorithm: 'SHA-256' | 'SHA3-256' | 'SHA-512/256'): string =>
    Buffer.from(nodeDigest().hash(algorithm, new TextEncoder().encode('abc'))).toString('hex')
  // The examples that NIST publishes for "abc".
  expect(hexOf('SHA-256')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(hexOf('SHA3-256')).toBe('3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532')
  expect(hexOf('SHA-512/256')).toBe('53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23')
})
