import { expect, test } from 'vitest'
import { nodeDialer, nodeListener } from '../../src/io/node-net.ts'
import { streamContract } from './stream.contract.ts'

const loopback = { host: '127.0.0.1', port: 0 }

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000
  while (!condition()) {
    expect(performance.now(), 'the condition holds in time').toBeLessThan(deadlineMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

for (const plainSockets of [false, true]) {
  streamContract(plainSockets ? 'node with plain sockets' : 'node', async () => {
    const listener = nodeListener({ plainSockets })
    const gone = await listener.listen(loopback, () => undefined)
    await gone.close()
    return { listener, dialer: nodeDialer(), address: loopback, deadAddress: gone.address, until }
  })
}

test('listening on 0.0.0.0 serves IPv4 clients under their plain address', async () => {
  const seen: string[] = []
  const handle = await nodeListener().listen({ host: '0.0.0.0', port: 0 }, (stream) => {
    stream.handle({ onData: () => undefined, onDrain: () => undefined, onClose: () => undefined })
    seen.push(stream.remoteAddress)
    stream.destroy()
  })
  nodeDialer().dial({ host: '127.0.0.1', port: handle.address.port }, 5_000, (outcome) => {
    if (outcome.ok)
      outcome.stream.handle({ onData: () => undefined, onDrain: () => undefined, onClose: () => undefined })
  })
  await until(() => seen.length === 1)
  expect(seen).toEqual(['127.0.0.1'])
  await handle.close()
})
