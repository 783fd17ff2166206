/**
 * A TCP proxy between two programs that breaks connections on demand. `cut` destroys every open connection and accepts
 * new ones at once; `block` also refuses new ones until `unblock`. After `hold` no byte passes in either direction, and
 * neither end learns that the other has closed: as when the network between them is cut. New connections are accepted
 * and stay silent. It changes no bytes, unless the caller translates the first ones that a client sends.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface FaultyProxy {
  readonly port: number
  cut(): void
  block(): void
  unblock(): void
  /** For the rest of its life. */
  hold(): void
  close(): void
}

interface Pair {
  readonly downstream: Socket
  readonly upstream: Socket
}

/** `translate` gets the first bytes that a client sends on a connection, and returns what the server gets. */
export async function startFaultyProxy(
  targetPort: number,
  translate?: (firstBytes: Buffer) => Buffer,
): Promise<FaultyProxy> {
  const sockets = new Set<Socket>()
  const pairs = new Set<Pair>()
  let state: 'open' | 'blocked' | 'held' = 'open'
  const watch = (socket: Socket, end: () => void): void => {
    sockets.add(socket)
    socket.on('error', end)
    socket.on('close', () => {
      sockets.delete(socket)
      end()
    })
  }
  const join = (downstream: Socket): void => {
    const upstream = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    const pair = { downstream, upstream }
    downstream.setNoDelay(true)
    pairs.add(pair)
    const drop = (): void => {
      if (state === 'held') return
      pairs.delete(pair)
      for (const socket of [downstream, upstream]) socket.destroy()
    }
    watch(downstream, drop)
    watch(upstream, drop)
    upstream.pipe(downstream)
    if (translate === undefined) return void downstream.pipe(upstream)
    downstream.once('data', (bytes) => {
      upstream.write(translate(bytes as Buffer))
      downstream.pipe(upstream)
    })
  }
  const server = createServer({ pauseOnConnect: true }, (downstream) => {
    if (state === 'held') return watch(downstream, () => {})
    if (state === 'blocked') return void downstream.destroy()
    join(downstream)
    downstream.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of [...sockets]) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    block() {
      state = 'blocked'
      cut()
    },
    unblock() {
      state = 'open'
    },
    hold() {
      state = 'held'
      for (const { downstream, upstream } of pairs) {
        downstream.unpipe(upstream).pause()
        upstream.unpipe(downstream).pause()
      }
      pairs.clear()
    },
    close() {
      cut()
      server.close()
    },
  }
}
