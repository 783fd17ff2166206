/**
 * The first byte of each field of the usual peer frames: field number × 8 + wire type, as the rows of peer-message.ts say. The
 * test of both codecs compares them with protobufjs.
 */
export const frameTags = { message: 0x12 } as const
export const messageTags = { append: 0x32, ack: 0x52, forward: 0x6a } as const
export const appendTags = {
  syncId: 0x0d,
  previousZxid: 0x11,
  previousHash: 0x19,
  entry: 0x22,
  committed: 0x29,
} as const
export const entryTags = { zxid: 0x09, payload: 0x12 } as const
export const ackTags = { syncId: 0x0d, durable: 0x11 } as const
export const forwardTags = { syncId: 0x0d, request: 0x12, incarnation: 0x1d } as const
export const requestTags = {
  sequence: 0x09,
  sessionHigh: 0x15,
  sessionLow: 0x1d,
  type: 0x20,
  body: 0x2a,
  authId: 0x32,
  isLocal: 0x38,
} as const
export const authIdTags = { scheme: 0x0a, id: 0x12 } as const
