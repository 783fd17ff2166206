/** Runs one command in a session of its own. A command that sets a watch ends when the watch has fired. */
import type { Client } from '../client/types.ts'
import { type CommandContext, jsonLine } from './cli-command.ts'
import type { CliContext, CliSettings } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'
import { openClient } from './open-client.ts'
import { readFile } from './read-file.ts'
import { watchJson, watchLine } from './render.ts'

export async function runOnce(
  cli: CliContext,
  settings: CliSettings,
  action: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const client = await openClient(cli, settings)
  try {
    let onEvent = (): void => undefined
    const fired = new Promise<void>((resolve) => {
      onEvent = resolve
    })
    let waitsFor: 'nothing' | 'event' | 'end' = 'nothing'
    const ended = sessionEnd(client)
    ended.catch(() => undefined) // only a command with a watch waits for it
    await action({
      client,
      isJson: settings.isJson,
      write: (text) => cli.write(text),
      warn: (text) => cli.writeError(text),
      readFile: (path) => readFile(cli, path),
      newWatcher(lifetime) {
        waitsFor = lifetime === 'once' ? 'event' : 'end'
        return (event) => {
          cli.write(settings.isJson ? jsonLine(watchJson(event)) : `${watchLine(event)}\n`)
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

/** Rejects when the session ends. */
function sessionEnd(client: Client): Promise<never> {
  return new Promise((_resolve, reject) => {
    client.onStateChange((state) => {
      if (state.kind === 'connecting' || state.kind === 'connected') return
      reject(new CliFailure('lost', 'the session ended before the watch fired', 'session-expired'))
    })
  })
}
