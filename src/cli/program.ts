/**
 * The program zkts-cli: options, commands on the command line, four-letter words, and the shell if no command is given.
 * Owns: the exit status. Every failure becomes one line on standard error, or one JSON object with --json.
 */
import { Command } from 'commander'
import { type AdminWord, adminWords } from '../base/admin-words.ts'
import type { Result } from '../base/result.ts'
import { describeAddress, parseConnectString } from '../client/connect-string.ts'
import { addCommand, hasOwnLetterS, withLongOptions } from './add-command.ts'
import { type AdoptFlags, adoptedJson, adoptedLines, runAdopt } from './adopt-command.ts'
import { type AskedWord, type AskFailure, askWord, whitelistAdvice } from './ask-word.ts'
import { type BackupFlags, runBackup } from './backup-commands.ts'
import { jsonLine } from './cli-command.ts'
import type { CliContext, CliSettings } from './cli-context.ts'
import { commandTable } from './command-table.ts'
import { initializeData } from './data-commands.ts'
import { CliFailure, type ExitName, exitCodes } from './exit-codes.ts'
import { leadText, runLead } from './lead-command.ts'
import { toFailure } from './open-client.ts'
import { versionLine } from './render.ts'
import { type RestoreFlags, runRestore } from './restore-command.ts'
import { runOnce } from './run-once.ts'
import { runShell } from './shell.ts'
import { fieldsOfWord } from './word-fields.ts'

const serversDefault = '127.0.0.1:2181'
const timeoutMsDefault = 10_000
/** The first checkpoint of a large log takes this long at most. */
const checkpointMsDefault = 600_000

interface CommonFlags {
  readonly server?: string
  readonly json?: boolean
  readonly timeout?: string
  readonly readonly?: boolean
  readonly auth?: readonly string[]
}

/** Runs one command line, without the program's name, and resolves with the exit status. */
export async function runCli(argv: readonly string[], version: string, cli: CliContext): Promise<number> {
  let exit: ExitName = 'ok'
  const program = buildProgram(version, cli, (outcome) => {
    exit = outcome
  })
  try {
    await program.parseAsync([...withLongOptions(argv)], { from: 'user' })
  } catch (error) {
    const failure = toFailure(error)
    exit = failure.exit
    if (failure.message !== '') {
      const isJson = argv.includes('--json')
      cli.writeError(
        isJson ? jsonLine({ error: failure.message, errorName: failure.errorName }) : `${failure.message}\n`,
      )
    }
  }
  return exitCodes[exit].code
}

function buildProgram(version: string, cli: CliContext, end: (exit: ExitName) => void): Command {
  const program = new Command('zkts-cli')
  const openShell = async (command: Command): Promise<void> =>
    end(await runShell(cli, settingsOf(program, command), version))
  program
    .description('A client for zkts and ZooKeeper servers. Without a command it opens a shell.')
    .version(version)
    .option('-s, --server <host:port,…>', `servers, with an optional /chroot (default ${serversDefault})`)
    .option('--json', 'one JSON object per answer')
    .option('-r, --readonly', 'also accept a server without a leader, for reads')
    .option('--timeout <ms>', `how long to try to reach a server (default ${timeoutMsDefault})`)
    .option('--auth <scheme:credentials>', 'authenticate, e.g. digest:user:password; may be repeated', gathered)
    // After some commands -s means "stat" or "sequential", as in zkCli; only before them it always names the servers.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => cli.write(text), writeErr: (text) => cli.writeError(text) })
    .addHelpText('after', `\nExit status:\n${exitTable()}`)
    .action(async () => {
      if (program.args.length > 0) throw new CliFailure('usage', `there is no command "${program.args[0]}"; try --help`)
      await openShell(program)
    })
    .allowExcessArguments()
  addTable(program, cli)
  addCommonOptions(program.command('shell'), '-s, --server <host:port,…>')
    .description('opens a shell, as zkts-cli does without a command')
    .action((_flags: object, command: Command) => openShell(command))
  program
    .command('version')
    .description('prints the version of zkts-cli')
    .action(() => cli.write(versionLine(version)))
  addDataCommands(program, cli)
  addCheckpointCommand(program, cli)
  addLeadCommand(program, cli)
  addBackupCommands(program, cli)
  for (const word of adminWords) if (word !== 'stat') addWord(program, word, cli)
  const tableNames = new Set(commandTable.map(({ name }) => name))
  for (const command of program.commands) {
    command.exitOverride()
    // Commands of the table report extra arguments themselves.
    if (!tableNames.has(command.name())) command.allowExcessArguments(false)
  }
  return program
}

function addDataCommands(program: Command, cli: CliContext): void {
  const data = program
    .command('data')
    .description('works on the data folder of a stopped server; see data --help')
    .exitOverride()
  data
    .command('initialize <path>')
    .description('with db.autocreate=false, lets a server without data vote; path: its zoo.cfg or its dataDir')
    .exitOverride()
    .allowExcessArguments(false)
    .action(async (path: string) => {
      const file = await initializeData(cli, path)
      const isJson = program.opts<CommonFlags>().json === true
      cli.write(
        isJson ? jsonLine({ created: file }) : `created ${file}: after its next start this server votes without data\n`,
      )
    })
  data
    .command('adopt')
    .description('makes the data in folders that were copied, or are those of another server, the data of this server')
    .option('--config <zoo.cfg>', 'the configuration of the server')
    .option('--moved', 'the server was stopped before the data was copied, and has not run since: nothing is missing')
    .option('--new-cluster', 'begin a new ensemble, or a standalone server, with this data')
    .option(
      '--cluster-id <0x…>',
      'for the second and each further member of a new ensemble: the id that the first one got',
    )
    .option('--epoch <number>', 'of a new ensemble: a number below its epochs; the first leader opens a greater one')
    .option('--json', 'one JSON object')
    .exitOverride()
    .allowExcessArguments(false)
    .action(async (flags: AdoptFlags & CommonFlags) => {
      const done = await runAdopt(cli, flags)
      const isJson = flags.json === true || program.opts<CommonFlags>().json === true
      cli.write(
        isJson
          ? jsonLine(adoptedJson(done))
          : adoptedLines(done)
              .map((line) => `${line}\n`)
              .join(''),
      )
    })
}

function addCheckpointCommand(program: Command, cli: CliContext): void {
  addCommonOptions(program.command('checkpoint'), '-s, --server <host:port,…>')
    .description('has each server make a checkpoint now, and waits for it; it sends the four-letter word ckpt')
    .action((_flags: object, command: Command) =>
      runWord({ word: 'ckpt', traceMask: null }, cli, settingsOf(program, command)),
    )
}

function addLeadCommand(program: Command, cli: CliContext): void {
  addCommonOptions(program.command('lead <id>'), '-s, --server <host:port,…>')
    .description('makes the server with this id the leader; it sends the four-letter word rqld to that server')
    .action(async (id: string, _flags: object, command: Command) => {
      const settings = settingsOf(program, command)
      const led = await runLead(cli, settings, id)
      cli.write(settings.isJson ? jsonLine({ leader: led.id, durationMs: led.durationMs }) : `${leadText(led)}\n`)
    })
}

function addBackupCommands(program: Command, cli: CliContext): void {
  addCommonOptions(program.command('backup'), '-s, --server <host:port,…>')
    .description('writes a consistent copy of a running ensemble to a file, continues such a file, or checks it')
    .option('--to <path>', 'the new file, or a folder, in which it gets a name')
    .option('--append <file>', 'adds to an earlier backup what was written since')
    .option('--check <file>', 'reads all of a backup and says what it has; contacts no server')
    .option('--force', 'with --to: an existing file is replaced')
    .option('--config <zoo.cfg>', 'the server of this machine with this configuration: its address and its local key')
    .option('--data-dir <folder>', 'the server with this data folder: its local key')
    .action((flags: BackupFlags, command: Command) => {
      const namesServers = (command.opts<CommonFlags>().server ?? program.opts<CommonFlags>().server) !== undefined
      return runBackup(cli, settingsOf(program, command), flags, namesServers)
    })
  program
    .command('restore')
    .description('makes the folders of a stopped server from a backup')
    .option('--from <file>', 'the backup')
    .option('--config <zoo.cfg>', 'the configuration of the server')
    .option('--to-zxid <0x…>', 'up to this zxid, and not to the end of the backup')
    .option('--to-time <time>', 'what was written before this time, e.g. 2026-01-31T14:05:00Z')
    .option(
      '--cluster-id <0x…>',
      'for the second and each further member of an ensemble: the id that the first one got',
    )
    .option(
      '--epoch <number>',
      'the epoch that the restored data gets, if greater than its own; the first leader opens a greater one',
    )
    .option('--json', 'one JSON object')
    .action((flags: RestoreFlags & CommonFlags) =>
      runRestore(cli, flags, flags.json === true || program.opts<CommonFlags>().json === true),
    )
}

function addTable(program: Command, cli: CliContext): void {
  for (const command of commandTable) {
    if (command.kind === 'shell') {
      program
        .command(command.name, { hidden: true })
        .helpOption(false)
        .allowUnknownOption()
        .allowExcessArguments()
        .action(() => {
          throw new CliFailure('usage', `${command.name} is a command of the shell, which "zkts-cli shell" opens`)
        })
      continue
    }
    const isWordToo = command.name === 'stat'
    const shown = isWordToo
      ? { ...command, takes: '[path]', summary: `${command.summary}; without a path, sends the four-letter word` }
      : command
    const added = addCommand(program, shown, (input, parsed) => {
      const settings = settingsOf(program, parsed)
      if (isWordToo && input.args.length === 0) return runWord({ word: 'stat', traceMask: null }, cli, settings)
      return runOnce(cli, settings, (context) => command.run(input, context))
    })
    addCommonOptions(added, hasOwnLetterS(command) ? '--server <host:port,…>' : '-s, --server <host:port,…>')
  }
}

function addCommonOptions(command: Command, serverFlag: string): Command {
  return command
    .option(serverFlag, 'servers')
    .option('--json', 'one JSON object')
    .option('--readonly', 'also accept a server without a leader, for reads')
    .option('--timeout <ms>', 'how long to try to reach a server')
    .option('--auth <scheme:credentials>', 'authenticate', gathered)
}

function gathered(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function addWord(program: Command, word: AdminWord, cli: CliContext): void {
  if (word === 'stmk') return addTraceMaskWord(program, cli)
  addCommonOptions(program.command(word), '-s, --server <host:port,…>')
    .description(`sends the four-letter word ${word} to each server`)
    .action((_flags: object, command: Command) => runWord({ word, traceMask: null }, cli, settingsOf(program, command)))
}

/** The only word that has an argument. */
function addTraceMaskWord(program: Command, cli: CliContext): void {
  addCommonOptions(program.command('stmk <mask>'), '-s, --server <host:port,…>')
    .description('sends the four-letter word stmk to each server: sets its trace mask, a whole number')
    .action((text: string, _flags: object, command: Command) => {
      const isNumber = /^(-?\d+|0x[0-9a-fA-F]+)$/.test(text)
      const traceMask = isNumber ? BigInt(text) : null
      if (traceMask === null || BigInt.asIntN(64, traceMask) !== traceMask) {
        throw new CliFailure('usage', `the trace mask "${text}" is not a whole number of 64 bits`)
      }
      return runWord({ word: 'stmk', traceMask }, cli, settingsOf(program, command))
    })
}

/** An option may be given before or after the command; the later one is used. */
function settingsOf(program: Command, command: Command): CliSettings {
  const flags: CommonFlags = { ...program.opts<CommonFlags>(), ...command.opts<CommonFlags>() }
  const timeoutMs = flags.timeout === undefined ? timeoutMsDefault : Number(flags.timeout)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1)
    throw new CliFailure('usage', '--timeout needs a number of milliseconds, 1 or more')
  // Unlike the other options, --auth adds up: identities before the command are used together with those after it.
  const given = [...(program.opts<CommonFlags>().auth ?? []), ...(command === program ? [] : (flags.auth ?? []))]
  const auth = [...new Set(given)].map((text) => {
    const [, scheme, credentials] = /^([^:]+):(.*)$/s.exec(text) ?? []
    if (scheme === undefined || credentials === undefined) {
      throw new CliFailure('usage', '--auth needs scheme:credentials, e.g. digest:user:password')
    }
    return { scheme, credentials }
  })
  const [isJson, canBeReadOnly] = [flags.json === true, flags.readonly === true]
  return { servers: flags.server ?? serversDefault, isJson, timeoutMs, canBeReadOnly, auth }
}

/** Sends the word to every server. The failure of each is printed; the first decides the exit status. */
async function runWord(asked: AskedWord, cli: CliContext, settings: CliSettings): Promise<void> {
  const parsed = parseConnectString(settings.servers)
  if (!parsed.ok) throw new CliFailure('usage', parsed.error)
  const { addresses } = parsed.value
  const { word } = asked
  const answerMs = word === 'ckpt' ? Math.max(settings.timeoutMs, checkpointMsDefault) : settings.timeoutMs
  let exit: ExitName = 'ok'
  for (const address of addresses) {
    const server = describeAddress(address)
    const answer = await askWord(cli, address, asked, { connectMs: settings.timeoutMs, answerMs })
    const failure = wordFailure(server, answer)
    if (failure !== null) {
      if (exit === 'ok') exit = failure.exit
      const { message: error, errorName } = failure
      cli.writeError(settings.isJson ? jsonLine({ server, word, error, errorName }) : `${error}\n`)
    } else if (answer.ok && settings.isJson) {
      cli.write(jsonLine({ server, word, ...fieldsOfWord(word, answer.value) }))
    } else if (answer.ok) {
      cli.write(`${addresses.length > 1 ? `== ${server}\n` : ''}${answer.value}${endOf(answer.value)}`)
    }
  }
  if (exit !== 'ok') throw new CliFailure(exit, '') // which is printed already
}

function wordFailure(server: string, answer: Result<string, AskFailure>): CliFailure | null {
  if (!answer.ok) return new CliFailure(answer.error.kind, answer.error.message)
  return isRefusal(answer.value) ? new CliFailure('refused', `${server}: ${adviceFor(answer.value)}`) : null
}

/** A four-letter word has no error status; a refusal is one of these sentences. */
function isRefusal(text: string): boolean {
  return (
    text.includes(notWhitelisted) ||
    text.startsWith('This ZooKeeper instance is not currently serving requests') ||
    text.startsWith('Checkpoint failed: ') ||
    text.startsWith('Failed to send ')
  )
}

function adviceFor(text: string): string {
  const said = text.trimEnd()
  return text.includes(notWhitelisted) ? `${said} ${whitelistAdvice}` : said
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
