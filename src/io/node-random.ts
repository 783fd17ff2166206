/**
 * Random numbers of the operating system, read in blocks: one system call for many numbers.
 */
import { randomFillSync } from 'node:crypto'
import type { Random } from '../ports/random.ts'

const blockCount = 256

export function nodeRandom(): Random {
  const block = new Uint32Array(blockCount)
  let used = blockCount
  return {
    uint32(): number {
      if (used === blockCount) {
        randomFillSync(block)
        used = 0
      }
      return block[used++]!
    },
  }
}
