import { expect, test } from 'vitest'
import type { SessionId } from '../../src/base/ids.ts'
import { creation, openAcl, TreeDriver } from '../support/tree-driver.ts'

const session = 0x0100_0000_0000_0001n as SessionId
const nodeAcl = [{ perms: 5, scheme: 'ip', id: '10.0.0.0/8' }]

test('a create announces the znode with its own ACL, then the parent with the ACL of the parent', () => {
  const driver = new TreeDriver()
  driver.create('/a')
  expect(driver.create('/a/b', { acl: nodeAcl })).toEqual([
    { kind: 'created', path: '/a/b', acl: nodeAcl },
    { kind: 'children-changed', path: '/a', acl: openAcl },
  ])
})

test('a create below the root names the parent with a slash', () => {
  expect(new TreeDriver().create('/a').map(({ path }) => path)).toEqual(['/a', '/'])
})

test('a delete announces the znode with the ACL that it had, then the parent', () => {
  const driver = new TreeDriver()
  driver.create('/a')
  driver.create('/a/b', { acl: nodeAcl })
  expect(driver.delete('/a/b')).toEqual([
    { kind: 'deleted', path: '/a/b', acl: nodeAcl },
    { kind: 'children-changed', path: '/a', acl: openAcl },
  ])
})

test('new data announces the znode alone', () => {
  const driver = new TreeDriver()
  driver.create('/a', { acl: nodeAcl })
  expect(driver.setData('/a', null)).toEqual([{ kind: 'data-changed', path: '/a', acl: nodeAcl }])
})

test('a new ACL, a check and a new session announce nothing', () => {
  const driver = new TreeDriver()
  driver.create('/a')
  expect(driver.setAcl('/a', nodeAcl)).toEqual([])
  expect(driver.commit({ kind: 'check', path: '/a' })).toEqual([])
  expect(driver.commit({ kind: 'create-session', sessionId: session, timeoutMs: 4000 })).toEqual([])
})

test('the changes of a multi announce themselves one after another', () => {
  const driver = new TreeDriver()
  const events = driver.commit(creation('/a', 1), creation('/a/b', 1), { kind: 'delete', path: '/a/b' })
  expect(events.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'created /a',
    'children-changed /',
    'created /a/b',
    'children-changed /a',
    'deleted /a/b',
    'children-changed /a',
  ])
})

test('a closing session announces its znodes in the order of its list', () => {
  const driver = new TreeDriver()
  driver.create('/p', { owner: session })
  driver.create('/a', { owner: session })
  const events = driver.commit({ kind: 'close-session', sessionId: session, deletedPaths: ['/p', '/a'] })
  expect(events.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'deleted /p',
    'children-changed /',
    'deleted /a',
    'children-changed /',
  ])
})
