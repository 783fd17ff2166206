/** A session id as the two 32-bit words that protobuf messages carry. */
import type { SessionId } from '../base/ids.ts'

export function highWordOf(sessionId: SessionId): number {
  return Number(BigInt.asUintN(64, sessionId) >> 32n)
}

export function lowWordOf(sessionId: SessionId): number {
  return Number(BigInt.asUintN(32, sessionId))
}

export function sessionOfWords(high: number, low: number): SessionId {
  return ((BigInt(high) << 32n) | BigInt(low)) as SessionId
}
