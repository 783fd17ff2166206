import { expect, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import type { Zxid } from '../../src/base/ids.ts'
import {
  batchSizeBytes,
  bodyChecksumHolds,
  bodyIsUnfinished,
  encodeBatch,
  readBatchHeader,
  recordsSizeBytesOf,
  unmarkedRecords,
} from '../../src/storage/batch-format.ts'
import type { StoredRecord } from '../../src/storage/log-state.ts'
import { readRecords } from '../../src/storage/record-codec.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { payloadOf } from './storage-rig.ts'

const segment = { sequence: 9, checksum: 0x1234 }

function encoded(offset: number, records: readonly StoredRecord[], alignmentBytes: number): Uint8Array {
  const sizeBytes = batchSizeBytes(offset, recordsSizeBytesOf(records), alignmentBytes)
  const bytes = new Uint8Array(sizeBytes).fill(0xaa)
  const place = {
    sequence: 9,
    segmentChecksum: 0x1234,
    offset,
    number: 5,
    durableBatch: 4,
    checksumBefore: 77,
  }
  encodeBatch(bytes, place, sizeBytes, records)
  return bytes
}

function headerOf(bytes: Uint8Array, offset: number) {
  const reading = readBatchHeader(bytes, segment, offset)
  if (reading.kind !== 'header') throw new Error(reading.kind)
  return reading.header
}

test('a batch reads back at every place and size, and every lost sector is noticed', () => {
  const random = new SimRandom(1)
  for (let round = 0; round < 1500; round++) {
    const offset = 512 + 64 * random.below(16)
    const sizeBytes = random.pick([0, 1, 40, 300 + random.below(300), random.below(3000), random.below(300_000)])
    const payload = payloadOf(random, round % 10 === 0 ? sizeBytes : Math.min(sizeBytes, 2000))
    const record: StoredRecord = { kind: 'txn', zxid: 8 as Zxid, hash: (2 ** 52) as ChainHash, payload }
    const records: readonly StoredRecord[] = sizeBytes === 0 ? [] : [record, { kind: 'committed', zxid: 2 as Zxid }]
    const bytes = encoded(offset, records, random.pick([64, 512]))
    const header = headerOf(bytes, offset)
    expect(header.sizeBytes).toBe(bytes.length)
    expect((offset + bytes.length) % 64).toBe(0)
    expect(bodyChecksumHolds(bytes, header)).toBe(true)
    expect(bodyIsUnfinished(bytes, header)).toBe(false)

    const lost = random.below(Math.ceil((offset + bytes.length) / 512) - Math.floor(offset / 512))
    const start = Math.max(0, (Math.floor(offset / 512) + lost) * 512 - offset)
    const end = Math.min(bytes.length, (Math.floor(offset / 512) + lost + 1) * 512 - offset)
    const torn = bytes.slice()
    torn.fill(0, random.between(start, end - 1), end)
    const reading = readBatchHeader(torn, segment, offset)
    expect(reading.kind === 'lost' || bodyIsUnfinished(torn, header)).toBe(true)

    const read = readRecords(unmarkedRecords(bytes, header))!
    expect(read).toHaveLength(records.length)
    const txn = read[0]
    if (txn?.kind === 'txn') expect(Buffer.compare(txn.payload, payload)).toBe(0)
    expect(read.slice(1)).toEqual(records.slice(1))
  }
})

test('a batch header does not pass in another segment or at another offset', () => {
  const bytes = encoded(1024, [], 64)
  expect(readBatchHeader(bytes, segment, 1024).kind).toBe('header')
  expect(readBatchHeader(bytes, segment, 1088).kind).toBe('damaged')
  expect(readBatchHeader(bytes, { sequence: 8, checksum: 0x1234 }, 1024).kind).toBe('damaged')
  expect(readBatchHeader(bytes, { sequence: 9, checksum: 0x1235 }, 1024).kind).toBe('damaged')
})
