/**
 * A configuration that several processes share and that may change while they run.
 *
 *   npx tsx examples/configuration.ts [host:port,…]
 *
 * `follow` reads the znode with a watch and reads again after each event. It may skip values, but the last value that
 * it yields is the newest. If a value cannot be used, the program reports it and keeps the last good one.
 */
import { randomUUID } from 'node:crypto'
import { type Client, connect, type ZnodeStat } from 'zkts/client'
import { createFolders, isMainModule, isRefusal, untilAnswered } from './answers.ts'
import { withSessions } from './sessions.ts'

export interface Settings {
  readonly logLevel: string
  readonly workerCount: number
}

export type Outcome =
  | { readonly kind: 'settings'; readonly settings: Settings; readonly version: number }
  | { readonly kind: 'unusable'; readonly why: string }

/** Calls `take` with each usable value, and with the reason if a value is unusable, until `take` returns false. */
export async function followSettings(zk: Client, path: string, take: (outcome: Outcome) => boolean): Promise<void> {
  for await (const view of zk.follow(path)) {
    const outcome: Outcome =
      view.kind === 'missing' ? { kind: 'unusable', why: `${path} does not exist` } : readSettings(view.data, view.stat)
    if (!take(outcome)) return
  }
}

function readSettings(data: Uint8Array | null, { version }: ZnodeStat): Outcome {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(data ?? undefined))
  } catch (error) {
    return { kind: 'unusable', why: `version ${version} is not JSON: ${(error as Error).message}` }
  }
  const { logLevel, workerCount } = (value ?? {}) as Partial<Settings>
  if (typeof logLevel !== 'string' || !Number.isInteger(workerCount)) {
    return { kind: 'unusable', why: `version ${version} needs a logLevel and a whole workerCount` }
  }
  return { kind: 'settings', settings: { logLevel, workerCount: workerCount! }, version }
}

/**
 * Changes the settings without overwriting a change that another process makes at the same time: the write expects the
 * version that was read. If the reply is lost, the settings are read again and `change` gets the new ones. It returns
 * its argument unchanged if nothing is left to do.
 */
export async function changeSettings(zk: Client, path: string, change: (old: Settings) => Settings): Promise<void> {
  for (;;) {
    const { data, stat } = await untilAnswered(() => zk.getData(path))
    const outcome = readSettings(data, stat)
    if (outcome.kind === 'unusable') throw new Error(`${path}: ${outcome.why}`)
    const changed = change(outcome.settings)
    if (changed === outcome.settings) return
    try {
      await zk.setData(path, new TextEncoder().encode(JSON.stringify(changed)), stat.version)
      return
    } catch (error) {
      if (!isRefusal(error, 'bad-version', 'connection-loss')) throw error
    }
  }
}

async function main(servers: string): Promise<void> {
  const operator = await connect(servers)
  const folder = `/examples/configuration-${randomUUID()}`
  await createFolders(operator, folder)
  const path = `${folder}/worker`
  await operator.create(path, new TextEncoder().encode('{"logLevel":"info","workerCount":1}'))
  const raise = (count: number): Promise<void> =>
    changeSettings(operator, path, (old) => (old.workerCount >= count ? old : { ...old, workerCount: count }))
  // A long-running program opens a new session when its session ends.
  await withSessions(
    () => connect(servers),
    (zk) =>
      followSettings(zk, path, (outcome) => {
        if (outcome.kind === 'unusable') {
          console.log(`keeping the last settings: ${outcome.why}`)
          return true
        }
        const { workerCount } = outcome.settings
        console.log(`working with ${workerCount}`)
        if (workerCount < 3) void raise(workerCount + 1)
        return workerCount < 3
      }),
  )
  await operator.close()
}

if (isMainModule(import.meta.url)) await main(process.argv[2] ?? '127.0.0.1:2181')
