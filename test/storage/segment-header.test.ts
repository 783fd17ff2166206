import { expect, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { encodeSegmentHeader, readSegmentHeader } from '../../src/storage/segment-header.ts'

function headerWith(leader: ServerId | null): Uint8Array {
  return encodeSegmentHeader({
    serverId: 0 as ServerId,
    sequence: 2,
    checksumBefore: 7,
    firstBatch: 3,
    state: {
      lastZxid: 5 as Zxid,
      lastHash: 6 as ChainHash,
      acceptedEpoch: 1 as Epoch,
      acceptedLeader: leader,
      currentEpoch: 1 as Epoch,
      clusterId: 9 as ClusterId,
      committed: 5 as Zxid,
      mustSync: false,
    },
    restarts: false,
    adopts: false,
  })
}

test.each([null, 0, 1, 254])('a segment keeps %s as the leader of the accepted epoch', (leader) => {
  const reading = readSegmentHeader(headerWith(leader as ServerId | null))
  expect(reading).toMatchObject({ kind: 'valid', header: { serverId: 0, state: { acceptedLeader: leader } } })
})

test.each([
  [null, 0],
  [1, 1],
  [254, 254],
])('the leader %s has the same number in a segment as in older logs', (leader, word) => {
  expect(new DataView(headerWith(leader as ServerId | null).buffer).getUint32(48)).toBe(word)
})
