/** A file of a backup that was changed or cut anywhere is recognised, and the place is named. */
import { expect, test } from 'vitest'
import { BackupFileWriter } from '../../src/backup/backup-file.ts'
import { checkBackupFile, withFile } from '../../src/backup/read-backup.ts'
import { crc32c } from '../../src/base/crc32c.ts'
import type { BackupPiece } from '../../src/protocol/backup/backup-piece.ts'
import { promptDisk } from '../storage/storage-rig.ts'
import { type BackedUp, backedUp, backupPath, fileOf, writeBytes } from './backup-rig.ts'

const shape = { txnCount: 12, checkpointAt: 5, ends: [8, 11], chunkSizeBytesMax: 700, txnsPerPiece: 2 }

async function checked(bytes: Uint8Array): ReturnType<typeof checkBackupFile> {
  const disk = promptDisk()
  await writeBytes(disk, bytes)
  return withFile(disk, backupPath, (file) => checkBackupFile(file))
}

/** Where the frame of each piece begins, and where the last one ends. */
async function offsetsOf({ pieces }: BackedUp): Promise<readonly number[]> {
  const sizes = [...pieces, null].map(async (_, count) => (await fileOf(pieces.slice(0, count))).length)
  return Promise.all(sizes)
}

/** Up to and with the first end. */
async function firstPartSizeBytes(backup: BackedUp): Promise<number> {
  const first = backup.pieces.findIndex(({ kind }) => kind === 'end')
  return (await offsetsOf(backup))[first + 1]!
}

/** What a check says, as one line. */
async function outcome(bytes: Uint8Array): Promise<string> {
  const found = await checked(bytes)
  if (!found.ok) return `refused: ${found.error}`
  const { facts, broken } = found.value
  return broken === null ? 'whole' : `${facts.endCount} ends, then offset ${broken.offset}: ${broken.what}`
}

test('a backup that is whole has its facts', async () => {
  const { history, pieces } = await backedUp(1, shape)
  const found = await checked(await fileOf(pieces))
  if (!found.ok) throw new Error(found.error)
  const { facts, broken } = found.value
  expect(broken).toBe(null)
  const pointAt = (index: number) => ({ zxid: history[index]!.zxid, timeMs: history[index]!.timeMs })
  expect(facts).toMatchObject({
    checkpoint: { zxid: history[5]!.zxid },
    firstTxn: pointAt(6),
    lastTxn: pointAt(11),
    txnCount: 6,
    endCount: 2,
    epochMax: 8,
  })
})

test('a flipped bit in any byte is noticed, and the offset of its piece is named', async () => {
  const backup = await backedUp(1, shape)
  const bytes = await fileOf(backup.pieces)
  const firstSize = await firstPartSizeBytes(backup)
  const offsets = await offsetsOf(backup)
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = bytes.slice()
    damaged[at]! ^= 1 << (at % 8)
    const said = await outcome(damaged)
    if (at < 8) {
      expect(said).toBe('refused: this is not a backup of zkts')
      continue
    }
    expect(said).toMatch(at < firstSize ? /^refused: offset \d+: .*damaged/ : /^1 ends, then offset \d+: .*damaged/)
    const place = offsets.findLast((offset) => offset <= at) ?? 0
    expect(said).toContain(`offset ${place}: `)
  }
})

test('a file that is cut at any length is recognised, and is whole at the ends of its parts', async () => {
  const backup = await backedUp(1, shape)
  const bytes = await fileOf(backup.pieces)
  const firstSize = await firstPartSizeBytes(backup)
  for (let length = 0; length < bytes.length; length += 1) {
    const said = await outcome(bytes.slice(0, length))
    if (length === 0) expect(said).toBe('refused: this is not a backup of zkts')
    else if (length < firstSize) expect(said).toMatch(/^refused: offset \d+: the file is cut: /)
    else if (length === firstSize) expect(said).toBe('whole')
    else expect(said).toMatch(/^1 ends, then offset \d+: the file is cut: /)
  }
})

test('bytes after the last end are not part of the backup', async () => {
  const { pieces } = await backedUp(2, shape)
  const bytes = await fileOf(pieces)
  for (const sizeBytes of [1, 8, 9, 500]) {
    const longer = Uint8Array.from([...bytes, ...new Uint8Array(sizeBytes)])
    expect(await outcome(longer)).toMatch(new RegExp(`^2 ends, then offset ${bytes.length}: `))
  }
})

test('whole pieces of which one is missing, repeated, exchanged or foreign are no whole backup', async () => {
  const { pieces } = await backedUp(3, shape)
  const other = await backedUp(4, shape)
  const last = pieces.length - 1
  const firstEnd = pieces.findIndex(({ kind }) => kind === 'end')
  for (let at = 0; at <= last; at += 1) {
    const piece = pieces[at]!
    const variants: BackupPiece[][] = [
      pieces.toSpliced(at, 1),
      pieces.toSpliced(at, 0, piece),
      pieces.toSpliced(at, 1, other.pieces.find(({ kind }) => kind === piece.kind)!),
    ]
    if (at > 0) variants.push(pieces.toSpliced(at - 1, 2, piece, pieces[at - 1]!))
    for (const variant of variants) {
      const said = await outcome(await fileOf(variant))
      // Without the first end, the second one counts too few txns.
      expect(said, `piece ${at} of ${last}, the first end is ${firstEnd}`).not.toBe('whole')
      expect(said).toMatch(
        at < firstEnd ? /^refused: offset \d+: / : /^(refused:|1 ends, then|2 ends, then) offset \d+: /,
      )
    }
  }
})

test('a file of another format, and one with a piece of an unknown kind, are refused', async () => {
  const disk = promptDisk()
  await writeBytes(disk, new Uint8Array(0))
  const file = await disk.open(backupPath, 'read-write')
  const writer = await BackupFileWriter.create(file)
  await writer.write({ kindNumber: 9, bytes: new Uint8Array(3) })
  const unknown = await withFile(disk, backupPath, (opened) => checkBackupFile(opened))
  expect(unknown).toEqual({ ok: false, error: 'offset 16: a piece of kind 9 is not readable' })
  const newer = await fileOf((await backedUp(1, shape)).pieces)
  const view = new DataView(newer.buffer)
  view.setUint32(8, 2)
  view.setUint32(12, crc32c(newer.subarray(0, 12)))
  expect(await outcome(newer)).toMatch(/^refused: the backup has format 2, .*: use the version that wrote it/)
})
