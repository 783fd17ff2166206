/**
 * A frame that is too long for us, on its way past: its bytes are counted and dropped, all but the first few. Those hold
 * the request header, so the request can be answered, and mostly the path, so the log line can name it. Never the data:
 * only a path is read from what is kept.
 */

import type { Xid } from '../base/ids.ts'
import { intAt } from '../base/int-at.ts'
import { skippedFrameHeadSizeBytes } from '../base/limits.ts'
import { firstPathOf } from '../protocol/client/first-path.ts'
import { requestHeaderSizeBytes } from '../protocol/client/headers.ts'
import type { OpName } from '../protocol/client/operations.ts'
import type { FrameReader } from './frame-reader.ts'

/** Why a frame is passed over although its request can be answered. */
export type SkipReason = 'request-too-large' | 'too-many-large-requests'

export class SkippedFrame {
  readonly reason: SkipReason
  readonly sizeBytes: number
  readonly #head: Uint8Array
  #headLength = 0
  #passedBytes = 0

  constructor(reason: SkipReason, sizeBytes: number) {
    this.reason = reason
    this.sizeBytes = sizeBytes
    this.#head = new Uint8Array(Math.min(sizeBytes, skippedFrameHeadSizeBytes))
  }

  /** Takes what the reader has of it. */
  passOver(frames: FrameReader): void {
    const passed = frames.passOver(this.sizeBytes - this.#passedBytes)
    this.#passedBytes += passed.length
    const kept = passed.subarray(0, this.#head.length - this.#headLength)
    this.#head.set(kept, this.#headLength)
    this.#headLength += kept.length
  }

  get isPast(): boolean {
    return this.#passedBytes === this.sizeBytes
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

  /** As a request of the operation `op` has it first. */
  pathOf(op: OpName): string | null {
    return firstPathOf(op, this.#head.subarray(requestHeaderSizeBytes, this.#headLength))
  }
}
