/**
 * The interactive shell: one session, a command a line, watches printed as they fire. A command that fails is
 * reported and the shell goes on; when input is piped in, the first failure decides the exit status.
 */
import { Command } from 'commander'
import type { Client } from '../client/types.ts'
import type { CliSettings, CliWorld } from './cli-world.ts'
import { CliFailure, type ExitName } from './exit-codes.ts'
import { openClient, toFailure } from './open-client.ts'
import { watchJson, watchLine } from './render.ts'
import { splitWords } from './split-words.ts'
import { addZnodeCommands, jsonLine, showStat, type ZnodeContext } from './znode-commands.ts'

/** Resolves with how the shell ended. */
export async function runShell(world: CliWorld, settings: CliSettings): Promise<ExitName> {
  const client = await openClient(world, settings)
  const prompt = (): void => {
    if (world.isInteractive) world.write(`${promptOf(client)} `)
  }
  const stopListening = client.onStateChange((state) => {
    if (state.kind === 'connecting') world.writeError('connection lost, reconnecting\n')
    if (state.kind === 'expired') world.writeError('the session has expired; its ephemerals and watches are gone\n')
  })
  const context: ZnodeContext = {
    client,
    isJson: settings.isJson,
    write: (text) => world.write(text),
    newWatcher: () => (event) => {
      if (settings.isJson) world.write(jsonLine(watchJson(event)))
      else world.write(`${world.isInteractive ? '\n' : ''}${watchLine(event)}\n`)
      prompt()
    },
  }
  let firstFailure: ExitName = 'ok'
  prompt()
  for await (const line of world.lines) {
    const outcome = await runLine(line, context, world)
    if (outcome === 'quit') break
    if (outcome !== 'ok' && firstFailure === 'ok' && !world.isInteractive) firstFailure = outcome
    if (client.state.kind === 'expired') return 'lost'
    prompt()
  }
  stopListening()
  await client.close()
  return firstFailure
}

function promptOf(client: Client): string {
  if (client.state.kind !== 'connected') return '[not connected]'
  return `[${client.state.server}${client.state.readOnly ? ' read-only' : ''}]`
}

async function runLine(line: string, context: ZnodeContext, world: CliWorld): Promise<ExitName | 'quit'> {
  const words = splitWords(line)
  if (!words.ok) return complain(world, new CliFailure('usage', words.error))
  const [first] = words.value
  if (first === undefined) return 'ok'
  if (first === 'quit' || first === 'exit') return 'quit'
  const program = new Command('zkts-cli')
    .usage('<command>')
    .exitOverride()
    .configureOutput({ writeOut: (text) => world.write(text), writeErr: (text) => world.writeError(text) })
    .helpOption(false)
    .helpCommand('help [command]', 'what there is, or one command in detail')
  addZnodeCommands(program, (_command, action) => action(context))
  program
    .command('stat <path>')
    .description('the stat')
    .option('-w, --watch', 'print a line when the znode changes, appears or vanishes')
    .action((path: string, flags: { watch?: boolean }) => showStat(path, flags)(context))
  program.command('quit').description('ends the session')
  for (const command of program.commands) command.exitOverride().helpOption(false)
  try {
    await program.parseAsync([...words.value], { from: 'user' })
    return 'ok'
  } catch (error) {
    return complain(world, toFailure(error))
  }
}

function complain(world: CliWorld, failure: CliFailure): ExitName {
  if (failure.message !== '') world.writeError(`${failure.message}\n`)
  return failure.exit
}
