/**
 * A TCP proxy between a stock client and its server that breaks connections on demand.
 * `cut` destroys every open connection and accepts new ones at once; `block` also refuses new ones until `unblock`.
 * It never changes bytes.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface FaultyProxy {
  readonly port: number
  cut(): void
  block(): void
  unblock(): void
  close(): void
}

export async function startFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>()
  let blocked = false
  const server = createServer((downstream) => {
    if (blocked) return void downstream.destroy()
    const upstream = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    downstream.setNoDelay(true)
    const drop = (): void => {
      for (const socket of [downstream, upstream]) {
        socket.destroy()
        sockets.delete(socket)
      }
    }
    for (const socket of [downstream, upstream]) {
      sockets.add(socket)
      socket.on('error', drop)
      socket.on('close', drop)
    }
    downstream.pipe(upstream)
    upstream.pipe(downstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of [...sockets]) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    block() {
      blocked = true
      cut()
    },
    unblock() {
      blocked = false
    },
    close() {
      cut()
      server.close()
    },
  }
}
