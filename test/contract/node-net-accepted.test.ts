import { createConnection } from 'node:net'
import { expect, test } from 'vitest'
import { nodeListener } from '../../src/io/node-net.ts'

test.each([false, true])(
  'a listener with plain sockets %s closes when all its streams have closed',
  async (plainSockets) => {
    const closed: (Error | null)[] = []
    let allClosed = (): void => undefined
    const whenAllClosed = new Promise<void>((resolve) => {
      allClosed = resolve
    })
    const listening = await nodeListener({ plainSockets }).listen({ host: '127.0.0.1', port: 0 }, (stream) => {
      stream.handle({
        onData: (bytes) => {
          stream.write(bytes.slice())
          stream.end()
        },
        onDrain() {},
        onClose: (error) => {
          if (closed.push(error) === 3) allClosed()
        },
      })
    })
    const echoes = await Promise.all([1, 2, 3].map((n) => echo(listening.address.port, `hello ${n}`)))
    expect(echoes).toEqual(['hello 1', 'hello 2', 'hello 3'])
    await Promise.all([whenAllClosed, listening.close()]) // would hang if the server still counted a closed stream
    expect(closed).toEqual([null, null, null])
  },
)

function echo(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => socket.write(text))
    let answer = ''
    socket.on('data', (bytes) => {
      answer += bytes.toString()
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}
