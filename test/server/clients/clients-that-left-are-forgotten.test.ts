import { expect, test } from 'vitest'
import { connectFrame, joined } from '../../support/conversation.ts'
import { authFrame, createFrame } from '../../support/requests.ts'
import { standaloneConfig, World } from '../../support/server-rig.ts'

// Requests of a client that has left are carried out if the configuration says so. One of them may close the connection,
// whose stream has ended already: no other end will come.
test('a client whose connection is closed after it has left does not hold up the end of the server', async () => {
  const world = new World()
  const lines = ['request_throttle_max_requests=1', 'request_throttle_drop_stale=false']
  const server = await world.started(standaloneConfig(lines))
  const client = await world.connect()
  client.send(connectFrame())
  await world.run(50)
  const creates = Array.from({ length: 20 }, (_, i) => createFrame(i + 1, `/n${i}`)) // each waits for the one before
  client.send(joined(...creates, authFrame(-4, 'no such scheme', 'x')))
  await world.run(0.3)
  client.stream.destroy()
  await world.run(100)
  expect(world.events('client-closed')).toMatchObject([{ reason: 'auth-failed' }])
  const beganAtUs = world.scheduler.nowUs
  await world.settle(server.close())
  expect(world.scheduler.nowUs - beganAtUs).toBeLessThan(100_000) // clients that are there have 300 ms to leave
})
