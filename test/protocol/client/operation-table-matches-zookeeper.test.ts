import { describe, expect, it } from 'vitest'
import { createModeOf, createModes } from '../../../src/protocol/client/create-mode.ts'
import { describeReply, describeRequest } from '../../../src/protocol/client/describe.ts'
import { opNames, opOf, ops } from '../../../src/protocol/client/operations.ts'
import { bytesOf } from '../../support/hex.ts'

describe('the operation table', () => {
  it('gives every operation the opcode of ZooKeeper', () => {
    expect(Object.fromEntries(opNames.map((name) => [name, ops[name].opcode]))).toEqual({
      create: 1,
      delete: 2,
      exists: 3,
      getData: 4,
      setData: 5,
      getACL: 6,
      setACL: 7,
      getChildren: 8,
      sync: 9,
      ping: 11,
      getChildren2: 12,
      check: 13,
      multi: 14,
      create2: 15,
      reconfig: 16,
      checkWatches: 17,
      removeWatches: 18,
      createContainer: 19,
      deleteContainer: 20,
      createTTL: 21,
      multiRead: 22,
      auth: 100,
      setWatches: 101,
      sasl: 102,
      getEphemerals: 103,
      getAllChildrenNumber: 104,
      setWatches2: 105,
      addWatch: 106,
      whoAmI: 107,
      createSession: -10,
      closeSession: -11,
      // Only ClickHouse Keeper has these.
      filteredList: 500,
      checkNotExists: 501,
      createIfNotExists: 502,
      removeRecursive: 503,
      checkStat: 504,
      tryRemove: 505,
      filteredListWithStatsAndData: 506,
      listRecursive: 507,
      // Only zkts has these.
      openBackup: 2001,
      readBackup: 2002,
      closeBackup: 2003,
    })
    const between = (first: number, last: number) =>
      opNames.filter((name) => ops[name].opcode >= first && ops[name].opcode <= last)
    expect(opNames.filter((name) => ops[name].isKeeperOp)).toEqual(between(500, 1999))
    expect(opNames.filter((name) => ops[name].access === 'operator')).toEqual(between(2000, 9999))
  })

  it('finds each operation by its opcode and nothing else', () => {
    const found = new Map<number, string>()
    for (let type = -3000; type <= 3000; type++) {
      const op = opOf(type)
      if (op !== null) found.set(type, op)
    }
    expect(found.size).toBe(opNames.length)
    for (const name of opNames) expect(found.get(ops[name].opcode)).toBe(name)
  })

  it('allows the same operations in a multi as ZooKeeper and ClickHouse Keeper', () => {
    expect(opNames.filter((name) => ops[name].inMulti)).toEqual([
      'create',
      'delete',
      'setData',
      'check',
      'create2',
      'createContainer',
      'createTTL',
      'checkNotExists',
      'createIfNotExists',
      'removeRecursive',
      'checkStat',
      'tryRemove',
    ])
  })

  it('names each operation for cons with a code of its own family', () => {
    const codes =
      'PING SESS MULT MLTR CREA DELE SETD RECO SETA CLOS SYNC EXIS GETD SETW STW2 ADDW GETA GETC GETACN CHKW'
    const known = new Set([...codes.split(' '), 'REMW', 'HOMI', 'GETE', 'CHEC', 'NA', 'BKUP'])
    expect(opNames.filter((name) => !known.has(ops[name].code))).toEqual([])
    expect([ops.ping.code, ops.getChildren2.code, ops.create2.code, ops.setWatches2.code]).toEqual([
      'PING',
      'GETC',
      'CREA',
      'STW2',
    ])
  })
})

describe('create modes', () => {
  it('flags 0 to 6 name the seven modes and no other number does', () => {
    const words = createModes.map((mode) =>
      [mode.ephemeral && 'ephemeral', mode.container && 'container', mode.ttl && 'ttl', mode.sequential && 'sequential']
        .filter(Boolean)
        .join(' '),
    )
    expect(words).toEqual(['', 'ephemeral', 'sequential', 'ephemeral sequential', 'container', 'ttl', 'ttl sequential'])
    for (const [index, mode] of createModes.entries()) expect(createModeOf(index)).toBe(mode)
    for (const flags of [-1, 7, 8, 2 ** 31 - 1, -(2 ** 31)]) expect(createModeOf(flags)).toBeNull()
  })
})

describe('descriptions', () => {
  it('a request is rendered with its operation and fields', () => {
    expect(describeRequest(7, 4, bytesOf('00000002 2f61 01'))).toBe('7 getData path=/a watch=true')
    expect(describeRequest(-2, 11, new Uint8Array(0))).toBe('-2 ping')
    expect(describeRequest(8, 2, bytesOf('00'))).toBe('8 delete <malformed, 1 bytes>')
    expect(describeRequest(9, 999, bytesOf('00'))).toBe('9 opcode 999 <1 bytes>')
    expect(describeRequest(9, 14, bytesOf('00000002 00 ffffffff 00000002 2f61 ffffffff ffffffff 01 ffffffff'))).toBe(
      '9 multi [delete /a]',
    )
  })

  it('a rendered auth request shows no credentials', () => {
    const auth = bytesOf('00000000 00000006 646967657374 00000003 753a70')
    expect(describeRequest(-4, 100, auth)).toBe('-4 auth type=0 scheme=digest auth=<3 bytes>')
  })

  it('a reply is rendered with its zxid and outcome', () => {
    expect(describeReply(7, 2 ** 32 + 2, 'no-node', null)).toBe('7 zxid=0x100000002 no-node')
    expect(describeReply(7, -1, null, new Uint8Array(3))).toBe('7 zxid=-1 ok <3 bytes>')
  })
})
