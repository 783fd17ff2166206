import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/base/ids.ts'
import { containerOwner } from '../../src/tree/owner-kind.ts'
import { creation, openAcl, TreeDriver, timeMsOf } from '../support/tree-driver.ts'

const session = 0x0100_0000_0000_0001n as SessionId
const bytes = Uint8Array.of(1, 2, 3)

describe('the Stat after each kind of change', () => {
  test('a created znode carries the zxid and time of its txn and zero versions', () => {
    const driver = new TreeDriver()
    driver.create('/a', { data: bytes })
    expect(driver.stat('/a')).toEqual({
      czxid: driver.zxid,
      mzxid: driver.zxid,
      pzxid: driver.zxid,
      ctime: timeMsOf(driver.zxid),
      mtime: timeMsOf(driver.zxid),
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0n,
      dataLength: 3,
      numChildren: 0,
    })
  })

  test('creating a child moves pzxid, cversion and numChildren of the parent and nothing else', () => {
    const driver = new TreeDriver()
    driver.create('/a', { data: bytes })
    const before = driver.stat('/a')
    driver.create('/a/b')
    expect(driver.stat('/a')).toEqual({ ...before, pzxid: driver.zxid, cversion: 1, numChildren: 1 })
  })

  test('deleting a child raises cversion by one and leaves the create count', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.create('/a/b')
    const before = driver.stat('/a')
    driver.delete('/a/b')
    expect(driver.stat('/a')).toEqual({ ...before, pzxid: driver.zxid, cversion: 2, numChildren: 0 })
    expect(driver.tree.view('/a')?.createCount).toBe(1)
  })

  test('closing a session moves the parents of its znodes as deletes do', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.create('/a/e', { owner: session })
    driver.commit({ kind: 'close-session', sessionId: session, deletedPaths: ['/a/e'] })
    expect(driver.stat('/a')).toMatchObject({ pzxid: driver.zxid, cversion: 2, numChildren: 0 })
  })

  test('setting data moves version, mzxid, mtime and dataLength and nothing else', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    const before = driver.stat('/a')
    driver.setData('/a', bytes)
    expect(driver.stat('/a')).toEqual({
      ...before,
      version: 1,
      mzxid: driver.zxid,
      mtime: timeMsOf(driver.zxid),
      dataLength: 3,
    })
  })

  test('setting an ACL moves aversion and nothing else', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    const before = driver.stat('/a')
    const acl = [{ perms: 1, scheme: 'digest', id: 'u:h' }]
    driver.setAcl('/a', acl)
    expect(driver.stat('/a')).toEqual({ ...before, aversion: 1 })
    expect(driver.tree.aclOf('/a')).toEqual(acl)
  })

  test('a change of a child leaves the Stat of its parent', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.create('/a/b')
    const before = driver.stat('/a')
    driver.setData('/a/b', bytes)
    driver.setAcl('/a/b', [{ perms: 1, scheme: 'world', id: 'anyone' }])
    driver.create('/a/b/c')
    expect(driver.stat('/a')).toEqual(before)
  })

  test('versions are stored as the txn gives them', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.commit({ kind: 'set-data', path: '/a', data: null, version: -2147483648 })
    driver.commit({ kind: 'set-acl', path: '/a', acl: openAcl, aversion: 2147483647 })
    expect(driver.stat('/a')).toMatchObject({ version: -2147483648, aversion: 2147483647 })
  })

  test('cversion wraps as a 32-bit number when creates run past the int32 range', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.commit(creation('/a/b', -2147483648))
    expect(driver.stat('/a').cversion).toBe(-1)
    expect(driver.tree.view('/a')?.createCount).toBe(-2147483648)
  })

  test('the root counts children as any znode does', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    expect(driver.stat('/')).toMatchObject({ cversion: 0, numChildren: 2, pzxid: driver.zxid, mzxid: 0, version: 0 })
  })

  test('the root accepts data and an ACL', () => {
    const driver = new TreeDriver()
    driver.setData('/', bytes)
    driver.setAcl('/', [{ perms: 3, scheme: 'world', id: 'anyone' }])
    expect(driver.data('')).toMatchObject({ data: bytes, stat: { version: 1, aversion: 1, dataLength: 3 } })
    driver.tree.verify()
  })

  test('null data and empty data stay different on the wire', () => {
    const driver = new TreeDriver()
    driver.create('/null', { data: null })
    driver.create('/empty', { data: new Uint8Array(0) })
    expect(driver.data('/null').data).toBeNull()
    expect(driver.data('/empty').data).toEqual(new Uint8Array(0))
    driver.setData('/null', new Uint8Array(0))
    driver.setData('/empty', null)
    expect(driver.data('/null').data).toEqual(new Uint8Array(0))
    expect(driver.data('/empty').data).toBeNull()
    expect(driver.stat('/empty').dataLength).toBe(0)
  })

  test('stored data does not follow the buffer that it came in', () => {
    const driver = new TreeDriver()
    const buffer = Uint8Array.of(1, 2, 3)
    driver.create('/a', { data: buffer })
    buffer.fill(9)
    expect(driver.data('/a').data).toEqual(Uint8Array.of(1, 2, 3))
  })
})

describe('the owner in the Stat', () => {
  test('an ephemeral znode shows its session', () => {
    const driver = new TreeDriver()
    driver.create('/e', { owner: session })
    expect(driver.stat('/e').ephemeralOwner).toBe(session)
    expect(driver.tree.view('/e')?.ephemeralOwner).toBe(session)
  })

  test.each([
    ['a container', containerOwner],
    ['a TTL znode', (0xff00_0000_0000_0000n | 5000n) as SessionId],
  ])('%s shows owner zero, keeps the raw one and is no ephemeral', (_kind, owner) => {
    const driver = new TreeDriver()
    driver.create('/c', { owner })
    expect(driver.stat('/c').ephemeralOwner).toBe(0n)
    expect(driver.tree.view('/c')?.ephemeralOwner).toBe(owner)
    expect(driver.tree.ephemeralsCount).toBe(0)
    driver.tree.verify()
  })

  test('a session id with the highest bit set is one session whether given signed or unsigned', () => {
    const driver = new TreeDriver()
    const unsigned = 0xc800_0000_0000_0001n as SessionId
    const signed = BigInt.asIntN(64, unsigned) as SessionId
    driver.create('/e', { owner: signed })
    expect(driver.tree.view('/e')?.ephemeralOwner).toBe(unsigned)
    expect(driver.tree.ephemeralsOf(unsigned)).toEqual(['/e'])
    expect(driver.tree.ephemeralsOf(signed)).toEqual(['/e'])
  })
})
