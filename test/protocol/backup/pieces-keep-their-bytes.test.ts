import { describe, expect, test } from 'vitest'
import type { ChainHash } from '../../../src/base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../../../src/base/ids.ts'
import { type BackupPiece, decodePiece, encodePiece } from '../../../src/protocol/backup/backup-piece.ts'
import type { ClusterId } from '../../../src/protocol/disk/log-record.ts'

const txns = {
  kind: 'txns',
  txns: [
    { zxid: 0x100000001 as Zxid, hash: 0x1fffffffffffff as ChainHash, payload: Uint8Array.of(1, 2, 3) },
    { zxid: 0x200000007 as Zxid, hash: 5 as ChainHash, payload: new Uint8Array(0) },
  ],
} as const satisfies BackupPiece
const end: BackupPiece = {
  kind: 'end',
  zxid: 0x200000007 as Zxid,
  hash: 5 as ChainHash,
  epoch: 3 as Epoch,
  clusterId: 0x1234567890abc as ClusterId,
  serverId: 254 as ServerId,
  wallMs: 1_700_000_000_123,
  txnCount: 2,
}
const chunk: BackupPiece = { kind: 'chunk', bytes: Uint8Array.of(9, 8, 7) }

describe('pieces of a backup', () => {
  test('have the bytes that the format says', () => {
    expect(hexOf(txns)).toBe(
      '2:0000000100000001001fffffffffffff00000003010203' + '0000000200000007000000000000000500000000',
    )
    expect(hexOf(end)).toBe(
      '3:000000020000000700000000000000050000000300012345' + '67890abc000000fe0000018bcfe5687b0000000000000002',
    )
    expect(hexOf(chunk)).toBe('1:090807')
  })

  test('come back as they were sent', () => {
    for (const piece of [txns, end, chunk]) expect(decodePiece(encodePiece(piece))).toEqual(piece)
  })

  test('that are cut off, too long or out of order are no pieces', () => {
    for (const piece of [txns, end]) {
      const { kindNumber, bytes } = encodePiece(piece)
      const longer = Uint8Array.of(...bytes, 0)
      expect(decodePiece({ kindNumber, bytes: longer }), piece.kind).toBeNull()
      for (let length = 0; length < bytes.length; length++) {
        const isOneTxn = piece.kind === 'txns' && length === 23
        expect(decodePiece({ kindNumber, bytes: bytes.subarray(0, length) }) === null, `${length} bytes`).toBe(
          !isOneTxn,
        )
      }
    }
    const [first, second] = txns.txns
    expect(decodePiece(encodePiece({ kind: 'txns', txns: [second!, first!] }))).toBeNull()
    for (const kindNumber of [0, 4, -1]) expect(decodePiece({ kindNumber, bytes: Uint8Array.of(1) })).toBeNull()
  })

  test('with numbers that no server writes are no pieces', () => {
    for (const offset of [0, 8, 20, 32, 40]) {
      const { kindNumber, bytes } = encodePiece(end)
      bytes[offset] = 0x80
      expect(decodePiece({ kindNumber, bytes }), `offset ${offset}`).toBeNull()
    }
    const { kindNumber, bytes } = encodePiece(end)
    bytes[16] = 1
    expect(decodePiece({ kindNumber, bytes })).toBeNull()
  })
})

function hexOf(piece: BackupPiece): string {
  const { kindNumber, bytes } = encodePiece(piece)
  return `${kindNumber}:${Buffer.from(bytes).toString('hex')}`
}
