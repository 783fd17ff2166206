/**
 * The type of a command: its name, arguments, options and action. The shell, commands on the command line, `help`,
 * completion and the table of docs/reference/cli.md all derive from the same list of commands.
 * Names and one-letter options are those of zkCli.
 */

import { pathProblem } from '../client/path-problem.ts'
import type { Client, Watcher } from '../client/types.ts'
import { CliFailure } from './exit-codes.ts'

export interface CommandOption {
  /** In commander's notation: `-v, --data-version <version>`. `CommandInput` uses the long name. */
  readonly flags: string
  readonly meaning: string
}

interface CommandTraits {
  readonly name: string
  /** In commander's notation: `<path> [data]`. */
  readonly takes: string
  readonly summary: string
  readonly options: readonly CommandOption[]
}

/** Works on an ensemble, in the shell and on the command line. */
export interface ZnodeCommand extends CommandTraits {
  readonly kind: 'znode'
  run(input: CommandInput, context: CommandContext): Promise<void>
}

/** Changes the shell, and exists only in it. */
export interface ShellCommand extends CommandTraits {
  readonly kind: 'shell'
  run(input: CommandInput, shell: ShellControl): Promise<void>
}

export type CliCommand = ZnodeCommand | ShellCommand

export interface CommandInput {
  readonly args: readonly string[]
  /** True if the option was given. `option` is its long name. */
  has(option: string): boolean
  /** The value of the option; undefined if the option was not given. */
  valueOf(option: string): string | undefined
}

export interface CommandContext {
  readonly client: Client
  readonly isJson: boolean
  write(text: string): void
  /** Writes to standard error. */
  warn(text: string): void
  /**
   * A watcher that prints its events. A command on the command line then waits: with `once` for the first event, with
   * `until-session-ends` for events until the session ends.
   */
  newWatcher(lifetime: 'once' | 'until-session-ends'): Watcher
  readFile(path: string): Promise<string>
}

export interface ShellControl {
  /** Replaces the session by a new one. Null: with the same servers. */
  connect(servers: string | null): Promise<void>
  close(): Promise<void>
  quit(): void
  /** The last lines, oldest first, without credentials. */
  readonly history: readonly (readonly [number: number, line: string])[]
  redo(number: number): Promise<void>
  printsWatches: boolean
  write(text: string): void
}

/** Prints an answer: one object with --json, else lines. */
export function answer(context: CommandContext, json: object, lines: readonly string[]): void {
  context.write(context.isJson ? jsonLine(json) : lines.map((line) => `${line}\n`).join(''))
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/** The first argument, a path. With `isSequential` the server appends a number, so the text may end with a slash. */
export function pathOf(input: CommandInput, isSequential = false): string {
  const path = input.args[0] ?? ''
  const problem = pathProblem(isSequential && path !== '' ? `${path}0` : path)
  if (problem === null) return path
  const isAddress = /^[^/]+:\d+/.test(path)
  throw new CliFailure('usage', isAddress ? `${problem}. To name servers, write -s before the command` : problem)
}

/** The value of a version option. -1: any version. */
export function versionOf(input: CommandInput, option: string): number {
  const text = input.valueOf(option)
  if (text === undefined) return -1
  if (!/^-?\d{1,10}$/.test(text)) throw new CliFailure('usage', `"${text}" is not a version; write a whole number`)
  return Number(text)
}
