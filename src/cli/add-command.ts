/** Commands of the table for commander, which splits arguments from options and prints usage. */
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
    // Servers named by -s where it means something else end up here.
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
    assert(attribute !== undefined, 'a command asks for options of its own', { command: parsed.name(), name })
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

/** True if `-s` means something of the command's own, so that it cannot name the servers after it. */
export function hasOwnLetterS(command: Pick<CliCommand, 'options'>): boolean {
  return command.options.some(({ flags }) => new Option(flags).short === '-s')
}

/** Names of more letters that zkCli takes after one dash, which commander would read as letters. */
const singleDashed = { reconfig: ['-add', '-remove', '-members', '-file'] } as const

/** The words of zkCli's command line as ours. */
export function withLongOptions(words: readonly string[]): readonly string[] {
  const servers = words.map((word) => (word === '-server' ? '--server' : word))
  if (!words.includes('reconfig')) return servers
  const names: readonly string[] = singleDashed.reconfig
  return servers.map((word) => (names.includes(word) ? `-${word}` : word))
}
