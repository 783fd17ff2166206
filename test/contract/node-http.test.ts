/** The HTTP port over real sockets: what is no HTTP, too slow or too large gets a clear status, and the port serves on. */
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { httpBodySizeBytesMax, httpHeadSizeBytesMax } from '../../src/base/limits.ts'
import { nodeHttp } from '../../src/io/node-http.ts'
import type { HttpRequest } from '../../src/ports/http.ts'
import { SeededRandom } from '../support/seeded-random.ts'

interface Port {
  readonly port: number
  readonly requests: readonly HttpRequest[]
}

async function listening(requestMs?: number, idleTimeoutMs = 60_000): Promise<Port> {
  const requests: HttpRequest[] = []
  const http = nodeHttp(requestMs === undefined ? {} : { requestMs })
  const handle = await http.listen({ address: { host: '127.0.0.1', port: 0 }, idleTimeoutMs }, (request) => {
    requests.push(request)
    return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'é' }
  })
  onTestFinished(() => handle.close())
  return { port: handle.address.port, requests }
}

/** Writes the bytes and reads until the server closes. */
function exchange(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    for (const part of parts) socket.write(part)
  })
}

const plain = (line: string): string => `${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`

const statusOf = (text: string): string => text.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3)

test('a request reaches the handler with its target as sent, and gets the response as UTF-8', async () => {
  const { port, requests } = await listening()
  const text = await exchange(port, plain('GET /a/../b?x=%20 HTTP/1.1'))
  expect(text).toContain('Content-Length: 2\r\n')
  expect(text.endsWith('é')).toBe(true)
  expect(requests[0]).toMatchObject({ method: 'GET', target: '/a/../b?x=%20', headers: { host: 'localhost' } })
})

test('HEAD has the headers and no body', async () => {
  const { port } = await listening()
  const text = await exchange(port, plain('HEAD / HTTP/1.1'))
  expect(text).toContain('Content-Length: 2\r\n')
  expect(text.endsWith('\r\n\r\n')).toBe(true)
})

test('what is no HTTP is answered with 400 and reaches no handler', async () => {
  const { port, requests } = await listening()
  const garbage = ['ruok\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n']
  for (const bytes of garbage) expect(statusOf(await exchange(port, bytes)), bytes).toBe('400')
  expect(requests).toEqual([])
})

test('two lengths of one body, with which requests are smuggled, are answered with 400', async () => {
  const { port, requests } = await listening()
  const head = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
  expect(statusOf(await exchange(port, head))).toBe('400')
  expect(requests.filter(({ method }) => method !== 'POST')).toEqual([])
})

test('headers above the limit are answered with 431', async () => {
  const { port } = await listening()
  const text = await exchange(
    port,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(httpHeadSizeBytesMax)}\r\n\r\n`,
  )
  expect(statusOf(text)).toBe('431')
})

test('a body above the limit is answered with 413 while it is still being sent', async () => {
  const { port, requests } = await listening()
  const head = `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n`
  expect(statusOf(await exchange(port, head, new Uint8Array(httpBodySizeBytesMax + 1)))).toBe('413')
  expect(requests).toEqual([])
})

test('a request that does not arrive in time is answered with 408', async () => {
  const { port } = await listening(50)
  expect(statusOf(await exchange(port, 'GET / HTTP/1.1\r\nHost: loc'))).toBe('408')
  expect(statusOf(await exchange(port, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc'))).toBe(
    '408',
  )
})

test('a connection on which nothing moves is closed', async () => {
  const { port } = await listening(60_000, 50)
  expect(await exchange(port)).toBe('')
})

test('CONNECT and upgrades open no tunnel', async () => {
  const { port } = await listening()
  expect(await exchange(port, plain('CONNECT localhost:1 HTTP/1.1'))).toBe('')
  const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n'
  expect(statusOf(await exchange(port, upgrade))).toBe('200')
})

test('the port serves after random bytes and damaged requests', async () => {
  // A damaged header Connection leaves the connection open, until nothing has moved on it for a while.
  const { port } = await listening(500, 100)
  const random = new SeededRandom(1)
  const whole = new TextEncoder().encode(plain('GET /commands/ruok?a=b HTTP/1.1'))
  for (let round = 0; round < 150; round++) {
    const bytes = round % 3 === 0 ? Uint8Array.from({ length: 64 }, () => random.below(256)) : whole.slice()
    if (round % 3 !== 0) bytes[random.below(bytes.length)] = random.below(256)
    const text = await exchange(port, bytes, '\r\n\r\n')
    expect(text === '' || /^HTTP\/1\.1 (200|400|408|431)/.test(text), text).toBe(true)
  }
  expect(statusOf(await exchange(port, plain('GET / HTTP/1.1')))).toBe('200')
})

test('a port that is in use is an error with its code', async () => {
  const { port } = await listening()
  const address = { host: '127.0.0.1', port }
  const again = nodeHttp().listen({ address, idleTimeoutMs: 1000 }, () => ({ status: 200, headers: {}, body: '' }))
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
