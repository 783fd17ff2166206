import { expect, test } from 'vitest'
import type { DiskFile } from '../../src/ports/disk.ts'
import { endOfNonZeros, WindowedFile } from '../../src/storage/segment-walk.ts'

function fileOf(bytes: Uint8Array): WindowedFile {
  const read: DiskFile['read'] = async (position, lengthBytes) => bytes.slice(position, position + lengthBytes)
  return new WindowedFile({ read } as Partial<DiskFile> as DiskFile)
}

test('the last byte that is not zero is found, whatever its place and the size of the file', async () => {
  for (const sizeBytes of [1, 2, 3, 4, 5, 63, 64, 65]) {
    for (let last = 0; last < sizeBytes; last++) {
      const bytes = new Uint8Array(sizeBytes)
      bytes[last] = 1
      expect(await endOfNonZeros(fileOf(bytes), 0)).toBe(last + 1)
    }
    expect(await endOfNonZeros(fileOf(new Uint8Array(sizeBytes)), 0)).toBe(0)
  }
})

test('a file of several windows is searched to its end', async () => {
  const bytes = new Uint8Array(3 * 1024 * 1024 + 7)
  bytes[5] = 1
  expect(await endOfNonZeros(fileOf(bytes), 3)).toBe(6)
  expect(await endOfNonZeros(fileOf(bytes), 8)).toBe(8)
  bytes[2 * 1024 * 1024 + 1] = 128
  expect(await endOfNonZeros(fileOf(bytes), 3)).toBe(2 * 1024 * 1024 + 2)
})
