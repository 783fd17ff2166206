/** Reads the file of a backup piece by piece, and checks a whole file. */
import { hexOfZxid } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'
import { type BackupPiece, decodePiece } from '../protocol/backup/backup-piece.ts'
import { BackupCheck, type BackupFacts, type BackupSearch } from './backup-check.ts'
import { BackupFileReader, type FilePlace } from './backup-file.ts'

export interface PlacedPiece {
  readonly piece: BackupPiece
  readonly offset: number // of its frame
  readonly end: FilePlace // after its frame
}

/** What cannot be used of a file, from `offset` on. */
export interface BrokenPart {
  readonly offset: number
  readonly what: string
}

/** The whole pieces of a file that was opened, in order. Returns what comes after them; null: the file ends. */
export async function* piecesOf(reader: BackupFileReader): AsyncGenerator<PlacedPiece, BrokenPart | null> {
  for (;;) {
    const { offset } = reader.place
    const reading = await reader.next()
    if (reading.kind === 'end') return null
    if (reading.kind === 'broken') return { offset: reading.offset, what: reading.what }
    const piece = decodePiece(reading.piece)
    if (piece === null) return { offset, what: `a piece of kind ${reading.piece.kindNumber} is not readable` }
    yield { piece, offset, end: reader.place }
  }
}

export interface CheckedBackup {
  readonly facts: BackupFacts
  readonly sizeBytes: number
  /** After the last end. */
  readonly place: FilePlace
  /** Null: the file ends with its last end. Otherwise the file is damaged, or a continuation of it was interrupted. */
  readonly broken: BrokenPart | null
  /** It can go on with pieces that continue the backup after its last end. */
  readonly check: BackupCheck
}

export interface CheckOptions {
  readonly search?: BackupSearch | null
  readonly onProgress?: (doneSizeBytes: number, sizeBytes: number) => void
}

/** The error: the file has no complete backup at its beginning. Reads the file once, and changes nothing. */
export async function checkBackupFile(
  file: DiskFile,
  options: CheckOptions = {},
): Promise<Result<CheckedBackup, string>> {
  const reader = new BackupFileReader(file)
  const sizeBytes = await reader.sizeBytes()
  const problem = await reader.open()
  if (problem !== null) return err(problem)
  const check = new BackupCheck(options.search ?? null)
  let place: FilePlace | null = null
  const { offset, what } = await checkPieces(piecesOf(reader), check, (end, isEnd) => {
    if (isEnd) place = end
    options.onProgress?.(end.offset, sizeBytes)
  })
  const { facts } = check
  if (facts === null || place === null)
    return err(`offset ${offset}: ${what ?? 'the file is cut: it ends before the first backup in it is complete'}`)
  check.dropAfterEnd()
  return ok({ facts, sizeBytes, place, broken: brokenPart(place, { offset, what, sizeBytes }, facts), check })
}

/** Resolves with where the pieces that fit end, and what is wrong at that place; null: the file ends. */
async function checkPieces(
  pieces: AsyncGenerator<PlacedPiece, BrokenPart | null>,
  check: BackupCheck,
  onPiece: (end: FilePlace, isEnd: boolean) => void,
): Promise<{ readonly offset: number; readonly what: string | null }> {
  let offset = 0
  for (;;) {
    const next = await pieces.next()
    if (next.done === true) return next.value ?? { offset, what: null }
    const { piece, end } = next.value
    const problem = check.add(piece)
    if (problem !== null) return { offset: next.value.offset, what: problem }
    offset = end.offset
    onPiece(end, piece.kind === 'end')
  }
}

function brokenPart(
  place: FilePlace,
  { offset, what, sizeBytes }: { readonly offset: number; readonly what: string | null; readonly sizeBytes: number },
  { end }: BackupFacts,
): BrokenPart | null {
  if (what !== null) return { offset, what }
  if (place.offset === sizeBytes) return null
  const cut = `the file is cut: it goes on after the backup that ends at ${hexOfZxid(end.zxid)}, and that part has no end`
  return { offset: place.offset, what: cut }
}

/** Opens the file, calls `use`, and closes the file. */
export async function withFile<T>(disk: Disk, path: string, use: (file: DiskFile) => Promise<T>): Promise<T> {
  const file = await disk.open(path, 'read')
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}
