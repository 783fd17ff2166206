/** Shared by the suites of Node clients: addresses of servers, faults, and packages installed outside the project. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

export const hosts = process.env['ZK_SERVERS']!.split(',')
export const servers = process.env['ZK_SERVERS']!
export const proxy = process.env['ZK_PROXY']!
export const root = process.env['ZK_ROOT']!
export const part = process.argv.at(-1)!

/** The package from the folder in the first argument. */
export function installed(name: string): unknown {
  return createRequire(join(process.argv[2]!, 'package.json'))(name)
}

/** Sends the runner a command, such as `block`, `kill/2` or `leader`. Resolves with its answer. */
export async function control(verb: string): Promise<string> {
  const answer = await fetch(`http://${process.env['ZK_CONTROL']}/${verb}`)
  const text = (await answer.text()).trim()
  if (!answer.ok) throw new Error(`control ${verb}: ${text}`)
  return text
}

/** The leader first, then the two others. */
export async function victims(): Promise<readonly number[]> {
  const leader = Number(await control('leader'))
  return [leader, (leader % 3) + 1, ((leader + 1) % 3) + 1]
}

/** Resolves with the first event after `subscribe`. Rejects if none arrives. */
export function once<T>(what: string, subscribe: (listener: (event: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: nothing after 20 s`)), 20_000)
    subscribe((event) => {
      clearTimeout(timer)
      resolve(event)
    })
  })
}
