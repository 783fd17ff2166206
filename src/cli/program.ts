/**
 * zkts-cli as a whole: options, one-shot commands, four-letter words, and the shell when no command is given.
 * Owns: the exit status. Every failure ends here as one line on standard error, or one JSON object with --json.
 */
import { Command } from 'commander'
import { type AdminWord, adminWords } from '../base/admin-words.ts'
import { describeAddress, parseConnectString } from '../client/connect-string.ts'
import { addCommand, hasOwnLetterS, withLongOptions } from './add-command.ts'
import { type AskedWord, askWord } from './ask-word.ts'
import { jsonLine } from './cli-command.ts'
import type { CliSettings, CliWorld } from './cli-world.ts'
import { commandTable } from './command-table.ts'
import { initializeData } from './data-commands.ts'
import { CliFailure, type ExitName, exitCodes } from './exit-codes.ts'
import { toFailure } from './open-client.ts'
import { versionLine } from './render.ts'
import { runOnce } from './run-once.ts'
import { runShell } from './shell.ts'
import { fieldsOfWord } from './word-fields.ts'

const serversDefault = '127.0.0.1:2181'
const timeoutMsDefault = 10_000

interface CommonFlags {
  readonly server?: string
  readonly json?: boolean
  readonly timeout?: string
  readonly readonly?: boolean
  readonly auth?: readonly string[]
}

/** Runs one command line, without the program's name, and resolves with the exit status. */
export async function runCli(argv: readonly string[], version: string, world: CliWorld): Promise<number> {
  let exit: ExitName = 'ok'
  const program = buildProgram(version, world, (outcome) => {
    exit = outcome
  })
  try {
    await program.parseAsync([...withLongOptions(argv)], { from: 'user' })
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
  const openShell = async (command: Command): Promise<void> =>
    end(await runShell(world, settingsOf(program, command), version))
  program
    .description('Talks to zkts and ZooKeeper servers. Without a command it opens a shell.')
    .version(version)
    .option('-s, --server <host:port,…>', `servers, with an optional /chroot (default ${serversDefault})`)
    .option('--json', 'one JSON object per answer')
    .option('-r, --readonly', 'a server without a leader will do, for reads')
    .option('--timeout <ms>', `how long to try to reach a server (default ${timeoutMsDefault})`)
    .option('--auth <scheme:credentials>', 'authenticate, such as digest:user:password; may be repeated', gathered)
    // -s also means "stat" and "sequential" after some commands, as in zkCli, so it is ours only before them.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => world.write(text), writeErr: (text) => world.writeError(text) })
    .addHelpText('after', `\nExit status:\n${exitTable()}`)
    .action(async () => {
      if (program.args.length > 0) throw new CliFailure('usage', `there is no command "${program.args[0]}"; try --help`)
      await openShell(program)
    })
    .allowExcessArguments()
  addTable(program, world)
  addCommonOptions(program.command('shell'), '-s, --server <host:port,…>')
    .description('opens a shell, as does no command at all')
    .action((_flags: object, command: Command) => openShell(command))
  program
    .command('version')
    .description('the version of zkts-cli')
    .action(() => world.write(versionLine(version)))
  addDataCommands(program, world)
  for (const word of adminWords) if (word !== 'stat') addWord(program, word, world)
  const tableNames = new Set(commandTable.map(({ name }) => name))
  for (const command of program.commands) {
    command.exitOverride()
    // Those of the table say themselves what is too much.
    if (!tableNames.has(command.name())) command.allowExcessArguments(false)
  }
  return program
}

function addDataCommands(program: Command, world: CliWorld): void {
  const data = program
    .command('data')
    .description('works on the data folder of a server that does not run; see data --help')
    .exitOverride()
  data
    .command('initialize <path>')
    .description('with db.autocreate=false, lets a server without data count; path: its zoo.cfg or its dataDir')
    .exitOverride()
    .allowExcessArguments(false)
    .action(async (path: string) => {
      const file = await initializeData(world, path)
      const isJson = program.opts<CommonFlags>().json === true
      world.write(
        isJson ? jsonLine({ created: file }) : `the next start of this server counts without data (${file})\n`,
      )
    })
}

function addTable(program: Command, world: CliWorld): void {
  for (const command of commandTable) {
    if (command.kind === 'shell') {
      program
        .command(command.name, { hidden: true })
        .helpOption(false)
        .allowUnknownOption()
        .allowExcessArguments()
        .action(() => {
          throw new CliFailure('usage', `${command.name} is a command of the shell; "zkts-cli shell" opens one`)
        })
      continue
    }
    const isWordToo = command.name === 'stat'
    const shown = isWordToo
      ? { ...command, takes: '[path]', summary: `${command.summary}; without a path, the four-letter word` }
      : command
    const added = addCommand(program, shown, (input, parsed) => {
      const settings = settingsOf(program, parsed)
      if (isWordToo && input.args.length === 0) return runWord({ word: 'stat', traceMask: null }, world, settings)
      return runOnce(world, settings, (context) => command.run(input, context))
    })
    addCommonOptions(added, hasOwnLetterS(command) ? '--server <host:port,…>' : '-s, --server <host:port,…>')
  }
}

function addCommonOptions(command: Command, serverFlag: string): Command {
  return command
    .option(serverFlag, 'servers')
    .option('--json', 'one JSON object')
    .option('--readonly', 'a server without a leader will do, for reads')
    .option('--timeout <ms>', 'how long to try to reach a server')
    .option('--auth <scheme:credentials>', 'authenticate', gathered)
}

function gathered(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
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
  // Not merged like the others: whoever is named before the command is needed after it too.
  const given = [...(program.opts<CommonFlags>().auth ?? []), ...(command === program ? [] : (flags.auth ?? []))]
  const auth = [...new Set(given)].map((text) => {
    const [, scheme, credentials] = /^([^:]+):(.*)$/s.exec(text) ?? []
    if (scheme === undefined || credentials === undefined) {
      throw new CliFailure('usage', '--auth takes scheme:credentials, such as digest:user:password')
    }
    return { scheme, credentials }
  })
  const [isJson, canBeReadOnly] = [flags.json === true, flags.readonly === true]
  return { servers: flags.server ?? serversDefault, isJson, timeoutMs, canBeReadOnly, auth }
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
