/**
 * What a server with `compatibility=strict` does as Apache ZooKeeper does: the checks pass on both, unchanged. Test suites
 * of kazoo, of the C client and of ZooKeeper itself pin the closed connections.
 */
import { type Check, expectEqual } from '../checks.ts'
import { bodies, opcodes, Writer } from '../raw-client.ts'
import { sessionCheck } from './session-check.ts'

const frameSizeBytesMax = 1_048_575

export function strictChecks(port: number, root: string): readonly Check[] {
  const check = sessionCheck(port)
  return [
    ...[999, 0, -1, opcodes.check, 500].map((opcode) =>
      check(
        `operation ${opcode} is answered Unimplemented with zxid -1, and closes the connection`,
        async (session) => {
          const { xid, zxid, err } = await session.request(9, opcode, bodies.pathAndVersion('/', -1))
          expectEqual([xid, zxid, err], [9, -1n, -6], 'reply')
          await session.closed
        },
      ),
    ),
    check('a request of 1048576 bytes closes the connection without a reply', async (session) => {
      const body = Buffer.alloc(frameSizeBytesMax + 1 - 8)
      session.request(1, opcodes.setData, body).catch(() => undefined)
      await session.closed
      expectEqual(session.replyCount(), 0, 'replies')
    }),
    check('an auth that cannot be decoded closes the connection without a reply', async (session) => {
      session.request(-4, opcodes.auth, Buffer.alloc(3)).catch(() => undefined)
      await session.closed
      expectEqual(session.replyCount(), 0, 'replies')
    }),
    check('a write that is refused takes a zxid, and its reply carries it', async (session) => {
      const first = await session.request(1, opcodes.create, bodies.create(root, null, 0))
      const refused = await session.request(2, opcodes.create, bodies.create(root, null, 0))
      const last = await session.request(3, opcodes.delete, bodies.pathAndVersion(root, -1))
      expectEqual([first.err, refused.err, last.err], [0, -110, 0], 'errors')
      expectEqual([refused.zxid - first.zxid, last.zxid - first.zxid], [1n, 2n], 'zxids after the first')
    }),
    check('a create of a TTL znode is answered Unimplemented unless it is switched on', async (session) => {
      const ttl = new Writer()
        .raw(bodies.create(`${root}-ttl`, null, 5))
        .long(1000n)
        .bytes()
      expectEqual((await session.request(1, opcodes.createTTL, ttl)).err, -6, 'err')
      expectEqual((await session.request(2, opcodes.ping)).err, 0, 'ping after it')
    }),
    check('a null path can be watched', async (session) => {
      const nullPath = new Writer().int(-1).int(1).bytes()
      expectEqual((await session.request(1, opcodes.addWatch, nullPath)).err, 0, 'err')
    }),
  ]
}
