import { expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { SessionIdSource } from '../../../src/sessions/session-id-source.ts'
import { StandaloneReplica, wallMsAtStart } from '../standalone-replica.ts'

test('a new session never gets the id of an existing one, even if the wall clock was set back', () => {
  const replica = new StandaloneReplica()
  const earlierRun = new SessionIdSource(1 as ServerId, wallMsAtStart)
  const living = [earlierRun.next(), earlierRun.next()]
  for (const sessionId of living) replica.state.sessions.put(sessionId, 30_000)
  replica.connect(1)
  const reply = replica.replies.at(-1)
  expect(reply?.kind === 'connect-response' ? reply.sessionId : null).toBe(earlierRun.next())
  expect(replica.state.sessions.count).toBe(3)
})
