/**
 * Identities. Each is branded, so that a server id cannot be passed where an epoch is meant.
 * A `Zxid` is epoch × 2³² + counter in a double: exact while the epoch stays below 2²¹, compares and
 * subtracts at full speed and allocates nothing. Wire and disk carry the 64-bit form.
 */
import { assert } from './assert.ts'
import type { Brand } from './brand.ts'

export type ServerId = Brand<number, 'ServerId'> // 0..254, as in `server.N` and myid
export type Epoch = Brand<number, 'Epoch'>
export type Zxid = Brand<number, 'Zxid'>
export type SessionId = Brand<bigint, 'SessionId'> // unsigned 64 bits; the top byte is the id of the server that made it
export type Xid = Brand<number, 'Xid'> // int32, chosen by the client
export type ConnectionId = Brand<number, 'ConnectionId'> // local to one server process
export type ZnodePath = Brand<string, 'ZnodePath'> // made only by parseZnodePath

const counterSpan = 2 ** 32
/** Epochs at and above this do not fit a Zxid. */
export const epochMax = 2 ** 21 - 1
export const counterMax = counterSpan - 1

export const zeroZxid = 0 as Zxid
export const zeroEpoch = 0 as Epoch

export function makeZxid(epoch: Epoch, counter: number): Zxid {
  assert(epoch >= 0 && epoch <= epochMax, 'epoch fits a zxid', { epoch })
  assert(counter >= 0 && counter <= counterMax, 'counter fits 32 bits', { counter })
  return (epoch * counterSpan + counter) as Zxid
}

export function epochOf(zxid: Zxid): Epoch {
  return Math.floor(zxid / counterSpan) as Epoch
}

export function counterOf(zxid: Zxid): number {
  return zxid % counterSpan
}

export function hexOfZxid(zxid: Zxid): string {
  return `0x${zxid.toString(16)}`
}

/** Lower-case hex without leading zeros, as ZooKeeper prints session ids. */
export function hexOfSession(sessionId: SessionId): string {
  return `0x${BigInt.asUintN(64, sessionId).toString(16)}`
}
