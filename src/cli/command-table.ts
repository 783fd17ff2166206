/** All commands except the four-letter words, in the order in which help and docs show them. */
import { accessCommands } from './access-commands.ts'
import type { CliCommand } from './cli-command.ts'
import { ensembleCommands } from './ensemble-commands.ts'
import { quotaCommands } from './quota-commands.ts'
import { readCommands } from './read-commands.ts'
import { shellCommands } from './shell-commands.ts'
import { watchCommands } from './watch-commands.ts'
import { writeCommands } from './write-commands.ts'

export const commandTable: readonly CliCommand[] = [
  ...readCommands,
  ...writeCommands,
  ...accessCommands,
  ...watchCommands,
  ...quotaCommands,
  ...ensembleCommands,
  ...shellCommands,
]
