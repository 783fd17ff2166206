/**
 * The list of the running instances of a service, with their addresses.
 *
 *   npx tsx examples/service-discovery.ts [host:port,…]
 *
 * Each instance is an ephemeral znode: its name is the id, its data the address. The znode is deleted when the session
 * of the instance ends, so a dead instance disappears after its session timeout. A reader that is disconnected keeps
 * the last list, since its own lost connection says nothing about the instances.
 */
import { randomUUID } from 'node:crypto'
import { type Client, connect } from 'zkts/client'
import { createFolders, isMainModule, isRefusal, untilAnswered } from './answers.ts'

export interface Instance {
  readonly id: string
  readonly address: string
}

/** Resolves once the instance is registered in this session. */
export async function register(zk: Client, folder: string, { id, address }: Instance): Promise<void> {
  await createFolders(zk, folder)
  const path = `${folder}/${id}`
  for (;;) {
    try {
      await untilAnswered(() => zk.create(path, new TextEncoder().encode(address), { mode: 'ephemeral' }))
      return
    } catch (error) {
      if (!isRefusal(error, 'node-exists')) throw error
    }
    // An attempt whose reply was lost has created it, or an earlier session of this instance has, and has not expired
    // yet.
    const stat = await untilAnswered(() => zk.exists(path))
    if (stat?.ephemeralOwner === zk.session?.id) return
    await untilAnswered(() => zk.delete(path)).catch((error: unknown) => {
      if (!isRefusal(error, 'no-node')) throw error
    })
  }
}

/** The instances now and after every change. Throws session-expired when the session of the reader ends. */
export async function* instances(zk: Client, folder: string): AsyncGenerator<readonly Instance[]> {
  await createFolders(zk, folder)
  for await (const ids of zk.followChildren(folder)) {
    const found = await Promise.all((ids ?? []).map((id) => instanceAt(zk, folder, id)))
    yield found.filter((instance) => instance !== null)
  }
}

/** Null: the instance was deleted after its name was listed. A new list follows. */
async function instanceAt(zk: Client, folder: string, id: string): Promise<Instance | null> {
  try {
    const { data } = await untilAnswered(() => zk.getData(`${folder}/${id}`))
    return { id, address: new TextDecoder().decode(data ?? undefined) }
  } catch (error) {
    if (isRefusal(error, 'no-node')) return null
    throw error
  }
}

async function main(servers: string): Promise<void> {
  const folder = `/examples/services-${randomUUID()}`
  const [reader, one, two] = await Promise.all([connect(servers), connect(servers), connect(servers)])
  await register(one, folder, { id: 'one', address: '10.0.0.1:80' })
  await register(two, folder, { id: 'two', address: '10.0.0.2:80' })
  for await (const list of instances(reader, folder)) {
    console.log(list.map(({ id, address }) => `${id} at ${address}`).join(', ') || 'no instance')
    if (list.length === 2) await one.close()
    if (list.length === 1) await two.close()
    if (list.length === 0) break
  }
  await reader.close()
}

if (isMainModule(import.meta.url)) await main(process.argv[2] ?? '127.0.0.1:2181')
