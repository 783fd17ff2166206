/**
 * Sessions on the wire: connect frames, negotiation, passwords, re-attachment, expiry, close. The servers run with tickTime=1000,
 * so negotiated timeouts are between 2 and 20 s.
 */
import { type Check, eventually, expectEqual, expectTrue } from '../checks.ts'
import { bodies, type ConnectOptions, connectRaw, opcodes } from '../raw-client.ts'

export function sessionChecks(port: number, root: string): readonly Check[] {
  return [...negotiationChecks(port), ...reattachChecks(port, root), ...endChecks(port, root)]
}

/** ZK: SessionTrackerImpl and ZooKeeperServer.generatePasswd: java.util.Random seeded with the id, masked with a constant. */
export function passwordOf(sessionId: bigint): Buffer {
  const mask = (1n << 48n) - 1n
  let state = (sessionId ^ 0xb3415c00n ^ 0x5deece66dn) & mask
  const password = Buffer.alloc(16)
  for (let word = 0; word < 4; word += 1) {
    state = (state * 0x5deece66dn + 0xbn) & mask
    password.writeUInt32LE(Number((state >> 16n) & 0xffffffffn), word * 4)
  }
  return password
}

function negotiationChecks(port: number): readonly Check[] {
  const negotiated = async (timeoutMs: number): Promise<number> => {
    const session = await connectRaw({ port, timeoutMs })
    await session.request(1, opcodes.closeSession)
    return session.negotiatedTimeoutMs
  }
  return [
    {
      title: 'connect answers 37 bytes to a client that sends the read-only byte, 36 to one that does not',
      async run() {
        const modern = await connectRaw({ port })
        const old = await connectRaw({ port, sendReadOnlyByte: false })
        expectEqual([modern.connectFrameBytes, old.connectFrameBytes], [37, 36], 'frame lengths')
        modern.drop()
        old.drop()
      },
    },
    {
      title: 'connect clamps the session timeout between 2 and 20 ticks',
      async run() {
        expectEqual(
          [await negotiated(1), await negotiated(7000), await negotiated(3_600_000)],
          [2000, 7000, 20_000],
          'timeouts',
        )
        expectEqual([await negotiated(0), await negotiated(-5)], [2000, 2000], 'timeouts of senseless requests')
      },
    },
    {
      title: 'connect returns the password that every ZooKeeper server computes from the session id',
      async run() {
        const session = await connectRaw({ port })
        expectEqual(session.password.toString('hex'), passwordOf(session.sessionId).toString('hex'), 'password')
        session.drop()
      },
    },
    {
      title: 'connect is closed without an answer when the client has seen a later zxid',
      async run() {
        const outcome = await connectRaw({ port, lastZxidSeen: 1n << 60n }).then(
          () => 'answered',
          () => 'closed',
        )
        expectEqual(outcome, 'closed', 'outcome')
      },
    },
  ]
}

function reattachChecks(port: number, root: string): readonly Check[] {
  const refusal = async (options: ConnectOptions): Promise<void> => {
    const session = await connectRaw(options)
    expectEqual(
      [session.negotiatedTimeoutMs, session.sessionId, session.password.toString('hex')],
      [0, 0n, '00'.repeat(16)],
      'connect response',
    )
    await session.closed
  }
  return [
    {
      title: 're-attaching keeps the session id, the password and the ephemerals',
      async run() {
        const path = `${root}-reattach`
        const before = await connectRaw({ port })
        expectEqual((await before.request(1, opcodes.create, bodies.create(path, null, 1))).err, 0, 'create')
        before.drop()
        const after = await connectRaw({
          port,
          sessionId: before.sessionId,
          password: before.password,
          timeoutMs: 5000,
        })
        expectEqual([after.sessionId, after.negotiatedTimeoutMs], [before.sessionId, 5000], 'session')
        expectEqual(after.password, before.password, 'password')
        expectEqual((await after.request(1, opcodes.exists, bodies.pathAndWatch(path, false))).err, 0, 'exists')
        await after.request(2, opcodes.closeSession)
      },
    },
    {
      title: 're-attaching closes the older connection of the session',
      async run() {
        const before = await connectRaw({ port })
        const after = await connectRaw({ port, sessionId: before.sessionId, password: before.password })
        await before.closed
        expectEqual((await after.request(1, opcodes.ping)).err, 0, 'ping on the newer connection')
        after.drop()
      },
    },
    {
      title: 're-attaching with a wrong password is refused with zeros and a close',
      async run() {
        const session = await connectRaw({ port })
        session.drop()
        await refusal({ port, sessionId: session.sessionId, password: Buffer.alloc(16, 7) })
      },
    },
    {
      title: 're-attaching to an unknown session is refused with zeros and a close',
      run: () => refusal({ port, sessionId: 0x1234n, password: passwordOf(0x1234n) }),
    },
  ]
}

function endChecks(port: number, root: string): readonly Check[] {
  return [
    {
      title: 'closeSession is answered, the connection is closed and the ephemerals are deleted',
      async run() {
        const path = `${root}-closing`
        const session = await connectRaw({ port })
        await session.request(1, opcodes.create, bodies.create(path, null, 1))
        const reply = await session.request(2, opcodes.closeSession)
        expectEqual([reply.xid, reply.err, reply.body.remaining], [2, 0, 0], 'reply')
        await session.closed
        const other = await connectRaw({ port })
        expectEqual((await other.request(1, opcodes.exists, bodies.pathAndWatch(path, false))).err, -101, 'exists')
        other.drop()
        const again = await connectRaw({ port, sessionId: session.sessionId, password: session.password })
        expectEqual(again.sessionId, 0n, 'session id on return')
      },
    },
    {
      title: 'a silent session expires: its ephemerals are deleted, its connection is closed, it cannot be re-attached',
      async run() {
        const path = `${root}-silent`
        const silent = await connectRaw({ port, timeoutMs: 2000 })
        await silent.request(1, opcodes.create, bodies.create(path, null, 1))
        const startedAtMs = Date.now()
        const watcher = await connectRaw({ port, timeoutMs: 20_000 })
        await eventually(
          async () => (await watcher.request(1, opcodes.exists, bodies.pathAndWatch(path, false))).err === -101,
          8000,
          'the ephemeral goes',
        )
        const livedMs = Date.now() - startedAtMs
        expectTrue(livedMs >= 1900, `expired after ${livedMs} ms, before its timeout of 2000 ms`)
        await silent.closed
        const again = await connectRaw({ port, sessionId: silent.sessionId, password: silent.password })
        expectEqual([again.negotiatedTimeoutMs, again.sessionId], [0, 0n], 'connect response on return')
        watcher.drop()
      },
    },
    {
      title: 'pings keep a session alive past its timeout',
      async run() {
        const session = await connectRaw({ port, timeoutMs: 2000 })
        const untilMs = Date.now() + 5000
        await eventually(
          async () => (await session.request(-2, opcodes.ping)).err !== 0 || Date.now() > untilMs,
          8000,
          'pings',
        )
        expectEqual((await session.request(1, opcodes.exists, bodies.pathAndWatch('/', false))).err, 0, 'exists')
        await session.request(2, opcodes.closeSession)
      },
    },
  ]
}
