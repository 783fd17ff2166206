/**
 * The first byte of each field of the usual txns: field number × 8 + wire type, as in schema.ts. The test of both codecs
 * compares them with protobufjs.
 */
export const txnTags = {
  timeMs: 0x09,
  sessionHigh: 0x15,
  sessionLow: 0x1d,
  origin: 0x22,
  isMulti: 0x28,
  change: 0x32,
} as const
export const originTags = { serverId: 0x08, incarnation: 0x15, sequence: 0x19 } as const
export const changeTags = { create: 0x0a, delete: 0x12, setData: 0x1a } as const
export const createTags = {
  path: 0x0a,
  data: 0x12,
  acl: 0x1a,
  ownerHigh: 0x25,
  ownerLow: 0x2d,
  parentCreateCount: 0x30,
  withStat: 0x38,
} as const
export const deleteTags = { path: 0x0a } as const
export const setDataTags = { path: 0x0a, data: 0x12, version: 0x18 } as const
export const aclTags = { perms: 0x08, scheme: 0x12, id: 0x1a } as const
