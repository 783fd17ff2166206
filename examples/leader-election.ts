/**
 * Elects one leader among any number of candidates, and lets every client read the name of the leader.
 *
 *   npx tsx examples/leader-election.ts [host:port,…]
 *
 * The leader is the holder of a lock (lock.ts). It works until its signal aborts, and must then stop its work as a
 * leader. It writes through `lock.write`, which refuses the write if another leader has replaced it meanwhile. A
 * candidate whose session ends takes part again with a new session.
 */
import { randomUUID } from 'node:crypto'
import { type Client, connect } from 'zkts/client'
import { isMainModule, isRefusal, untilAnswered } from './answers.ts'
import { acquireLock, type Lock, LockLost } from './lock.ts'
import { withSessions } from './sessions.ts'

/** Takes part until `lead` resolves, by which a leader resigns. If `lead` rejects with `LockLost`, takes part again. */
export async function campaign(
  open: () => Promise<Client>,
  folder: string,
  name: string,
  lead: (lock: Lock, zk: Client) => Promise<void>,
): Promise<void> {
  let hasResigned = false
  while (!hasResigned) {
    await withSessions(open, async (zk) => {
      try {
        const lock = await acquireLock(zk, folder, new TextEncoder().encode(name))
        try {
          await lead(lock, zk)
          hasResigned = true
        } finally {
          await lock.release()
        }
      } catch (error) {
        if (!(error instanceof LockLost)) throw error
      }
    })
  }
}

/** The name of the current leader, or null. The leader may have changed when the answer arrives. */
export async function leaderOf(zk: Client, folder: string): Promise<string | null> {
  try {
    const { children } = await untilAnswered(() => zk.getChildren(folder))
    const [lowest] = [...children].sort((a, b) => Number(a.slice(-10)) - Number(b.slice(-10)))
    if (lowest === undefined) return null
    const { data } = await untilAnswered(() => zk.getData(`${folder}/${lowest}`))
    return new TextDecoder().decode(data ?? undefined)
  } catch (error) {
    if (isRefusal(error, 'no-node')) return null
    throw error
  }
}

async function main(servers: string): Promise<void> {
  const folder = `/examples/leader-${randomUUID()}`
  const observer = await connect(servers)
  const candidates = ['anna', 'bert', 'carla'].map((name) =>
    campaign(
      () => connect(servers),
      folder,
      name,
      async () => console.log(`${name} leads, and an observer sees ${await leaderOf(observer, folder)}`),
    ),
  )
  await Promise.all(candidates)
  console.log(`now the leader is ${await leaderOf(observer, folder)}`)
  await observer.close()
}

if (isMainModule(import.meta.url)) await main(process.argv[2] ?? '127.0.0.1:2181')
