/**
 * One request body of every operation, as the bytes that a stock client sends, and its meaning.
 * Written from the description of the protocol and not with our encoder.
 */
import type { OpName } from '../../../src/protocol/client/operations.ts'
import { bytesOf } from '../../support/hex.ts'

export interface RequestExample {
  readonly op: OpName
  readonly hex: string
  readonly value: unknown
}

const pathA = '00000002 2f61'
const openAcl = '00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65'
const openAclValue = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const data = bytesOf('0102ff')
const anyZxid = 'ffffffffffffffff'
const watched = { path: '/a', watch: true }

export const requestExamples: readonly RequestExample[] = [
  {
    op: 'create',
    hex: `${pathA} 00000003 0102ff ${openAcl} 00000003`,
    value: { path: '/a', data, acl: openAclValue, flags: 3 },
  },
  {
    op: 'create2',
    hex: `${pathA} ffffffff ffffffff 00000000`,
    value: { path: '/a', data: null, acl: null, flags: 0 },
  },
  {
    op: 'createContainer',
    hex: `${pathA} 00000000 00000001 ffffffff ffffffff ffffffff 00000004`,
    value: { path: '/a', data: new Uint8Array(0), acl: [{ perms: -1, scheme: null, id: null }], flags: 4 },
  },
  {
    op: 'createTTL',
    hex: `${pathA} 00000003 0102ff ${openAcl} 00000005 000000ffffffffff`,
    value: { path: '/a', data, acl: openAclValue, flags: 5, ttlMs: 2n ** 40n - 1n },
  },
  { op: 'delete', hex: `${pathA} ffffffff`, value: { path: '/a', version: -1 } },
  { op: 'setData', hex: `${pathA} 00000003 0102ff 00000007`, value: { path: '/a', data, version: 7 } },
  { op: 'setACL', hex: `${pathA} ${openAcl} 00000007`, value: { path: '/a', acl: openAclValue, version: 7 } },
  { op: 'check', hex: `${pathA} 00000002`, value: { path: '/a', version: 2 } },
  { op: 'exists', hex: `${pathA} 01`, value: watched },
  { op: 'getData', hex: `${pathA} 00`, value: { path: '/a', watch: false } },
  { op: 'getChildren', hex: `${pathA} 01`, value: watched },
  { op: 'getChildren2', hex: `${pathA} 02`, value: watched },
  { op: 'getACL', hex: pathA, value: { path: '/a' } },
  { op: 'getAllChildrenNumber', hex: pathA, value: { path: '/a' } },
  { op: 'sync', hex: 'ffffffff', value: { path: null } },
  {
    op: 'auth',
    hex: '00000000 00000006 646967657374 00000003 753a70',
    value: { type: 0, scheme: 'digest', auth: bytesOf('753a70') },
  },
  {
    op: 'setWatches',
    hex: `0000000500000007 00000001 ${pathA} 00000000 00000002 ${pathA} 00000000`,
    value: { relativeZxid: 5 * 2 ** 32 + 7, dataWatches: ['/a'], existWatches: [], childWatches: ['/a', ''] },
  },
  {
    op: 'setWatches2',
    hex: `ffffffffffffffff ffffffff 00000000 00000000 00000001 ${pathA} 00000000`,
    value: {
      relativeZxid: -1,
      dataWatches: null,
      existWatches: [],
      childWatches: [],
      persistentWatches: ['/a'],
      persistentRecursiveWatches: [],
    },
  },
  { op: 'addWatch', hex: `${pathA} 00000001`, value: { path: '/a', mode: 1 } },
  { op: 'checkWatches', hex: `${pathA} 00000002`, value: { path: '/a', type: 2 } },
  { op: 'removeWatches', hex: `${pathA} 00000003`, value: { path: '/a', type: 3 } },
  {
    op: 'reconfig',
    hex: 'ffffffff 00000001 33 ffffffff ffffffffffffffff',
    value: { joiningServers: null, leavingServers: '3', newMembers: null, curConfigId: -1n },
  },
  { op: 'sasl', hex: '00000000', value: { token: new Uint8Array(0) } },
  { op: 'getEphemerals', hex: pathA, value: { prefixPath: '/a' } },
  { op: 'createSession', hex: '00001770', value: { timeoutMs: 6000 } },
  { op: 'filteredList', hex: `${pathA} 01 02`, value: { path: '/a', watch: true, filter: 2 } },
  { op: 'checkNotExists', hex: `${pathA} ffffffff`, value: { path: '/a', version: -1 } },
  {
    op: 'createIfNotExists',
    hex: `${pathA} 00000003 0102ff ${openAcl} 00000001`,
    value: { path: '/a', data, acl: openAclValue, flags: 1 },
  },
  { op: 'removeRecursive', hex: `${pathA} ffffffff`, value: { path: '/a', countMax: 2 ** 32 - 1 } },
  {
    op: 'checkStat',
    hex: `${pathA} ffffffff ${anyZxid} 0000000100000002 ${anyZxid} ${anyZxid} ffffffff 00000003 ffffffff ${anyZxid} 00000004 ffffffff ${anyZxid}`,
    value: {
      path: '/a',
      version: -1,
      stat: {
        czxid: -1,
        mzxid: 2 ** 32 + 2,
        ctime: -1,
        mtime: -1,
        version: -1,
        cversion: 3,
        aversion: -1,
        ephemeralOwner: 2n ** 64n - 1n,
        dataLength: 4,
        numChildren: -1,
        pzxid: -1,
      },
    },
  },
  { op: 'tryRemove', hex: `${pathA} 00000002`, value: { path: '/a', version: 2 } },
  {
    op: 'filteredListWithStatsAndData',
    hex: `${pathA} 00 01 01 00`,
    value: { path: '/a', watch: false, filter: 1, withStats: true, withData: false },
  },
  { op: 'listRecursive', hex: `${pathA} 000003e8`, value: { path: '/a', countMax: 1000 } },
  {
    op: 'openBackup',
    hex: '0000000100000002 001fffffffffffff',
    value: { afterZxid: 2 ** 32 + 2, afterHash: 2 ** 53 - 1 },
  },
  { op: 'readBackup', hex: '00000005 00000102', value: { backupId: 5, number: 258 } },
  { op: 'closeBackup', hex: '7fffffff', value: { backupId: 2 ** 31 - 1 } },
]
