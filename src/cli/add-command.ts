/** Adds commands of the table to commander, which separates arguments from options and prints usage. */
import { type Command, Option } from 'commander'
import { assert } from '../base/assert.ts'
import { type CliCommand, type CommandInput, pathOf } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'

export function addCommand(
  program: Command,
  command: Pick<CliCommand, 'name' | 'takes' | 'summary' | 'options'>,
  run: (input: CommandInput, parsed: Command) => Promise<void>,
): Command {
  const { name, takes, summary, options } = command
  const added = program.command(takes === '' ? name : `${name} ${takes}`).description(summary)
  for (const { flags, meaning } of options) added.option(flags, meaning)
  return added.allowExcessArguments().action(() => {
    const input = inputOf(added)
    if (input.args.length <= added.registeredArguments.length) return run(input, added)
    // An address after a -s that has another meaning becomes the first argument; `pathOf` explains that.
    if (takes.startsWith('<path>')) pathOf(input)
    const most = takes === '' ? 'nothing' : `${takes} and no more; quotes hold words together`
    throw new CliFailure('usage', `${name} takes ${most}`)
  })
}

function inputOf(parsed: Command): CommandInput {
  const values = parsed.opts<Readonly<Record<string, string | true | undefined>>>()
  const known = new Map(parsed.options.map((option) => [option.name(), option.attributeName()]))
  const given = (name: string): string | true | undefined => {
    const attribute = known.get(name)
    assert(attribute !== undefined, 'a command reads only its own options', { command: parsed.name(), name })
    return values[attribute]
  }
  return {
    args: parsed.args,
    has: (option) => given(option) !== undefined,
    valueOf: (option) => {
      const value = given(option)
      return value === true ? undefined : value
    },
  }
}

/** True if the command has an option `-s` of its own, so that `-s` after it cannot name the servers. */
export function hasOwnLetterS(command: Pick<CliCommand, 'options'>): boolean {
  return command.options.some(({ flags }) => new Option(flags).short === '-s')
}

/**
 * Long options that zkCli writes with one dash, before the command and after reconfig. Commander would read letters.
 */
const singleDashed = {
  program: ['-server', '-timeout'],
  reconfig: ['-add', '-remove', '-members', '-file'],
} as const

/** Translates a command line of zkCli. Words after `--` are not options. */
export function withLongOptions(argv: readonly string[]): readonly string[] {
  const [options, rest] = atDoubleDash(argv)
  // zkts-cli always waits for a connection.
  const kept = options.filter((word) => word !== '-waitforconnection')
  return [...withReconfigOptions(doubled(kept, singleDashed.program)), ...rest]
}

/** Translates a line of zkCli's shell. */
export function withReconfigOptions(words: readonly string[]): readonly string[] {
  const [options, rest] = atDoubleDash(words)
  return options.includes('reconfig') ? [...doubled(options, singleDashed.reconfig), ...rest] : words
}

function doubled(words: readonly string[], names: readonly string[]): readonly string[] {
  return words.map((word) => (names.includes(word) ? `-${word}` : word))
}

function atDoubleDash(words: readonly string[]): readonly [readonly string[], readonly string[]] {
  const at = words.indexOf('--')
  return at < 0 ? [words, []] : [words.slice(0, at), words.slice(at)]
}
