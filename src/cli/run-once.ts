/** One command by itself: a session is opened for it and closed after it. With a watch set, it ends when that has fired. */
import type { Client } from '../client/types.ts'
import { type CommandContext, jsonLine } from './cli-command.ts'
import type { CliSettings, CliWorld } from './cli-world.ts'
import { CliFailure } from './exit-codes.ts'
import { openClient } from './open-client.ts'
import { readFile } from './read-file.ts'
import { watchJson, watchLine } from './render.ts'

export async function runOnce(
  world: CliWorld,
  settings: CliSettings,
  action: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const client = await openClient(world, settings)
  try {
    let onEvent = (): void => undefined
    const fired = new Promise<void>((resolve) => {
      onEvent = resolve
    })
    let waitsFor: 'nothing' | 'event' | 'end' = 'nothing'
    const ended = sessionEnd(client)
    ended.catch(() => undefined) // looked at only by those who wait
    await action({
      client,
      isJson: settings.isJson,
      write: (text) => world.write(text),
      warn: (text) => world.writeError(text),
      readFile: (path) => readFile(world, path),
      newWatcher(lifetime) {
        waitsFor = lifetime === 'once' ? 'event' : 'end'
        return (event) => {
          world.write(settings.isJson ? jsonLine(watchJson(event)) : `${watchLine(event)}\n`)
          onEvent()
        }
      },
    })
    await waited(waitsFor, fired, ended)
  } finally {
    await client.close()
  }
}

async function waited(
  waitsFor: 'nothing' | 'event' | 'end',
  fired: Promise<void>,
  ended: Promise<never>,
): Promise<void> {
  if (waitsFor === 'event') await Promise.race([fired, ended])
  if (waitsFor === 'end') await ended
}

/** Rejects when the session ends, which is before all that was watched for. */
function sessionEnd(client: Client): Promise<never> {
  return new Promise((_resolve, reject) => {
    client.onStateChange((state) => {
      if (state.kind === 'connecting' || state.kind === 'connected') return
      reject(new CliFailure('lost', 'the session ended before the watch fired', 'session-expired'))
    })
  })
}
