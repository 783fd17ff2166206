/**
 * Ports for servers that a test starts. A system gives ports from about 32,768 up to outgoing connections, so a port from there
 * that was free a moment ago may be taken when the server listens; these lie below.
 */
import { createServer } from 'node:net'

const portMin = 15_000
const portMax = 32_000
let lastPort = portMin + Math.floor(Math.random() * (portMax - portMin))

/** Differs from all that this process got before. */
export async function freePort(): Promise<number> {
  for (;;) {
    lastPort = lastPort >= portMax ? portMin : lastPort + 1
    const port = lastPort // another search may advance it while this one waits
    if (await canListen(port)) return port
  }
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  return ports
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
