import { expect, test } from 'vitest'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { type MultiOp, writeMultiRequest } from '../../../src/protocol/client/multi.ts'
import { StandaloneReplica } from '../standalone-replica.ts'

const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
// Twenty megabytes of paths, as many as a hundred thousand of two hundred letters have; a few long ones are faster.
const ephemeralCount = 20_000
const perMultiCount = 500
const longName = 'x'.repeat(1000)

function multi(parts: readonly MultiOp[]): Uint8Array {
  const writer = new JuteWriter()
  writeMultiRequest(writer, parts)
  return writer.take()
}

test('a session whose ephemerals have twenty megabytes of paths can expire', () => {
  const replica = new StandaloneReplica()
  replica.connect(1)
  for (let made = 0; made < ephemeralCount; made += perMultiCount) {
    const parts = Array.from({ length: perMultiCount }, (_, i): MultiOp => {
      const path = `/${longName}${made + i}`
      return { kind: 'create', op: 'create', path, data: null, acl: openAcl, flags: 1, ttlMs: -1n }
    })
    expect(replica.ask(1, 'multi', multi(parts)).error).toBe(null)
  }
  expect(replica.state.tree.ephemeralsCount).toBe(ephemeralCount)
  replica.pass(30_000)
  expect([replica.state.tree.ephemeralsCount, replica.state.sessions.count]).toEqual([0, 0])
}, 30_000)
