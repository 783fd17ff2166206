/**
 * Hands out session ids: the server's id in the top byte, then time, then a count (ZK:
 * SessionTrackerImpl.initializeNextSessionId). Assumes that a server makes fewer than 65,536 ids
 * per millisecond of its life. Then no id is ever given twice, by one server or by two.
 */
import { assert } from '../base/assert.ts'
import type { ServerId, SessionId } from '../base/ids.ts'

/** In the ephemeralOwner field this value means "container", so it cannot name a session. */
const containerOwner = 0x8000000000000000n

export class SessionIdSource {
  #next: bigint

  /** `wallMs`: a restarted host has a smaller uptime than before, so the monotonic clock would repeat ids. */
  constructor(serverId: ServerId, wallMs: number) {
    // 255 is left out: owners that start with 0xff are TTL nodes (ZK: EphemeralType.validateServerId).
    assert(serverId >= 0 && serverId <= 254, 'server id fits the top byte of a session id', { serverId })
    const timePart = BigInt.asUintN(64, BigInt(Math.trunc(wallMs)) << 24n) >> 8n
    this.#next = (BigInt(serverId) << 56n) | timePart
  }

  next(): SessionId {
    if (this.#next === containerOwner) this.#next += 1n
    const id = this.#next as SessionId
    this.#next += 1n
    return id
  }
}
