/**
 * Splits the bytes of a connection into reply frames and reads their headers without allocating an object for each.
 * Owns: the position in the stream. Assumes: every frame has at least 16 bytes of payload, which is true for replies,
 * notifications and the connect response. Bodies are skipped.
 */
/**
 * `err` is the header's error. For the first frame of a connection, the connect response, the same 16 bytes
 * mean: protocol version, negotiated timeout (`zxidHigh`, 0 = refused), session id.
 */
export type OnReply = (xid: number, zxidHigh: number, err: number) => void

const headSizeBytes = 20 // frame length, xid, zxid, err

export class ReplyReader {
  readonly #onReply: OnReply
  readonly #head = Buffer.alloc(headSizeBytes)
  #headLength = 0
  #bodyLeft = 0

  constructor(onReply: OnReply) {
    this.#onReply = onReply
  }

  read(chunk: Buffer, length: number): void {
    let at = 0
    while (at < length) {
      if (this.#bodyLeft > 0) {
        const skipped = Math.min(this.#bodyLeft, length - at)
        this.#bodyLeft -= skipped
        at += skipped
      } else if (this.#headLength === 0 && length - at >= headSizeBytes) {
        this.#readHead(chunk, at)
        at += headSizeBytes
      } else {
        const copied = Math.min(headSizeBytes - this.#headLength, length - at)
        chunk.copy(this.#head, this.#headLength, at, at + copied)
        this.#headLength += copied
        at += copied
        if (this.#headLength < headSizeBytes) return
        this.#headLength = 0
        this.#readHead(this.#head, 0)
      }
    }
  }

  #readHead(bytes: Buffer, at: number): void {
    const frameLength = bytes.readInt32BE(at)
    if (frameLength < headSizeBytes - 4) throw new Error(`a reply of ${frameLength} bytes has no header`)
    this.#bodyLeft = frameLength - (headSizeBytes - 4)
    this.#onReply(bytes.readInt32BE(at + 4), bytes.readInt32BE(at + 8), bytes.readInt32BE(at + 16))
  }
}
