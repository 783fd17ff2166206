/** One question of a client and one answer of a scripted server. */
import type { Client } from '../../src/client/types.ts'
import { ScriptedServer, type SeenRequest } from './scripted-server.ts'
import { openedClient, VirtualWorld } from './virtual-world.ts'

/** Asks something of a client below /app, and answers with `body`. */
export async function exchange<T>(ask: (client: Client) => Promise<T>, body: Uint8Array): Promise<[SeenRequest, T]> {
  const world = new VirtualWorld()
  const server = new ScriptedServer(world, 1)
  const client = openedClient(world, 'one:1/app')
  await world.pass(10)
  const answer = ask(client)
  answer.catch(() => undefined) // looked at below
  await world.pass(10)
  const request = server.take()
  server.reply(request.xid, body)
  await world.pass(10)
  return [request, await answer]
}
