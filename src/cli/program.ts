/**
 * zkts-cli as a whole: options, one-shot commands, four-letter words, and the shell when no command is given.
 * Owns: the exit status. Every failure ends here as one line on standard error, or one JSON object with --json.
 */
import { Command } from 'commander'
import { type AdminWord, adminWords } from '../base/admin-words.ts'
import { describeAddress, parseConnectString } from '../client/connect-string.ts'
import type { Client } from '../client/types.ts'
import { type AskedWord, askWord } from './ask-word.ts'
import type { CliSettings, CliWorld } from './cli-world.ts'
import { CliFailure, type ExitName, exitCodes } from './exit-codes.ts'
import { openClient, toFailure } from './open-client.ts'
import { watchJson, watchLine } from './render.ts'
import { runShell } from './shell.ts'
import { fieldsOfWord } from './word-fields.ts'
import { addZnodeCommands, jsonLine, showStat, type WithClient, type ZnodeContext } from './znode-commands.ts'

export const serversDefault = '127.0.0.1:2181'
const timeoutMsDefault = 10_000

interface CommonFlags {
  readonly server?: string
  readonly json?: boolean
  readonly timeout?: string
  readonly readonly?: boolean
}

/** Runs one command line, without the program's name, and resolves with the exit status. */
export async function runCli(argv: readonly string[], version: string, world: CliWorld): Promise<number> {
  let exit: ExitName = 'ok'
  const program = buildProgram(version, world, (outcome) => {
    exit = outcome
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    const failure = toFailure(error)
    exit = failure.exit
    if (failure.message !== '') {
      const isJson = argv.includes('--json')
      world.writeError(
        isJson ? jsonLine({ error: failure.message, errorName: failure.errorName }) : `${failure.message}\n`,
      )
    }
  }
  return exitCodes[exit].code
}

function buildProgram(version: string, world: CliWorld, end: (exit: ExitName) => void): Command {
  const program = new Command('zkts-cli')
  program
    .description('Talks to zkts and ZooKeeper servers. Without a command it opens a shell.')
    .version(version)
    .option('-s, --server <host:port,…>', `servers, with an optional /chroot (default ${serversDefault})`)
    .option('--json', 'one JSON object per answer')
    .option('-r, --readonly', 'a server without a leader will do, for reads')
    .option('--timeout <ms>', `how long to try to reach a server (default ${timeoutMsDefault})`)
    // -s also means "stat" and "sequential" after some commands, as in zkCli, so it is ours only before them.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => world.write(text), writeErr: (text) => world.writeError(text) })
    .addHelpText('after', `\nExit status:\n${exitTable()}`)
    .action(async () => {
      if (program.args.length > 0) throw new CliFailure('usage', `there is no command "${program.args[0]}"; try --help`)
      end(await runShell(world, settingsOf(program, program)))
    })
    .allowExcessArguments()
  const withClient: WithClient = (command, action) => runOnce(world, settingsOf(program, command), action)
  addZnodeCommands(program, withClient)
  for (const command of program.commands) addCommonOptions(command, '--server <host:port,…>')
  for (const word of adminWords) if (word !== 'stat') addWord(program, word, world)
  addCommonOptions(program.command('stat [path]'), '-s, --server <host:port,…>')
    .description('the stat of a znode; without a path, the four-letter word')
    .option('-w, --watch', 'wait for the next change of the znode')
    .action((path: string | undefined, flags: { watch?: boolean }, command: Command) =>
      path === undefined
        ? runWord({ word: 'stat', traceMask: null }, world, settingsOf(program, command))
        : withClient(command, showStat(path, flags)),
    )
  for (const command of program.commands) command.exitOverride()
  return program
}

function addCommonOptions(command: Command, serverFlag: string): Command {
  return command
    .option(serverFlag, 'servers')
    .option('--json', 'one JSON object')
    .option('--timeout <ms>', 'how long to try to reach a server')
}

function addWord(program: Command, word: AdminWord, world: CliWorld): void {
  if (word === 'stmk') return addTraceMaskWord(program, world)
  addCommonOptions(program.command(word), '-s, --server <host:port,…>')
    .description(`the four-letter word ${word}, asked of each server named`)
    .action((_flags: object, command: Command) =>
      runWord({ word, traceMask: null }, world, settingsOf(program, command)),
    )
}

/** The only word with something behind it. */
function addTraceMaskWord(program: Command, world: CliWorld): void {
  addCommonOptions(program.command('stmk <mask>'), '-s, --server <host:port,…>')
    .description('the four-letter word stmk: sets the trace mask, a whole number, of each server named')
    .action((text: string, _flags: object, command: Command) => {
      const isNumber = /^(-?\d+|0x[0-9a-fA-F]+)$/.test(text)
      const traceMask = isNumber ? BigInt(text) : null
      if (traceMask === null || BigInt.asIntN(64, traceMask) !== traceMask) {
        throw new CliFailure('usage', `the trace mask "${text}" is not a whole number of 64 bits`)
      }
      return runWord({ word: 'stmk', traceMask }, world, settingsOf(program, command))
    })
}

/** Options may stand before the command or after it; the later ones win. */
function settingsOf(program: Command, command: Command): CliSettings {
  const flags: CommonFlags = { ...program.opts<CommonFlags>(), ...command.opts<CommonFlags>() }
  const timeoutMs = flags.timeout === undefined ? timeoutMsDefault : Number(flags.timeout)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) throw new CliFailure('usage', '--timeout takes milliseconds')
  const canBeReadOnly = flags.readonly === true
  return { servers: flags.server ?? serversDefault, isJson: flags.json === true, timeoutMs, canBeReadOnly }
}

/** One command with a session of its own. With a watch set, it ends when that has fired. */
async function runOnce(
  world: CliWorld,
  settings: CliSettings,
  action: (context: ZnodeContext) => Promise<void>,
): Promise<void> {
  const client = await openClient(world, settings)
  try {
    let onEvent = (): void => undefined
    const fired = new Promise<void>((resolve) => {
      onEvent = resolve
    })
    let isWatching = false
    const context: ZnodeContext = {
      client,
      isJson: settings.isJson,
      write: (text) => world.write(text),
      newWatcher() {
        isWatching = true
        return (event) => {
          world.write(settings.isJson ? jsonLine(watchJson(event)) : `${watchLine(event)}\n`)
          onEvent()
        }
      },
    }
    await action(context)
    if (isWatching) await Promise.race([fired, sessionEnd(client)])
  } finally {
    await client.close()
  }
}

/** Rejects when the session ends before the watch has fired. */
function sessionEnd(client: Client): Promise<never> {
  return new Promise((_resolve, reject) => {
    client.onStateChange((state) => {
      if (state.kind === 'connecting' || state.kind === 'connected') return
      reject(new CliFailure('lost', 'the session ended before the watch fired', 'session-expired'))
    })
  })
}

/** Asks every server named; all answers are printed before the first failure is reported. */
async function runWord(asked: AskedWord, world: CliWorld, settings: CliSettings): Promise<void> {
  const parsed = parseConnectString(settings.servers)
  if (!parsed.ok) throw new CliFailure('usage', parsed.error)
  const { addresses } = parsed.value
  const { word } = asked
  let failure: CliFailure | null = null
  for (const address of addresses) {
    const server = describeAddress(address)
    const answer = await askWord(world, address, asked, settings.timeoutMs)
    if (!answer.ok) {
      failure ??= new CliFailure(answer.error.kind, answer.error.message)
      continue
    }
    const text = answer.value
    if (isRefusal(text)) failure ??= new CliFailure('refused', `${server}: ${adviceFor(text)}`)
    else if (settings.isJson) world.write(jsonLine({ server, word, ...fieldsOfWord(word, text) }))
    else world.write(`${addresses.length > 1 ? `== ${server}\n` : ''}${text}${endOf(text)}`)
  }
  if (failure !== null) throw failure
}

/** ZooKeeper has no error status for words, only these sentences. */
function isRefusal(text: string): boolean {
  return text.includes(notWhitelisted) || text.startsWith('This ZooKeeper instance is not currently serving requests')
}

function adviceFor(text: string): string {
  const said = text.trimEnd()
  return text.includes(notWhitelisted) ? `${said} The server's zoo.cfg lists them: 4lw.commands.whitelist` : said
}

function endOf(text: string): string {
  return text === '' || text.endsWith('\n') ? '' : '\n'
}

const notWhitelisted = 'is not executed because it is not in the whitelist.'

function exitTable(): string {
  return Object.values(exitCodes)
    .map(({ code, meaning }) => `  ${code}  ${meaning}`)
    .join('\n')
}
