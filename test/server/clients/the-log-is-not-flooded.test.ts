import { expect, test } from 'vitest'
import { refusalLinesPerSecondMax } from '../../../src/base/limits.ts'
import { connectFrame, joined } from '../../support/conversation.ts'
import { authFrame, createFrame, getDataFrame } from '../../support/requests.ts'
import { type LogLine, standaloneConfig, World } from '../../support/server-rig.ts'

const clientCount = refusalLinesPerSecondMax + 5

/** A connect request for a session that was never made. */
function returningFrame(lastZxidSeen = 0): Uint8Array {
  const bytes = connectFrame()
  const view = new DataView(bytes.buffer)
  view.setInt32(12, lastZxidSeen)
  view.setInt32(24, 0x1234)
  return bytes
}

async function linesAbout(event: string, frames: readonly Uint8Array[], world: World): Promise<readonly LogLine[]> {
  const sendAll = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const stream = await world.connectStream()
      stream.handle({ onData() {}, onDrain() {}, onClose() {} }) // what is answered is not looked at
      stream.write(joined(...frames))
      await world.run(20)
    }
  }
  await sendAll(clientCount)
  await world.run(1000)
  await sendAll(1)
  return world.lines.filter((line) => line.event === event && line.level !== 'debug')
}

test.each([
  ['client-closed', 'a session that does not exist', [returningFrame()]],
  ['client-closed', 'a server that is further than this one', [returningFrame(99)]],
  ['client-not-authenticated', 'a scheme that does not exist', [connectFrame(), authFrame(1, 'nonsense', 'x')]],
  ['reply-above-client-limit', 'more than it can read', [connectFrame(), getDataFrame(1, '/big')]],
])('lines of %s are limited for clients that come back again and again for %s', async (event, _what, frames) => {
  const world = new World()
  await world.started(standaloneConfig(['jute.maxbuffer=2097152']))
  const writer = await world.connect()
  writer.send(connectFrame(), createFrame(1, '/big', new Uint8Array(1_100_000)))
  await world.run(100)
  const lines = await linesAbout(event, frames, world)
  expect(lines).toHaveLength(refusalLinesPerSecondMax + 1)
  expect(lines.at(-1)?.fields['suppressedCount']).toBe(clientCount - refusalLinesPerSecondMax)
})
