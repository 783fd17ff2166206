/**
 * Lets a suite in any language control its servers, by HTTP GET on loopback: cut its connection, kill, stop and start servers, ask for
 * the leader. Answers `200` and a line of text when that is done, `500` and the reason if it cannot be done.
 * Suites reach it through the environment variable ZK_CONTROL (host:port).
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FaultyProxy } from '../support/faulty-proxy.ts'
import type { Servers } from './servers.ts'

const servingTimeoutMs = 40_000

export interface Control {
  readonly port: number
  /** How often a suite has started a server. */
  readonly startCount: number
  close(): void
}

export async function startControl(servers: Servers, proxy: FaultyProxy): Promise<Control> {
  let startCount = 0
  const server: Server = createServer((request, response) => {
    const [verb = '', argument = ''] = (request.url ?? '').split('/').slice(1)
    if (verb === 'start' && !servers.isRunning(Number(argument))) startCount += 1
    perform(servers, proxy, verb, Number(argument)).then(
      (line) => response.writeHead(200).end(`${line}\n`),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get startCount() {
      return startCount
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function perform(servers: Servers, proxy: FaultyProxy, verb: string, id: number): Promise<string> {
  switch (verb) {
    case 'cut':
      proxy.cut()
      return 'cut'
    case 'block':
      proxy.block()
      return 'blocked'
    case 'unblock':
      proxy.unblock()
      return 'unblocked'
    case 'kill':
      await servers.kill(id)
      return `killed ${id}`
    case 'stop': // in order, by SIGTERM
      await servers.stop(id)
      return `stopped ${id}`
    case 'start': // and wait until it serves, since the suite may read from it next
      await servers.start(id)
      await servers.waitUntilServing(id, servingTimeoutMs)
      return `started ${id}`
    case 'wait':
      await servers.waitUntilAllServe(servingTimeoutMs)
      return 'all serve'
    case 'leader': {
      const leader = await servers.leader()
      if (leader === undefined) throw new Error('no server is in the mode leader')
      return String(leader)
    }
    default:
      throw new Error(`unknown verb '${verb}'`)
  }
}
