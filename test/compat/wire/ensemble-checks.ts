/**
 * Checks of an ensemble that need bare frames: a session that moves from server to server, and the answers of each server.
 */
import { type Check, expectEqual } from '../checks.ts'
import { bodies, connectRaw, opcodes, readStat } from '../raw-client.ts'

export function ensembleChecks(ports: readonly number[], root: string): readonly Check[] {
  return [
    {
      title: 'a session moves over all servers twice and keeps its id, its ephemeral and its last write',
      async run() {
        let session = await connectRaw({ port: ports[0]! })
        let lastZxidSeen = (await session.request(1, opcodes.create, bodies.create(root, null, 1))).zxid
        for (const [step, port] of [...ports.slice(1), ...ports, ports[0]!].entries()) {
          session.drop()
          const { sessionId, password } = session
          // A server that has not applied the last zxid of the client closes the connection. Clients then try again.
          session = await insist(() => connectRaw({ port, sessionId, password, lastZxidSeen }))
          expectEqual(session.sessionId, sessionId, `session id at step ${step}`)
          const stat = readStat((await session.request(2, opcodes.exists, bodies.pathAndWatch(root, false))).body)
          expectEqual([stat.version, stat.ephemeralOwner], [step, sessionId], `Stat at step ${step}`)
          const written = await session.request(3, opcodes.setData, bodies.setData(root, null, step))
          expectEqual(written.err, 0, `setData at step ${step}`)
          lastZxidSeen = written.zxid
        }
        await session.request(4, opcodes.closeSession)
      },
    },
    membersCheck(ports),
    {
      title: 'every server refuses a session with a wrong password, and the session stays alive',
      async run() {
        const session = await connectRaw({ port: ports[0]! })
        for (const port of ports.slice(1)) {
          const thief = await connectRaw({ port, sessionId: session.sessionId, password: Buffer.alloc(16, 9) })
          expectEqual([thief.negotiatedTimeoutMs, thief.sessionId], [0, 0n], 'connect response')
          await thief.closed
        }
        expectEqual((await session.request(1, opcodes.setData, bodies.setData('/', null, -1))).err, 0, 'setData')
        await session.request(2, opcodes.closeSession)
      },
    },
    {
      title: 'a session closed on one server is unknown on every other',
      async run() {
        const session = await connectRaw({ port: ports[0]! })
        await session.request(1, opcodes.closeSession)
        for (const port of ports.slice(1)) {
          const again = await connectRaw({ port, sessionId: session.sessionId, password: session.password })
          expectEqual([again.negotiatedTimeoutMs, again.sessionId], [0, 0n], 'connect response')
        }
      },
    },
    {
      title: 'no session expires before its timeout on a server that does not lead, and pings reach the leader',
      async run() {
        const sessions = await Promise.all(ports.map((port) => connectRaw({ port, timeoutMs: 2000 })))
        const untilMs = Date.now() + 6000
        while (Date.now() < untilMs) {
          for (const session of sessions) expectEqual((await session.request(-2, opcodes.ping)).err, 0, 'ping')
          await new Promise((resolve) => setTimeout(resolve, 300))
        }
        for (const session of sessions) {
          expectEqual((await session.request(1, opcodes.setData, bodies.setData('/', null, -1))).err, 0, 'setData')
          await session.request(2, opcodes.closeSession)
        }
      },
    },
  ]
}

async function insist<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 5000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

function membersCheck(ports: readonly number[]): Check {
  return {
    title: 'every server shows the same members in the configuration znode, each with its client address',
    async run() {
      const texts: string[] = []
      for (const port of ports) {
        const session = await connectRaw({ port })
        const { body } = await session.request(1, opcodes.getData, bodies.pathAndWatch('/zookeeper/config', false))
        const text = body.ustring() ?? ''
        const stat = readStat(body)
        expectEqual([stat.version, stat.aversion, stat.dataLength], [-1, -1, text.length], `Stat on ${port}`)
        texts.push(text)
        await session.request(2, opcodes.closeSession)
      }
      expectEqual(new Set(texts).size, 1, 'texts')
      const lines = texts[0]!.split('\n').map((line) => line.replace(/^(server\.\d+=127\.0\.0\.1):\d+:\d+:/, '$1:'))
      const members = ports.map((port, index) => `server.${index + 1}=127.0.0.1:participant;127.0.0.1:${port}`)
      expectEqual(lines.slice(0, -1), members, 'members')
      expectEqual(/^version=[0-9a-f]+$/.test(lines.at(-1)!), true, 'version')
    },
  }
}
