/** The command line of zkts-server: its options, the values that each accepts, and the text for a wrong value. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { type LogLevel, logLevels } from '../io/pino-log.ts'
import { localServerCountMax } from './local-ensemble.ts'

export interface CommandLineOptions {
  readonly config?: string
  readonly local?: number
  readonly logLevel: LogLevel
  readonly logFormat?: 'json' | 'pretty'
  readonly logFile?: string
  readonly logRotateSize?: number // bytes
  readonly logRotateEvery?: string
  readonly logRotateCount: number
  readonly plainSockets?: true
  readonly endWithInput?: true
}

/**
 * For the servers of `--local`: the server closes when its standard input ends, which happens when the supervisor
 * ends, in whichever way. Not shown in the help, since no operator needs it.
 */
export const endWithInputFlag = '--end-with-input'

export interface CommandLineOutput {
  readonly writeOut: (text: string) => void
  readonly writeErr: (text: string) => void
}

export type CommandLine =
  | { readonly kind: 'run'; readonly options: CommandLineOptions }
  /** The help or the version was printed. */
  | { readonly kind: 'answered' }
  /** An error was printed. */
  | { readonly kind: 'wrong' }

/** `args` without the paths of Node and of the program. */
export function readCommandLine(args: readonly string[], version: string, output: CommandLineOutput): CommandLine {
  const command = commandLine(version).configureOutput(output)
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { kind: error.exitCode === 0 ? 'answered' : 'wrong' }
    throw error
  }
  return { kind: 'run', options: command.opts<CommandLineOptions>() }
}

function commandLine(version: string): Command {
  return new Command('zkts-server')
    .description('A coordination server that every ZooKeeper client uses unchanged.')
    .option('-c, --config <file>', 'the zoo.cfg to run with; without it: standalone on 127.0.0.1:2181, data in ./data')
    .option(
      '--local <count>',
      'run an ensemble of <count> servers on this machine, data in ./data/server.N',
      parseCount,
    )
    .addOption(
      new Option('--log-level <level>', 'log lines of this level and of more severe ones')
        .choices(logLevels)
        .default('info'),
    )
    .addOption(
      new Option('--log-format <format>', 'format of log lines; default: pretty on a terminal, json elsewhere').choices(
        ['json', 'pretty'],
      ),
    )
    .option('--log-file <file>', 'write the log to this file instead of standard output')
    .option('--log-rotate-size <size>', 'start a new log file when it reaches this size, e.g. 100M', parseSize)
    .option('--log-rotate-every <time>', 'start a new log file after this time, e.g. 12h or 1d', parsePeriod)
    .option('--log-rotate-count <count>', 'the number of rotated log files to keep', parseRotatedCount, 10)
    .option('--plain-sockets', 'use only documented features of Node.js for sockets; slower')
    .addOption(new Option(endWithInputFlag).hideHelp())
    .version(version)
    .exitOverride()
    .allowExcessArguments(false)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= localServerCountMax) return count
  throw new InvalidArgumentError(`write a number from 1 to ${localServerCountMax}.`)
}

/** Bytes; K, M and G are powers of 1024. */
function parseSize(text: string): number {
  const [, digits, unit] = /^(\d{1,9})([KMG]?)$/.exec(text) ?? []
  const sizeBytes = Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit ?? '')
  if (sizeBytes >= 1) return sizeBytes
  throw new InvalidArgumentError('write a number of bytes, or one with K, M or G, such as 100M.')
}

/** Files are rotated at multiples of the period on the clock, so hours must divide a day. */
function parsePeriod(text: string): string {
  const [, digits, unit] = /^(\d{1,3})([hd])$/.exec(text) ?? []
  const count = Number(digits)
  if (count >= 1 && (unit === 'd' || 24 % count === 0)) return text
  throw new InvalidArgumentError('write days, such as 1d, or hours that divide a day, such as 1h or 12h.')
}

function parseRotatedCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count
  throw new InvalidArgumentError('write a number from 1 to 1000.')
}
