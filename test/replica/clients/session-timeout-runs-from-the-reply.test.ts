import { expect, test } from 'vitest'
import { StandaloneReplica } from '../standalone-replica.ts'

test('the timeout of a session starts when its client gets the reply, however slow the disk was', () => {
  const replica = new StandaloneReplica(['maxSessionTimeout=20000'])
  replica.connect(1, 15_000)
  replica.pass(19_000)
  expect(replica.state.sessions.count).toBe(1)
  replica.pass(3_000)
  expect(replica.state.sessions.count).toBe(0)
})
