/**
 * ACLs on the wire: how lists are stored, in which order a request is checked, how a connection gains identities, and the
 * operations that are refused unless the server enables them.
 */
import { type Check, expectEqual } from '../checks.ts'
import { bodies, opcodes, type RawReply, type RawSession, readStat, Writer } from '../raw-client.ts'
import { type MakeCheck, sessionCheck } from './session-check.ts'

type Entry = readonly [perms: number, scheme: string | null, id: string | null]

const hash = 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ='
const anyone: Entry = [31, 'world', 'anyone']

export function aclChecks(port: number, root: string): readonly Check[] {
  const check = sessionCheck(port)
  return [
    ...fixUpChecks(check, `${root}-acl`),
    ...storedChecks(check, `${root}-stored`),
    ...orderChecks(check),
    ...identityChecks(check),
    ...answerChecks(check),
  ]
}

/** The error of create and setACL with one entry, by scheme and id; -5 if a null raises an exception in ZooKeeper. */
const judged: readonly (readonly [scheme: string | null, id: string | null, err: number])[] = [
  ['world', null, -5],
  ['world', 'x', -114],
  ['digest', null, -5],
  ['ip', null, -5],
  [null, null, -114],
  [null, 'x', -114],
  ['', '', -114],
  ['super', '', -114],
  ['x509', 'CN=a', -114],
  ['sasl', 'bob', -114],
  ['ensemble', 'a', -114],
  ['key', 'a', -114],
  ['nonsense', null, -114],
  ['digest', 'a:b', 0],
  ['digest', ':b', 0],
  ['digest', 'a:b::', 0],
  ['digest', 'ab', -114],
  ['digest', 'a:', -114],
  ['digest', ':', -114],
  ['digest', '', -114],
  ['digest', 'a:b:c', -114],
  ['digest', 'a::b', -114],
  ['ip', '10.0.0.1', 0],
  ['ip', '10.0.0.1/32', 0],
  ['ip', '10.0.0.1/-0', 0],
  ['ip', '+10.0.0.1', 0],
  ['ip', '010.0.0.1', 0],
  ['ip', '10.0.0.1/33', -114],
  ['ip', '10.0.0.1/', -114],
  ['ip', '10.0.0.1/8/9', -114],
  ['ip', '10.0.0', -114],
  ['ip', '10.0.0.1.', -114],
  ['ip', '', -114],
  ['ip', 'abc', -114],
  ['ip', '::', 0],
  ['ip', '1::', 0],
  ['ip', '+1::', 0],
  ['ip', '-1::', 0],
  ['ip', '::1/128', 0],
  ['ip', '1:2:3:4:5:6:7:8', 0],
  ['ip', '1:2:3:4:5:6:7::', 0],
  ['ip', '1:2:3:4::5:6:7:8', -114],
  ['ip', ':::', -114],
  ['ip', '12345::', -114],
  ['ip', '::ffff:1.2.3.4', -114],
  ['ip', 'fe80::1%lo', -114],
  ['ip', '::1/129', -114],
]

/** Lists with a null scheme or id, and an entry that it is compared with. */
const listsWithNulls: readonly (readonly Entry[])[] = [
  [anyone, [31, 'world', null]],
  [
    [1, 'auth', 'x'],
    [1, 'auth', null],
  ],
  [
    [1, 'nonsense', 'x'],
    [1, null, 'x'],
  ],
  [
    [2, 'world', 'anyone'],
    [1, null, 'x'],
  ],
  [
    [1, null, null],
    [1, null, null],
  ],
]

function fixUpChecks(check: MakeCheck, root: string): readonly Check[] {
  return [
    check('each form of an ACL entry is accepted or refused as ZooKeeper does', async (session) => {
      await session.request(1, opcodes.create, bodies.create(root, null, 0))
      for (const [index, [scheme, id, err]] of judged.entries()) {
        const path = `${root}/${index}`
        const list = aclOf([1, scheme, id], anyone)
        const made = await session.request(1, opcodes.create, createWith(path, list))
        await session.request(1, opcodes.create, bodies.create(path, null, 0))
        const set = await session.request(1, opcodes.setACL, setAclOf(path, list))
        expectEqual([made.err, set.err], [err, err], `create and setACL with ${scheme}:${id}`)
        const kept = err === 0 ? [[1, scheme, id], anyone] : [anyone]
        expectEqual(await aclAt(session, path), kept, `what is stored for ${scheme}:${id}`)
      }
    }),
    check('a list that is null, empty or of a negative count is an invalid ACL', async (session) => {
      for (const count of [-1, -2, 0]) {
        const list = new Writer().int(count).bytes()
        const made = await session.request(1, opcodes.create, createWith(`${root}-none`, list))
        const set = await session.request(1, opcodes.setACL, setAclOf('/', list))
        expectEqual([made.err, set.err], [-114, -114], `count ${count}`)
      }
    }),
    check('auth becomes the identities of the caller, after exact duplicates are removed', async (session) => {
      const path = `${root}-auth`
      const list = aclOf(anyone, [1, 'auth', 'x'], anyone, [1, 'auth', 'y'])
      expectEqual((await session.request(1, opcodes.create, createWith(path, list))).err, -114, 'without an id')
      await session.request(-4, opcodes.auth, bodies.auth('digest', 'u:p'))
      expectEqual((await session.request(1, opcodes.create, createWith(path, list))).err, 0, 'with one')
      expectEqual(await aclAt(session, path), [anyone, [1, 'digest', hash], [1, 'digest', hash]], 'stored')
    }),
    check('a request with a null that is compared with an earlier entry is refused', async (session) => {
      const errors: number[] = []
      for (const list of listsWithNulls)
        errors.push((await session.request(1, opcodes.create, createWith(`${root}-x`, aclOf(...list)))).err)
      expectEqual(errors, [-5, -5, -5, -114, -5], 'errors')
    }),
  ]
}

function storedChecks(check: MakeCheck, root: string): readonly Check[] {
  return [
    check('an invalid ACL in a multi is one of its results, and a null id refuses the whole multi', async (session) => {
      const header = new Writer().int(opcodes.create).bool(false).int(-1).bytes()
      const end = new Writer().int(-1).bool(true).int(-1).bytes()
      const multi = (entry: Entry): Promise<RawReply> => {
        const parts = [createWith(`${root}-m1`, aclOf(anyone)), createWith(`${root}-m2`, aclOf(entry))]
        return session.request(5, opcodes.multi, Buffer.concat([...parts.flatMap((part) => [header, part]), end]))
      }
      const { err, body } = await multi([1, 'nonsense', 'x'])
      const codes: number[] = []
      for (let type = body.int(), done = body.bool(); !done; type = body.int(), done = body.bool())
        codes.push(type, body.int(), body.int())
      expectEqual([err, codes], [0, [-1, 0, 0, -1, -114, -114]], 'results')
      const whole = await multi([1, 'world', null])
      expectEqual([whole.err, whole.body.remaining], [-5, 0], 'null id')
    }),
    check('getACL needs READ or ADMIN, and masks digests without ADMIN', async (session) => {
      await session.request(-4, opcodes.auth, bodies.auth('digest', 'u:p'))
      const lists: readonly (readonly Entry[])[] = [
        [[30, 'digest', hash]],
        [
          [16, 'world', 'anyone'],
          [1, 'digest', 'a:b'],
        ],
        [
          [1, 'world', 'anyone'],
          [31, 'digest', 'a:b::'],
        ],
        [[2, 'world', 'anyone']],
      ]
      const seen: unknown[] = []
      for (const [index, list] of lists.entries()) {
        const path = `${root}-seen${index}`
        await session.request(1, opcodes.create, createWith(path, aclOf(...list)))
        seen.push(await aclAt(session, path))
      }
      const masked = [
        [1, 'world', 'anyone'],
        [31, 'digest', 'a:x'],
      ]
      expectEqual(seen, [lists[0], lists[1], masked, -102], 'lists')
    }),
  ]
}

function orderChecks(check: MakeCheck): readonly Check[] {
  const bad = aclOf([1, 'nonsense', 'x'])
  const cases: readonly (readonly [what: string, opcode: number, body: Buffer, err: number])[] = [
    ['flags before the ACL', opcodes.create, createWith('/missing/x', bad, 99), -8],
    ['no slash before the ACL', opcodes.create, createWith('x', bad), -8],
    ['the ACL before the parent', opcodes.create, createWith('/missing/x', bad), -114],
    ['the ACL before the name', opcodes.create, createWith('/a//b', bad), -114],
    ['a null id before the parent', opcodes.create, createWith('/missing/x', aclOf([1, 'world', null])), -5],
    ['the first bad entry', opcodes.create, createWith('/x', aclOf(anyone, [1, 'digest', null])), -5],
    ['the path before the ACL in setACL', opcodes.setACL, setAclOf('x', bad), -8],
    ['the ACL before the znode in setACL', opcodes.setACL, setAclOf('/missing', bad), -114],
    ['the znode in setACL', opcodes.setACL, setAclOf('/missing', aclOf(anyone)), -101],
    ['permission before version in setACL', opcodes.setACL, setAclOf('/zookeeper/config', aclOf(anyone), 77), -102],
    ['version in setACL', opcodes.setACL, setAclOf('/', aclOf(anyone), 77), -103],
    ['the ACL before permission', opcodes.create, createWith('/zookeeper/config/x', bad), -114],
    ['permission', opcodes.create, createWith('/zookeeper/config/x', aclOf(anyone)), -102],
  ]
  return [
    check('a request is checked in the order of ZooKeeper, ACL included', async (session) => {
      for (const [what, opcode, body, err] of cases) {
        const reply = await session.request(3, opcode, body)
        expectEqual([reply.err, reply.body.remaining], [err, 0], what)
      }
    }),
  ]
}

function identityChecks(check: MakeCheck): readonly Check[] {
  const packet = (scheme: string | null, credentials: Buffer | null): Buffer =>
    new Writer()
      .int(0)
      .buffer(scheme === null ? null : Buffer.from(scheme))
      .buffer(credentials)
      .bytes()
  const whoAmI = async (session: RawSession): Promise<readonly string[]> => {
    const { body } = await session.request(2, opcodes.whoAmI)
    return Array.from({ length: body.int() }, () => `${body.ustring()}:${body.ustring()}`).sort()
  }
  const refused: readonly (readonly [string | null, Buffer | null])[] = [
    [null, null],
    ['digest', null],
    ['world', Buffer.from('anyone')],
    ['super', Buffer.alloc(0)],
    ['sasl', Buffer.from('x')],
    ['ensemble', Buffer.from('x')],
    ['key', Buffer.from('5')],
  ]
  return [
    check('whoAmI names the ids that auth has added', async (session) => {
      expectEqual(await whoAmI(session), ['ip:127.0.0.1'], 'at first')
      const bodiesOfAuth = [packet('ip', null), bodies.auth('digest', 'u:p'), bodies.auth('digest', 'u:p')]
      for (const body of [...bodiesOfAuth, bodies.auth('digest', '')]) {
        const { xid, zxid, err, body: rest } = await session.request(-4, opcodes.auth, body)
        expectEqual([xid, zxid, err, rest.remaining], [-4, 0n, 0, 0], 'reply')
      }
      expectEqual(await whoAmI(session), ['digest:', 'digest:u', 'ip:127.0.0.1'], 'ids')
    }),
    ...refused.map(([scheme, credentials]) =>
      check(
        `auth with scheme ${scheme} and without credentials is refused and ends the connection`,
        async (session) => {
          const reply = await session.request(-4, opcodes.auth, packet(scheme, credentials))
          expectEqual([reply.xid, reply.zxid, reply.err], [-4, 0n, -115], 'reply')
          await session.closed
        },
      ),
    ),
  ]
}

function answerChecks(check: MakeCheck): readonly Check[] {
  const reconfig = (curConfigId: bigint): Buffer =>
    new Writer().ustring('server.9=127.0.0.1:1:2;3').buffer(null).buffer(null).long(curConfigId).bytes()
  return [
    check(
      'reconfig is answered ReconfigDisabled after it is decoded, and the connection stays open',
      async (session) => {
        const errors: number[] = []
        for (const body of [reconfig(-1n), reconfig(77n), Buffer.alloc(3)])
          errors.push((await session.request(3, opcodes.reconfig, body)).err)
        expectEqual(errors, [-123, -123, -5], 'errors')
        expectEqual((await session.request(-2, opcodes.ping)).err, 0, 'ping')
      },
    ),
    check('sasl is answered with no token while no login is configured', async (session) => {
      for (const token of ['', 'token']) {
        const reply = await session.request(3, opcodes.sasl, new Writer().ustring(token).bytes())
        expectEqual([reply.xid, reply.zxid, reply.err, reply.body.buffer()], [3, 0n, 0, null], 'reply')
      }
    }),
    check('the configuration znode of a standalone server is empty, and every client may read it', async (session) => {
      const { err, body } = await session.request(1, opcodes.getData, bodies.pathAndWatch('/zookeeper/config', false))
      expectEqual([err, body.buffer()?.length], [0, 0], 'data')
      expectEqual(readStat(body).aversion, -1, 'aversion')
      expectEqual(await aclAt(session, '/zookeeper/config'), [[1, 'world', 'anyone']], 'ACL')
    }),
  ]
}

function aclOf(...entries: readonly Entry[]): Buffer {
  const writer = new Writer().int(entries.length)
  const text = (value: string | null): Buffer | null => (value === null ? null : Buffer.from(value))
  for (const [perms, scheme, id] of entries) writer.int(perms).buffer(text(scheme)).buffer(text(id))
  return writer.bytes()
}

function createWith(path: string, acl: Buffer, flags = 0): Buffer {
  return new Writer().ustring(path).buffer(null).raw(acl).int(flags).bytes()
}

function setAclOf(path: string, acl: Buffer, version = -1): Buffer {
  return new Writer().ustring(path).raw(acl).int(version).bytes()
}

/** The list that getACL shows, or its error. */
async function aclAt(session: RawSession, path: string): Promise<readonly unknown[] | number> {
  const { err, body } = await session.request(1, opcodes.getACL, bodies.path(path))
  return err === 0 ? Array.from({ length: body.int() }, () => [body.int(), body.ustring(), body.ustring()]) : err
}
