/**
 * Single requests on the wire: headers, error codes, Stats, multi results, limits.
 */
import { type Check, expectEqual, expectTrue } from '../checks.ts'
import {
  bodies,
  connectRaw,
  opcodes,
  openAcl,
  type RawReply,
  type RawSession,
  readStat,
  Writer,
} from '../raw-client.ts'
import { type MakeCheck, sessionCheck, type Talk } from './session-check.ts'

export function requestChecks(port: number, root: string): readonly Check[] {
  const check = sessionCheck(port)
  return [
    ...headerChecks(check),
    ...nodeChecks(check, `${root}-nodes`),
    digestCheck(port, `${root}-guarded`),
    ...multiChecks(check, `${root}-multi`),
    ...limitChecks(check, `${root}-limits`),
  ]
}

function headerChecks(check: MakeCheck): readonly Check[] {
  const unknown =
    (opcode: number): Talk =>
    async (session) => {
      const reply = await session.request(9, opcode)
      expectEqual([reply.xid, reply.err, reply.body.remaining], [9, -6, 0], 'reply')
      if (process.env['ZK_TARGET'] === 'zookeeper') await session.closed
      else expectEqual((await session.request(-2, opcodes.ping)).err, 0, 'ping after it')
    }
  return [
    ...[999, 0, -1, 10].map((opcode) =>
      check(`operation ${opcode} is answered Unimplemented; only ZooKeeper closes the connection`, unknown(opcode)),
    ),
    check('check outside a multi is answered Unimplemented', async (session) => {
      expectEqual((await session.request(9, opcodes.check, bodies.pathAndVersion('/', -1))).err, -6, 'err')
    }),
    check('ping is always answered with xid -2', async (session) => {
      const replies = [await session.request(-2, opcodes.ping), await session.request(77, opcodes.ping)]
      expectEqual(
        replies.map((reply) => [reply.xid, reply.err, reply.body.remaining]),
        [
          [-2, 0, 0],
          [-2, 0, 0],
        ],
        'replies',
      )
    }),
    check('sync echoes its path, whether the znode exists or not', async (session) => {
      const reply = await session.request(4, opcodes.sync, bodies.path('/missing/znode'))
      expectEqual([reply.xid, reply.err, reply.body.ustring()], [4, 0, '/missing/znode'], 'reply')
    }),
    check('pipelined requests are answered in their order', async (session) => {
      const replies = await Promise.all(
        Array.from({ length: 200 }, (_, index) => {
          if (index % 3 === 0)
            return session.request(index + 1, opcodes.setData, bodies.setData('/', Buffer.from('x'), -1))
          if (index % 3 === 1) return session.request(index + 1, opcodes.getData, bodies.pathAndWatch('/', false))
          return session.request(index + 1, opcodes.sync, bodies.path('/'))
        }),
      )
      expectEqual(
        replies.map((reply) => reply.xid),
        replies.map((_, index) => index + 1),
        'xids',
      )
      expectTrue(
        replies.every((reply) => reply.err === 0),
        'every reply is a success',
      )
    }),
    check('an unknown auth scheme is answered AuthFailed and the connection is closed', async (session) => {
      const reply = await session.request(-4, opcodes.auth, bodies.auth('no-such-scheme', 'x'))
      expectEqual([reply.xid, reply.err], [-4, -115], 'reply')
      await session.closed
    }),
  ]
}

function nodeChecks(check: MakeCheck, root: string): readonly Check[] {
  const failing = async (
    session: RawSession,
    opcode: number,
    body: Buffer,
    code: number,
    what: string,
  ): Promise<void> => {
    const reply = await session.request(5, opcode, body)
    expectEqual([reply.err, reply.body.remaining], [code, 0], what)
  }
  return [
    check('a new znode has the Stat of its own transaction', async (session) => {
      const reply = await session.request(1, opcodes.create2, bodies.create(root, Buffer.from('abc'), 0))
      expectEqual([reply.err, reply.body.ustring()], [0, root], 'reply')
      const stat = readStat(reply.body)
      expectEqual([stat.czxid, stat.mzxid, stat.pzxid], [reply.zxid, reply.zxid, reply.zxid], 'zxids')
      expectEqual(stat.ctimeMs, stat.mtimeMs, 'times')
      expectEqual(
        [stat.version, stat.cversion, stat.aversion, stat.ephemeralOwner, stat.dataLength, stat.numChildren],
        [0, 0, 0, 0n, 3, 0],
        'rest',
      )
      expectEqual(reply.body.remaining, 0, 'bytes left')
    }),
    check(
      'setData changes only version and mzxid, children change only cversion and pzxid of the parent',
      async (session) => {
        const before = readStat((await session.request(1, opcodes.exists, bodies.pathAndWatch(root, false))).body)
        const written = await session.request(2, opcodes.setData, bodies.setData(root, Buffer.from('abcde'), 0))
        const afterWrite = readStat(written.body)
        expectEqual(
          { ...afterWrite, mtimeMs: 0n },
          { ...before, version: 1, dataLength: 5, mzxid: written.zxid, mtimeMs: 0n },
          'after setData',
        )
        const made = await session.request(3, opcodes.create, bodies.create(`${root}/child`, null, 0))
        const afterCreate = readStat((await session.request(4, opcodes.exists, bodies.pathAndWatch(root, false))).body)
        expectEqual(
          afterCreate,
          { ...afterWrite, cversion: 1, numChildren: 1, pzxid: made.zxid },
          'after create of a child',
        )
        const gone = await session.request(5, opcodes.delete, bodies.pathAndVersion(`${root}/child`, 0))
        const afterDelete = readStat((await session.request(6, opcodes.exists, bodies.pathAndWatch(root, false))).body)
        expectEqual(
          afterDelete,
          { ...afterWrite, cversion: 2, numChildren: 0, pzxid: gone.zxid },
          'after delete of the child',
        )
      },
    ),
    check('null data and empty data are distinguished', async (session) => {
      const data = async (path: string, value: Buffer | null): Promise<Buffer | null> => {
        await session.request(1, opcodes.create, bodies.create(path, value, 0))
        return (await session.request(2, opcodes.getData, bodies.pathAndWatch(path, false))).body.buffer()
      }
      expectEqual(
        [await data(`${root}/null`, null), (await data(`${root}/empty`, Buffer.alloc(0)))?.length],
        [null, 0],
        'data',
      )
    }),
    check('refused writes carry the codes of ZooKeeper and no body', async (session) => {
      await session.request(1, opcodes.create, bodies.create(`${root}/parent`, null, 0))
      await session.request(2, opcodes.create, bodies.create(`${root}/parent/child`, null, 1))
      await failing(session, opcodes.create, bodies.create(`${root}/parent`, null, 0), -110, 'create of what exists')
      await failing(session, opcodes.create, bodies.create('/missing/child', null, 0), -101, 'create without a parent')
      await failing(
        session,
        opcodes.create,
        bodies.create(`${root}/parent/child/more`, null, 0),
        -108,
        'child of an ephemeral',
      )
      await failing(
        session,
        opcodes.create,
        bodies.create(`${root}/a/`, null, 0),
        -101,
        'trailing slash under a missing parent',
      )
      await failing(session, opcodes.create, bodies.create(`${root}/..`, null, 0), -8, 'relative path')
      await failing(session, opcodes.create, bodies.create(`${root}/x`, null, 99), -8, 'unknown flags')
      await failing(session, opcodes.create, bodies.create(`${root}/ttl`, null, 5), -6, 'TTL without extended types')
      await failing(session, opcodes.delete, bodies.pathAndVersion(`${root}/parent`, -1), -111, 'delete of a parent')
      await failing(
        session,
        opcodes.delete,
        bodies.pathAndVersion(`${root}/parent`, 9),
        -103,
        'delete of a wrong version',
      )
      await failing(session, opcodes.delete, bodies.pathAndVersion(`${root}/missing`, -1), -101, 'delete of nothing')
      await failing(session, opcodes.delete, bodies.pathAndVersion('/zookeeper', -1), -8, 'delete of /zookeeper')
      await failing(
        session,
        opcodes.setData,
        bodies.setData(`${root}/parent`, null, 3),
        -103,
        'setData of a wrong version',
      )
      await failing(session, opcodes.setData, bodies.setData(`${root}/missing`, null, -1), -101, 'setData of nothing')
      await failing(session, opcodes.getData, bodies.pathAndWatch(`${root}/missing`, false), -101, 'getData of nothing')
      await failing(
        session,
        opcodes.getChildren,
        bodies.pathAndWatch(`${root}/missing`, false),
        -101,
        'getChildren of nothing',
      )
      const emptyAcl = new Writer().ustring(`${root}/noacl`).buffer(null).int(0).int(0).bytes()
      await failing(session, opcodes.create, emptyAcl, -114, 'create with an empty ACL')
    }),
    check('sequence numbers count creations: deletes and failures do not advance them', async (session) => {
      const name = async (flags: number): Promise<string | null> =>
        (await session.request(1, opcodes.create, bodies.create(`${root}/seq/n-`, null, flags))).body.ustring()
      await session.request(1, opcodes.create, bodies.create(`${root}/seq`, null, 0))
      expectEqual(await name(2), `${root}/seq/n-0000000000`, 'first')
      await session.request(1, opcodes.delete, bodies.pathAndVersion(`${root}/seq/n-0000000000`, -1))
      await session.request(1, opcodes.create, bodies.create(`${root}/seq/plain`, null, 0))
      await session.request(1, opcodes.create, bodies.create(`${root}/seq/plain`, null, 0))
      expectEqual([await name(3), await name(2)], [`${root}/seq/n-0000000002`, `${root}/seq/n-0000000003`], 'next two')
    }),
  ]
}

function digestCheck(port: number, path: string): Check {
  const ids = ({ body }: RawReply): (string | null)[] =>
    Array.from({ length: body.int() }, () => {
      body.int()
      body.ustring()
      return body.ustring()
    })
  return {
    title: 'digest ids are masked for readers without ADMIN, and another client may not write',
    async run() {
      const [owner, another] = [await connectRaw({ port }), await connectRaw({ port })]
      await owner.request(-4, opcodes.auth, bodies.auth('digest', 'u:p'))
      const acl = new Writer()
        .int(2)
        .int(31)
        .ustring('auth')
        .ustring('')
        .int(1)
        .ustring('world')
        .ustring('anyone')
        .bytes()
      const made = await owner.request(
        1,
        opcodes.create,
        new Writer().ustring(path).buffer(null).raw(acl).int(0).bytes(),
      )
      expectEqual(made.err, 0, 'create')
      const seenByOwner = ids(await owner.request(2, opcodes.getACL, bodies.path(path)))
      const seenByAnother = ids(await another.request(2, opcodes.getACL, bodies.path(path)))
      expectEqual(seenByOwner, ['u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=', 'anyone'], 'ids for the owner')
      expectEqual(seenByAnother, ['u:x', 'anyone'], 'ids for another client')
      expectEqual(
        (await another.request(3, opcodes.setData, bodies.setData(path, null, -1))).err,
        -102,
        'setData by another client',
      )
      expectEqual(
        (await owner.request(3, opcodes.setData, bodies.setData(path, null, -1))).err,
        0,
        'setData by the owner',
      )
      owner.drop()
      another.drop()
    },
  }
}

function multiChecks(check: MakeCheck, root: string): readonly Check[] {
  const header = (type: number): Writer => new Writer().int(type).bool(false).int(-1)
  const end = new Writer().int(-1).bool(true).int(-1).bytes()
  const create = (path: string): Buffer =>
    header(opcodes.create).ustring(path).buffer(null).raw(openAcl()).int(0).bytes()
  const checkVersion = (path: string, version: number): Buffer =>
    header(opcodes.check).ustring(path).int(version).bytes()
  const setData = (path: string): Buffer =>
    header(opcodes.setData).ustring(path).buffer(Buffer.from('new')).int(-1).bytes()
  const remove = (path: string): Buffer => header(opcodes.delete).ustring(path).int(-1).bytes()
  return [
    check('a multi answers each operation with its type and body, under one zxid', async (session) => {
      const request = Buffer.concat([
        create(root),
        create(`${root}/a`),
        checkVersion(root, 0),
        setData(root),
        remove(`${root}/a`),
        end,
      ])
      const { err, zxid, body } = await session.request(1, opcodes.multi, request)
      const seen: unknown[] = [err]
      for (let type = body.int(); type !== -1; type = body.int()) {
        seen.push([type, body.bool(), body.int()])
        if (type === opcodes.create) seen.push(body.ustring())
        if (type === opcodes.setData) {
          const stat = readStat(body)
          seen.push([stat.czxid === zxid, stat.mzxid === zxid, stat.version, stat.numChildren])
        }
      }
      expectEqual(
        seen,
        [
          0,
          [1, false, 0],
          root,
          [1, false, 0],
          `${root}/a`,
          [13, false, 0],
          [5, false, 0],
          [true, true, 1, 1],
          [2, false, 0],
        ],
        'results',
      )
      expectEqual([body.bool(), body.int(), body.remaining], [true, -1, 0], 'end marker')
    }),
    check('a failed multi has header err 0 and codes 0, the failure, then -2, and changes nothing', async (session) => {
      const request = Buffer.concat([
        create(`${root}/b`),
        checkVersion(root, 77),
        setData(root),
        create(`${root}/c`),
        end,
      ])
      const { err, body } = await session.request(1, opcodes.multi, request)
      const codes: number[] = []
      for (let type = body.int(), done = body.bool(); !done; type = body.int(), done = body.bool())
        codes.push(type, body.int(), body.int())
      expectEqual([err, codes], [0, [-1, 0, 0, -1, -103, -103, -1, -2, -2, -1, -2, -2]], 'results')
      expectEqual(
        (await session.request(2, opcodes.exists, bodies.pathAndWatch(`${root}/b`, false))).err,
        -101,
        'exists',
      )
    }),
    check('an empty multi succeeds with the end marker alone', async (session) => {
      const reply = await session.request(1, opcodes.multi, end)
      expectEqual([reply.err, reply.body.remaining, reply.body.int()], [0, 9, -1], 'reply')
    }),
    check('a multi with a read inside is refused as a whole', async (session) => {
      const request = Buffer.concat([
        create(`${root}/d`),
        header(opcodes.getData).ustring(root).bool(false).bytes(),
        end,
      ])
      expectEqual((await session.request(1, opcodes.multi, request)).err, -5, 'err')
      expectEqual(
        (await session.request(2, opcodes.exists, bodies.pathAndWatch(`${root}/d`, false))).err,
        -101,
        'exists',
      )
    }),
  ]
}

function limitChecks(check: MakeCheck, root: string): readonly Check[] {
  const largest = 1_048_575 - 8 - (4 + root.length) - 4 - 4
  return [
    check('a frame of 1048575 bytes is served', async (session) => {
      await session.request(1, opcodes.create, bodies.create(root, null, 0))
      const reply = await session.request(2, opcodes.setData, bodies.setData(root, Buffer.alloc(largest), -1))
      expectEqual([reply.err, readStat(reply.body).dataLength], [0, largest], 'reply')
      await session.request(3, opcodes.delete, bodies.pathAndVersion(root, -1))
    }),
    check('a frame of 1048576 bytes is refused; only ZooKeeper closes the connection', async (session) => {
      const tooLong = bodies.setData(root, Buffer.alloc(largest + 1), -1)
      if (process.env['ZK_TARGET'] === 'zookeeper') {
        session.request(1, opcodes.setData, tooLong).catch(() => undefined)
        await session.closed
        return
      }
      const replies = await Promise.all([
        session.request(1, opcodes.create, bodies.create(root, null, 0)),
        session.request(2, opcodes.setData, tooLong),
        session.request(3, opcodes.setData, bodies.setData(root, Buffer.alloc(3_000_000), -1)),
        session.request(4, opcodes.exists, bodies.pathAndWatch(root, false)),
        session.request(5, opcodes.delete, bodies.pathAndVersion(root, 0)),
      ])
      expectEqual(
        replies.map(({ xid, err }) => [xid, err]),
        [
          [1, 0],
          [2, -5],
          [3, -5],
          [4, 0],
          [5, 0],
        ],
        'replies',
      )
    }),
    check('a setWatches above the limit closes the connection, so that the client notices', async (session) => {
      session.request(-8, opcodes.setWatches, Buffer.alloc(1_048_576)).catch(() => undefined)
      await session.closed
    }),
  ]
}
