import { expect, test } from 'vitest'
import { connectFrame, joined } from '../../support/conversation.ts'
import { authFrame, createFrame } from '../../support/requests.ts'
import { ServerRig, standaloneConfig } from '../../support/server-rig.ts'

// Requests of a client that has left are carried out if the configuration says so. One of them may close the connection
// although its stream has already ended: the stream then sends no second close event.
test('a client whose connection is closed after it has left does not delay the close of the server', async () => {
  const rig = new ServerRig()
  const lines = ['request_throttle_max_requests=1', 'request_throttle_drop_stale=false']
  const server = await rig.started(standaloneConfig(lines))
  const client = await rig.connect()
  client.send(connectFrame())
  await rig.run(50)
  const creates = Array.from({ length: 20 }, (_, i) => createFrame(i + 1, `/n${i}`)) // each waits for the one before
  client.send(joined(...creates, authFrame(-4, 'no such scheme', 'x')))
  await rig.run(0.3)
  client.stream.destroy()
  await rig.run(100)
  expect(rig.events('client-closed')).toMatchObject([{ reason: 'auth-failed' }])
  const beganAtUs = rig.scheduler.nowUs
  await rig.settle(server.close())
  expect(rig.scheduler.nowUs - beganAtUs).toBeLessThan(100_000) // a connected client would have 300 ms to close
})
