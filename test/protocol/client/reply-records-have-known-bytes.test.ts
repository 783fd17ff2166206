import { describe, expect, it } from 'vitest'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import { decode, encode, type RecordCodec } from '../../../src/jute/record.ts'
import * as backup from '../../../src/protocol/client/backup-records.ts'
import { ConnectRequest, ConnectResponse } from '../../../src/protocol/client/connect.ts'
import {
  MultiHeader,
  multiHeaderSizeBytes,
  ReplyHeader,
  RequestHeader,
  replyHeaderSizeBytes,
  requestHeaderSizeBytes,
} from '../../../src/protocol/client/headers.ts'
import * as replies from '../../../src/protocol/client/replies.ts'
import { Stat, statOffsets, statSizeBytes } from '../../../src/protocol/client/stat.ts'
import { bytesOf, hexOf } from '../../support/hex.ts'

const statHex =
  '0000000100000002 0000000100000003 0000019a00000001 0000019a00000002' +
  '00000004 ffffffff 00000005 c80000000000000a 00000006 00000007 0000000100000008'
const stat: Stat = {
  czxid: (2 ** 32 + 2) as Zxid,
  mzxid: (2 ** 32 + 3) as Zxid,
  ctime: 0x19a00000001,
  mtime: 0x19a00000002,
  version: 4,
  cversion: -1,
  aversion: 5,
  ephemeralOwner: 0xc80000000000000an as SessionId,
  dataLength: 6,
  numChildren: 7,
  pzxid: (2 ** 32 + 8) as Zxid,
}
const acl = '00000001 00000001 00000002 6970 00000009 3132372e302e302e31'
const password = '00000010 2e0643a45902ed0fbaa06049007a6186'

interface Example {
  readonly name: string
  readonly codec: RecordCodec<unknown>
  readonly hex: string
  readonly value: unknown
}

const examples: readonly Example[] = [
  { name: 'create', codec: replies.CreateReply, hex: '00000002 2f61', value: { path: '/a' } },
  { name: 'create2', codec: replies.CreateWithStatReply, hex: `00000002 2f61 ${statHex}`, value: { path: '/a', stat } },
  { name: 'setData', codec: replies.StatReply, hex: statHex, value: { stat } },
  {
    name: 'getData',
    codec: replies.GetDataReply,
    hex: `ffffffff ${statHex}`,
    value: { data: null, stat },
  },
  {
    name: 'getACL',
    codec: replies.GetAclReply,
    hex: `${acl} ${statHex}`,
    value: { acl: [{ perms: 1, scheme: 'ip', id: '127.0.0.1' }], stat },
  },
  {
    name: 'getChildren',
    codec: replies.GetChildrenReply,
    hex: '00000002 00000001 62 00000001 61',
    value: { children: ['b', 'a'] },
  },
  {
    name: 'getChildren2',
    codec: replies.GetChildren2Reply,
    hex: `00000000 ${statHex}`,
    value: { children: [], stat },
  },
  { name: 'sync', codec: replies.SyncReply, hex: 'ffffffff', value: { path: null } },
  { name: 'sasl', codec: replies.SaslReply, hex: 'ffffffff', value: { token: null } },
  { name: 'getEphemerals', codec: replies.EphemeralsReply, hex: '00000001 00000001 2f', value: { ephemerals: ['/'] } },
  { name: 'getAllChildrenNumber', codec: replies.AllChildrenNumberReply, hex: '00000003', value: { totalNumber: 3 } },
  { name: 'addWatch', codec: replies.AddWatchReply, hex: '00000000', value: { error: 0 } },
  {
    name: 'whoAmI',
    codec: replies.WhoAmIReply,
    hex: '00000001 00000002 6970 00000003 3a3a31',
    value: { clientInfo: [{ authScheme: 'ip', user: '::1' }] },
  },
  { name: 'openBackup', codec: backup.OpenBackupReply, hex: '00000005', value: { backupId: 5 } },
  {
    name: 'readBackup',
    codec: backup.ReadBackupReply,
    hex: '00000004 00000002 00000003 0102ff 0000000100000002 00000002 6e6f',
    value: { status: 4, kindNumber: 2, bytes: bytesOf('0102ff'), oldest: 2 ** 32 + 2, reason: 'no' },
  },
  {
    name: 'facts of a backup',
    codec: backup.BackupFactsRecord,
    hex: '0004000000000007 00000003 0000000100000002 0000000500000006 01 0000000100000009 0000000000000400',
    value: {
      clusterId: 2 ** 50 + 7,
      serverId: 3,
      startZxid: 2 ** 32 + 2,
      startHash: 5 * 2 ** 32 + 6,
      hasCheckpoint: true,
      through: 2 ** 32 + 9,
      sizeBytes: 1024,
    },
  },
  { name: 'request header', codec: RequestHeader, hex: 'fffffffe 0000000b', value: { xid: -2, type: 11 } },
  {
    name: 'reply header',
    codec: ReplyHeader,
    hex: '00000007 ffffffffffffffff fffffffa',
    value: { xid: 7, zxid: -1, error: -6 },
  },
  { name: 'multi header', codec: MultiHeader, hex: 'ffffffff 01 ffffffff', value: { type: -1, done: true, error: -1 } },
  {
    name: 'connect request',
    codec: ConnectRequest,
    hex: `00000000 0000000000000009 00001770 0000000000000000 ${'00000010' + '00'.repeat(16)} 00`,
    value: {
      protocolVersion: 0,
      lastZxidSeen: 9n,
      timeoutMs: 6000,
      sessionId: 0n,
      password: new Uint8Array(16),
      readOnly: false,
    },
  },
  {
    name: 'connect response',
    codec: ConnectResponse,
    hex: `00000000 00001770 01000026f2f2000a ${password} 00`,
    value: {
      protocolVersion: 0,
      timeoutMs: 6000,
      sessionId: 0x1000026f2f2000an,
      password: bytesOf(password).slice(4),
      readOnly: false,
    },
  },
]

describe('reply records', () => {
  it.each(examples)('the $name record encodes to its known bytes and decodes from them', ({ codec, hex, value }) => {
    expect(hexOf(encode(codec, value))).toBe(hex.replaceAll(' ', ''))
    expect(decode(codec, bytesOf(hex))).toEqual({ ok: true, value })
  })

  it('a Stat is 68 bytes and its offsets are where its fields lie', () => {
    expect(encode(Stat, stat).length).toBe(statSizeBytes)
    const zero = decode(Stat, new Uint8Array(statSizeBytes))
    if (!zero.ok) throw new Error('a Stat of zeros decodes')
    const offsets = Object.keys(statOffsets).map((field) => {
      const one = field === 'ephemeralOwner' ? 1n << 56n : field.endsWith('id') || field.endsWith('ime') ? 1 : 1 << 24
      const bytes = encode(Stat, { ...zero.value, [field]: one })
      return [field, bytes.findIndex((byte) => byte !== 0) - (one === 1 ? 7 : 0)]
    })
    expect(Object.fromEntries(offsets)).toEqual(statOffsets)
  })

  it('header sizes are those of their records', () => {
    expect(RequestHeader.sizeBytesMin).toBe(requestHeaderSizeBytes)
    expect(ReplyHeader.sizeBytesMin).toBe(replyHeaderSizeBytes)
    expect(MultiHeader.sizeBytesMin).toBe(multiHeaderSizeBytes)
  })

  it('connect frames have 45 and 37 bytes, or 44 and 36 for old clients', () => {
    const request = { protocolVersion: 0, lastZxidSeen: 0n, timeoutMs: 1, sessionId: 0n as SessionId }
    const response = { protocolVersion: 0, timeoutMs: 1, sessionId: 0n as SessionId }
    const sixteen = new Uint8Array(16)
    expect(encode(ConnectRequest, { ...request, password: sixteen, readOnly: true }).length).toBe(45)
    expect(encode(ConnectRequest, { ...request, password: sixteen, readOnly: null }).length).toBe(44)
    expect(encode(ConnectResponse, { ...response, password: sixteen, readOnly: false }).length).toBe(37)
    expect(encode(ConnectResponse, { ...response, password: sixteen, readOnly: null }).length).toBe(36)
  })
})
