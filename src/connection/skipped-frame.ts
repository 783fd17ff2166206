/**
 * A frame that is too long to be read. Its bytes are counted and dropped, except the first few. These hold the request
 * header, so that the request can be answered, and usually the path, so that the log line can name it. The log line
 * never shows node data: only a path is read from the kept bytes.
 */

import type { Xid } from '../base/ids.ts'
import { intAt } from '../base/int-at.ts'
import { skippedFrameHeadSizeBytes } from '../base/limits.ts'
import { firstPathOf } from '../protocol/client/first-path.ts'
import { requestHeaderSizeBytes } from '../protocol/client/headers.ts'
import type { OpName } from '../protocol/client/operations.ts'
import type { FrameReader } from './frame-reader.ts'

/** Why a frame is skipped although its request can be answered. */
export type SkipReason = 'request-too-large' | 'too-many-large-requests'

export class SkippedFrame {
  readonly reason: SkipReason
  readonly sizeBytes: number
  readonly #head: Uint8Array
  #headLength = 0
  #skippedBytes = 0

  constructor(reason: SkipReason, sizeBytes: number) {
    this.reason = reason
    this.sizeBytes = sizeBytes
    this.#head = new Uint8Array(Math.min(sizeBytes, skippedFrameHeadSizeBytes))
  }

  /** Takes the bytes of this frame that the reader has. */
  skip(frames: FrameReader): void {
    const bytes = frames.skip(this.sizeBytes - this.#skippedBytes)
    this.#skippedBytes += bytes.length
    const kept = bytes.subarray(0, this.#head.length - this.#headLength)
    this.#head.set(kept, this.#headLength)
    this.#headLength += kept.length
  }

  get isComplete(): boolean {
    return this.#skippedBytes === this.sizeBytes
  }

  get hasHeader(): boolean {
    return this.#headLength >= requestHeaderSizeBytes
  }

  get xid(): Xid {
    return intAt(this.#head, 0) as Xid
  }

  get opcode(): number {
    return intAt(this.#head, 4)
  }

  /** The first path in the body of a request of operation `op`. */
  pathOf(op: OpName): string | null {
    return firstPathOf(op, this.#head.subarray(requestHeaderSizeBytes, this.#headLength))
  }
}
