/**
 * What a run with faults writes to before its clients start, and all data that each server has at the end.
 * Shared by the programs that run clients while servers fail.
 */
import { bodies, connectRaw, opcodes, type RawSession, readStat } from '../raw-client.ts'
import type { Servers } from '../servers.ts'
import type { FinalState } from './checker.ts'
import { answered, chaosPaths, counterCount, pauseMs } from './workload.ts'

const sessionsGoneTimeoutMs = 30_000

export async function prepareTree(servers: Servers): Promise<void> {
  const session = await connectRaw({ port: servers.clientPorts[0]! })
  const counters = Array.from({ length: counterCount }, (_, index) => `${chaosPaths.counters}/${index}`)
  for (const path of [...Object.values(chaosPaths), ...counters]) {
    const { err } = await answered(session, opcodes.create, bodies.create(path, null, 0))
    if (err !== 0) throw new Error(`create ${path}: ${err}`)
  }
  await answered(session, opcodes.closeSession, Buffer.alloc(0))
}

export async function readEverything(server: string, port: number): Promise<FinalState> {
  const session = await connectRaw({ port, timeoutMs: 10_000 })
  await answered(session, opcodes.sync, bodies.path('/'))
  const values = new Map<string, string>()
  for (const parent of [chaosPaths.values, chaosPaths.sequential]) {
    const paths = (await children(session, parent)).map((name) => `${parent}/${name}`)
    for (let start = 0; start < paths.length; start += 500) {
      const batch = paths.slice(start, start + 500)
      const replies = await Promise.all(
        batch.map((path) => answered(session, opcodes.getData, bodies.pathAndWatch(path, false))),
      )
      for (const [index, reply] of replies.entries())
        values.set(batch[index]!, reply.body.buffer()?.toString('utf8') ?? '')
    }
  }
  const counterVersions = new Map<string, number>()
  for (const name of await children(session, chaosPaths.counters)) {
    const path = `${chaosPaths.counters}/${name}`
    const reply = await answered(session, opcodes.exists, bodies.pathAndWatch(path, false))
    counterVersions.set(path, readStat(reply.body).version)
  }
  const ephemerals = await waitForNoEphemerals(session)
  await answered(session, opcodes.closeSession, Buffer.alloc(0))
  return { server, values, counterVersions, ephemerals }
}

/** Sessions that were not closed expire after their timeout. An ephemeral that exists long after that has outlived its session. */
async function waitForNoEphemerals(session: RawSession): Promise<readonly string[]> {
  const deadline = Date.now() + sessionsGoneTimeoutMs
  for (;;) {
    const left = await children(session, chaosPaths.live)
    if (left.length === 0 || Date.now() > deadline) return left
    await pauseMs(200)
  }
}

async function children(session: RawSession, path: string): Promise<readonly string[]> {
  const reply = await answered(session, opcodes.getChildren, bodies.pathAndWatch(path, false))
  if (reply.err !== 0) throw new Error(`getChildren ${path}: ${reply.err}`)
  return reply.body.ustrings()
}
