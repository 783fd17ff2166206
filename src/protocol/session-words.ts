/** A session id as the two 32-bit words that protobuf messages carry. */
import type { SessionId } from '../base/ids.ts'

/** Converts without the BigInts that shifts and masks allocate. Each function writes it before it reads it. */
const scratch = new DataView(new ArrayBuffer(8))

export function highWordOf(sessionId: SessionId): number {
  scratch.setBigUint64(0, sessionId)
  return scratch.getUint32(0)
}

export function lowWordOf(sessionId: SessionId): number {
  scratch.setBigUint64(0, sessionId)
  return scratch.getUint32(4)
}

export function sessionOfWords(high: number, low: number): SessionId {
  scratch.setUint32(0, high)
  scratch.setUint32(4, low)
  return scratch.getBigUint64(0) as SessionId
}
