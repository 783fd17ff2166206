/**
 * The file of a backup: a header, then the pieces of the backup in order, each in a frame. Numbers are big-endian.
 *   header  0 "zktsbkup"    8 format u32         12 CRC32C of the bytes before
 *   frame   0 kind u8       1 size of the piece u32      5 CRC32C of the bytes before      9 the piece      then its CRC32C
 * Each checksum continues the one before it, so a frame that passes proves that every byte before it is in its place, and
 * bytes of another place or file do not pass. A frame that is not whole ends what can be read: nothing after it is used.
 */
import { crc32c } from '../base/crc32c.ts'
import { backupFrameSizeBytesMax } from '../base/limits.ts'
import type { DiskFile } from '../ports/disk.ts'
import type { EncodedPiece } from '../protocol/backup/backup-piece.ts'
import { WindowedFile } from '../storage/segment-walk.ts'

const backupFormat = 1
const magic = new TextEncoder().encode('zktsbkup')
const headerSizeBytes = 16
const frameHeaderSizeBytes = 9
const checksumSizeBytes = 4

/** Between two frames. `checksum` is that of everything before. */
export interface FilePlace {
  readonly offset: number
  readonly checksum: number
}

export type FrameReading =
  | { readonly kind: 'frame'; readonly piece: EncodedPiece }
  /** The file ends after a whole frame. */
  | { readonly kind: 'end' }
  /** `offset`: of the frame that is not whole. */
  | { readonly kind: 'broken'; readonly offset: number; readonly what: string }

export class BackupFileReader {
  readonly #file: DiskFile
  readonly #bytes: WindowedFile
  #place: FilePlace = { offset: 0, checksum: 0 }

  constructor(file: DiskFile) {
    this.#file = file
    this.#bytes = new WindowedFile(file)
  }

  /** After the frame that was read last. */
  get place(): FilePlace {
    return this.#place
  }

  /** Called first. Returns what is wrong with the header, or null. */
  async open(): Promise<string | null> {
    const header = await this.#bytes.at(0, headerSizeBytes)
    if (!startsWithMagic(header)) return 'this is not a backup of zkts'
    if (header.length < headerSizeBytes) return `offset 0: the file is cut: it ends after ${header.length} bytes`
    const view = viewOf(header)
    const checksum = crc32c(header.subarray(0, headerSizeBytes - checksumSizeBytes))
    if (view.getUint32(headerSizeBytes - checksumSizeBytes) !== checksum) return 'offset 0: the header is damaged'
    const format = view.getUint32(magic.length)
    if (format !== backupFormat)
      return `the backup has format ${format}, and this version of zkts-cli reads format ${backupFormat}: use the version that wrote it, or a newer one`
    this.#place = { offset: headerSizeBytes, checksum }
    return null
  }

  async next(): Promise<FrameReading> {
    const { offset } = this.#place
    const header = await this.#bytes.at(offset, frameHeaderSizeBytes)
    if (header.length === 0) return { kind: 'end' }
    if (header.length < frameHeaderSizeBytes) return this.#cut(header.length)
    const view = viewOf(header)
    const headerChecksum = crc32c(header.subarray(0, frameHeaderSizeBytes - checksumSizeBytes), this.#place.checksum)
    const sizeBytes = view.getUint32(1)
    if (
      view.getUint32(frameHeaderSizeBytes - checksumSizeBytes) !== headerChecksum ||
      sizeBytes > backupFrameSizeBytesMax
    )
      return { kind: 'broken', offset, what: 'the header of a piece is damaged' }
    const kindNumber = header[0]!
    const rest = await this.#bytes.at(offset + frameHeaderSizeBytes, sizeBytes + checksumSizeBytes)
    if (rest.length < sizeBytes + checksumSizeBytes) return this.#cut(frameHeaderSizeBytes + rest.length)
    const bytes = rest.subarray(0, sizeBytes)
    const checksum = crc32c(bytes, headerChecksum)
    if (viewOf(rest).getUint32(sizeBytes) !== checksum)
      return { kind: 'broken', offset, what: `a piece of ${sizeBytes} bytes is damaged` }
    this.#place = { offset: offset + frameHeaderSizeBytes + sizeBytes + checksumSizeBytes, checksum }
    return { kind: 'frame', piece: { kindNumber, bytes } }
  }

  sizeBytes(): Promise<number> {
    return this.#file.sizeBytes()
  }

  #cut(foundSizeBytes: number): FrameReading {
    const { offset } = this.#place
    return { kind: 'broken', offset, what: `the file is cut: it ends after ${foundSizeBytes} bytes of a piece` }
  }
}

/** Nothing that it writes is durable before the caller has flushed the file. */
export class BackupFileWriter {
  readonly #file: DiskFile
  #place: FilePlace

  private constructor(file: DiskFile, place: FilePlace) {
    this.#file = file
    this.#place = place
  }

  /** For an empty file. */
  static async create(file: DiskFile): Promise<BackupFileWriter> {
    const header = new Uint8Array(headerSizeBytes)
    const view = viewOf(header)
    header.set(magic)
    view.setUint32(magic.length, backupFormat)
    const checksum = crc32c(header.subarray(0, headerSizeBytes - checksumSizeBytes))
    view.setUint32(headerSizeBytes - checksumSizeBytes, checksum)
    await file.write(0, [header])
    return new BackupFileWriter(file, { offset: headerSizeBytes, checksum })
  }

  /** The caller has cut the file to this place. */
  static continueAt(file: DiskFile, place: FilePlace): BackupFileWriter {
    return new BackupFileWriter(file, place)
  }

  /** After the frame that was written last. */
  get place(): FilePlace {
    return this.#place
  }

  async write({ kindNumber, bytes }: EncodedPiece): Promise<void> {
    const { offset, checksum: before } = this.#place
    const header = new Uint8Array(frameHeaderSizeBytes)
    header[0] = kindNumber
    viewOf(header).setUint32(1, bytes.length)
    const headerChecksum = crc32c(header.subarray(0, frameHeaderSizeBytes - checksumSizeBytes), before)
    viewOf(header).setUint32(frameHeaderSizeBytes - checksumSizeBytes, headerChecksum)
    const checksum = crc32c(bytes, headerChecksum)
    const trailer = new Uint8Array(checksumSizeBytes)
    viewOf(trailer).setUint32(0, checksum)
    await this.#file.write(offset, [header, bytes, trailer])
    this.#place = { offset: offset + frameHeaderSizeBytes + bytes.length + checksumSizeBytes, checksum }
  }
}

/** Of a file that is cut within the magic, too. */
function startsWithMagic(bytes: Uint8Array): boolean {
  const compared = Math.min(bytes.length, magic.length)
  return compared > 0 && magic.subarray(0, compared).every((byte, at) => byte === bytes[at])
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
