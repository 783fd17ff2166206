/**
 * The segment that is being written: its file, the position of the next batch, and how far the file is filled with
 * zeros ahead of it, so that a durable write does not also change the size of the file. The zeros are written in the
 * background, in steps that double from 64 KiB (so that a new server starts at once) to 4 MiB. A batch that would reach
 * into a step under way waits for it: zeros must never overwrite a batch.
 */
import type { ServerId } from '../base/ids.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'
import { isDiskFull } from './disk-space.ts'
import type { LogState } from './log-state.ts'
import { encodeSegmentHeader, readSegmentHeader, segmentHeaderSizeBytes, segmentName } from './segment-header.ts'

/** A new segment is at most this long until its header is durable. */
export const firstSizeBytes = 64 * 1024
const stepSizeBytesMax = 4 * 1024 * 1024
const zeros = new Uint8Array(firstSizeBytes)

export interface SegmentStart {
  readonly serverId: ServerId
  readonly sequence: number
  readonly checksumBefore: number
  readonly firstBatch: number
  readonly state: LogState
  readonly restarts: boolean
  readonly adopts: boolean
}

export class SegmentFile {
  readonly file: DiskFile
  readonly sequence: number
  readonly checksum: number
  position: number // of the next batch
  #filledBytes: number // invariant: the file has at least this length
  #filling: Promise<void> | null = null

  constructor(file: DiskFile, at: { sequence: number; checksum: number; position: number; filledBytes: number }) {
    this.file = file
    this.sequence = at.sequence
    this.checksum = at.checksum
    this.position = at.position
    this.#filledBytes = at.filledBytes
  }

  /**
   * The bytes are durable when it resolves. After ENOSPC it may be called again with the same bytes and writes all of
   * them.
   */
  async writeBatch(bytes: Uint8Array): Promise<void> {
    const end = this.position + bytes.length
    if (end > this.#filledBytes && this.#filling !== null) await this.#filling
    await this.file.writeDurably(this.position, [bytes])
    this.position = end
    if (end > this.#filledBytes) this.#filledBytes = end
  }

  /** Starts the next step of zeros if it is due. `failed` is called for any error except a full disk. */
  fillAhead(segmentSizeBytes: number, failed: (error: unknown) => void): void {
    const stepBytes = Math.min(stepSizeBytesMax, this.#filledBytes, segmentSizeBytes - this.#filledBytes)
    if (this.#filling !== null || stepBytes <= 0) return
    if (this.#filledBytes - this.position > Math.min(stepSizeBytesMax, this.#filledBytes) / 2) return
    this.#filling = this.#fill(stepBytes).then(
      () => {
        this.#filledBytes += stepBytes
        this.#filling = null
      },
      (error: unknown) => {
        // Without zeros ahead the next durable writes grow the file themselves, or fail on the full disk.
        this.#filling = null
        if (!isDiskFull(error)) failed(error)
      },
    )
  }

  async #fill(stepBytes: number): Promise<void> {
    const chunks: Uint8Array[] = []
    for (let left = stepBytes; left > 0; left -= zeros.length)
      chunks.push(zeros.subarray(0, Math.min(left, zeros.length)))
    await this.file.write(this.#filledBytes, chunks)
    await this.file.sync()
  }

  async close(): Promise<void> {
    if (this.#filling !== null) await this.#filling
    await this.file.close()
  }
}

/**
 * Creates a segment; the file and its directory entry are durable when it resolves. After a failure it may be called
 * again.
 */
export async function createSegment(
  disk: Disk,
  folder: string,
  start: SegmentStart,
  segmentSizeBytes: number,
): Promise<SegmentFile> {
  const path = `${folder}/${segmentName(start.state.lastZxid, start.sequence)}`
  // An earlier attempt on a full disk left this file: it has never held a batch.
  if (await disk.exists(path)) await disk.remove(path)
  const file = await disk.open(path, 'create-new')
  try {
    const header = encodeSegmentHeader(start)
    const filledBytes = Math.max(segmentHeaderSizeBytes, Math.min(firstSizeBytes, segmentSizeBytes))
    await file.writeDurably(0, [header, zeros.subarray(0, filledBytes - header.length)])
    await disk.syncDirectory(folder)
    const reading = readSegmentHeader(header)
    if (reading.kind !== 'valid') throw new Error('a segment header does not read back')
    const { sequence, checksum } = reading.header
    return new SegmentFile(file, { sequence, checksum, position: segmentHeaderSizeBytes, filledBytes })
  } catch (error) {
    await file.close()
    throw error
  }
}
