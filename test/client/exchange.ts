/** One request of a client and one reply of a scripted server. */
import type { Client } from '../../src/client/types.ts'
import { ScriptedServer, type SeenRequest } from './scripted-server.ts'
import { openedClient, VirtualNetwork } from './virtual-network.ts'

/** Calls `ask` with a client whose chroot is /app, and answers its request with `body`. */
export async function exchange<T>(ask: (client: Client) => Promise<T>, body: Uint8Array): Promise<[SeenRequest, T]> {
  const network = new VirtualNetwork()
  const server = new ScriptedServer(network, 1)
  const client = openedClient(network, 'one:1/app')
  await network.pass(10)
  const answer = ask(client)
  answer.catch(() => undefined) // awaited below
  await network.pass(10)
  const request = server.take()
  server.reply(request.xid, body)
  await network.pass(10)
  return [request, await answer]
}
