import { expect, test } from 'vitest'
import { refusalLinesPerSecondMax } from '../../../src/base/limits.ts'
import { connectFrame, joined } from '../../support/conversation.ts'
import { authFrame, createFrame, getDataFrame } from '../../support/requests.ts'
import { type LogLine, ServerRig, standaloneConfig } from '../../support/server-rig.ts'

const clientCount = refusalLinesPerSecondMax + 5

/** A connect request for a session that was never created. */
function returningFrame(lastZxidSeen = 0): Uint8Array {
  const bytes = connectFrame()
  const view = new DataView(bytes.buffer)
  view.setInt32(12, lastZxidSeen)
  view.setInt32(24, 0x1234)
  return bytes
}

async function linesAbout(event: string, frames: readonly Uint8Array[], rig: ServerRig): Promise<readonly LogLine[]> {
  const sendAll = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const stream = await rig.connectStream()
      stream.handle({ onData() {}, onDrain() {}, onClose() {} }) // replies are ignored
      stream.write(joined(...frames))
      await rig.run(20)
    }
  }
  await sendAll(clientCount)
  await rig.run(1000)
  await sendAll(1)
  return rig.lines.filter((line) => line.event === event && line.level !== 'debug')
}

test.each([
  ['client-closed', 'a session that does not exist', [returningFrame()]],
  ['client-closed', 'a zxid that this server has not reached', [returningFrame(99)]],
  ['client-not-authenticated', 'a scheme that does not exist', [connectFrame(), authFrame(1, 'nonsense', 'x')]],
  ['reply-above-client-limit', 'more than it can read', [connectFrame(), getDataFrame(1, '/big')]],
])('lines of %s are limited for clients that reconnect repeatedly with %s', async (event, _what, frames) => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(['jute.maxbuffer=2097152']))
  const writer = await rig.connect()
  writer.send(connectFrame(), createFrame(1, '/big', new Uint8Array(1_100_000)))
  await rig.run(100)
  const lines = await linesAbout(event, frames, rig)
  expect(lines).toHaveLength(refusalLinesPerSecondMax + 1)
  expect(lines.at(-1)?.fields['suppressedCount']).toBe(clientCount - refusalLinesPerSecondMax)
})
