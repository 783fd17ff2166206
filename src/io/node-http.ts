/**
 * The HTTP port over Node's own HTTP server. Owns: connections, the limits that bound them, and the answers to what is no
 * HTTP. A framework would add a router, schemas and plugins, and 24 packages for them; the routes of this server are decided
 * above the port, as a pure function, so none of that would be used.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  httpBodySizeBytesMax,
  httpConnectionsMax,
  httpHeadSizeBytesMax,
  httpRequestMs,
  httpRequestsPerConnectionMax,
} from '../base/limits.ts'
import type { HttpListener, HttpListenOptions, HttpRequest, HttpResponse } from '../ports/http.ts'
import type { ListenerHandle } from '../ports/stream.ts'

type Handler = (request: HttpRequest) => HttpResponse

/** Shorter times than those of limits.ts are for tests. */
export interface NodeHttpOptions {
  readonly requestMs?: number
}

export function nodeHttp({ requestMs = httpRequestMs }: NodeHttpOptions = {}): HttpListener {
  return {
    async listen({ address, idleTimeoutMs }: HttpListenOptions, handler: Handler): Promise<ListenerHandle> {
      const server = createServer({
        maxHeaderSize: httpHeadSizeBytesMax,
        headersTimeout: requestMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: Math.max(1, Math.floor(requestMs / 10)),
        keepAliveTimeout: idleTimeoutMs,
      })
      server.maxConnections = httpConnectionsMax
      server.maxRequestsPerSocket = httpRequestsPerConnectionMax
      // Without a listener for it, Node closes a connection on which nothing moves for this long.
      server.setTimeout(idleTimeoutMs)
      server.on('request', (request, response) => receive(request, response, handler))
      server.on('clientError', (error, socket) => refuseBytes(error, socket as Socket))
      // Node would leave the socket of such a request to a listener, without any limit.
      server.on('connect', (_request, socket) => socket.destroy())
      await listenOn(server, address.host, address.port)
      server.on('error', () => undefined) // accepting can fail for a while (EMFILE)
      const bound = server.address()
      if (bound === null || typeof bound === 'string') throw new Error('a listening TCP server has no address')
      return {
        address: { host: bound.address, port: bound.port },
        close: () =>
          new Promise((resolve) => {
            server.close(() => resolve())
            server.closeAllConnections()
          }),
      }
    },
  }
}

/** 0.0.0.0 means every address of both families, as in Java. */
function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: host === '0.0.0.0' ? undefined : host, port }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

/** A request is handled once its body has arrived, so that no answer leaves while the client still sends. */
function receive(request: IncomingMessage, response: ServerResponse, handler: Handler): void {
  let bodySizeBytes = 0
  response.on('error', () => undefined)
  request.on('error', () => undefined)
  request.on('data', (bytes: Uint8Array) => {
    bodySizeBytes += bytes.length
    if (bodySizeBytes <= httpBodySizeBytesMax || response.writableEnded) return
    refuse(response, 413, `The body of a request has ${httpBodySizeBytesMax} bytes at most.`)
  })
  request.on('end', () => {
    if (response.writableEnded) return
    const { method = '', url = '/' } = request
    const { status, headers, body } = handler({ method, target: url, headers: joined(request) })
    const bytes = new TextEncoder().encode(body)
    response.writeHead(status, { ...headers, 'Content-Length': bytes.length })
    response.end(method === 'HEAD' ? undefined : bytes)
  })
}

/** The client is still sending: its connection ends with the answer. */
function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...plainText, 'Content-Length': Buffer.byteLength(text), Connection: 'close' })
  response.end(text, () => response.socket?.destroy())
}

function joined({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ])
  return Object.fromEntries(entries) as Readonly<Record<string, string>>
}

const plainText = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }

/** The parser of Node did not accept the bytes, or the request did not arrive in time. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, reason] = refusals[error.code ?? ''] ?? ['400 Bad Request', 'This is no HTTP request.']
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${reason.length}\r\nConnection: close\r\n\r\n`
  socket.end(head + reason, () => socket.destroy())
}

const refusals: Readonly<Record<string, readonly [status: string, text: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    `Line and headers of a request have ${httpHeadSizeBytesMax} bytes at most.`,
  ],
}
