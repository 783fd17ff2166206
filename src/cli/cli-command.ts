/**
 * What a command is: its name, what it takes, what it does. The shell, the one-shot form, `help`, completion and the
 * table of docs/reference/cli.md are all made from these values, so that none of them can forget one.
 * Names and one-letter options are zkCli's.
 */

import { pathProblem } from '../client/path-problem.ts'
import type { Client, Watcher } from '../client/types.ts'
import { CliFailure } from './exit-codes.ts'

export interface CommandOption {
  /** As commander reads it: `-v, --data-version <version>`. The long name is what `CommandInput` knows it by. */
  readonly flags: string
  readonly meaning: string
}

interface CommandTraits {
  readonly name: string
  /** As commander reads it: `<path> [data]`. */
  readonly takes: string
  readonly summary: string
  readonly options: readonly CommandOption[]
}

/** Works on an ensemble, in the shell and by itself. */
export interface ZnodeCommand extends CommandTraits {
  readonly kind: 'znode'
  run(input: CommandInput, context: CommandContext): Promise<void>
}

/** Changes the shell, and means nothing outside. */
export interface ShellCommand extends CommandTraits {
  readonly kind: 'shell'
  run(input: CommandInput, shell: ShellControl): Promise<void>
}

export type CliCommand = ZnodeCommand | ShellCommand

export interface CommandInput {
  readonly args: readonly string[]
  /** True if the option, by its long name, was given. */
  has(option: string): boolean
  /** What was given with the option. */
  valueOf(option: string): string | undefined
}

export interface CommandContext {
  readonly client: Client
  readonly isJson: boolean
  write(text: string): void
  /** For what is no answer: standard error. */
  warn(text: string): void
  /** Prints events. A command by itself then waits: for the first event, or with `forGood` for all there will be. */
  newWatcher(lifetime: 'once' | 'for-good'): Watcher
  readFile(path: string): Promise<string>
}

export interface ShellControl {
  /** Opens a session in place of the present one; null: with the same servers. */
  connect(servers: string | null): Promise<void>
  close(): Promise<void>
  quit(): void
  /** The last lines, oldest first; secrets in them are not shown. */
  readonly history: readonly (readonly [number: number, line: string])[]
  redo(number: number): Promise<void>
  printsWatches: boolean
  write(text: string): void
}

/** Prints an answer: an object with --json, else lines. */
export function answer(context: CommandContext, json: object, lines: readonly string[]): void {
  context.write(context.isJson ? jsonLine(json) : lines.map((line) => `${line}\n`).join(''))
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/** An argument that names a znode. With `isSequential` a number follows, so the text may end with a slash. */
export function pathOf(input: CommandInput, isSequential = false): string {
  const path = input.args[0] ?? ''
  const problem = pathProblem(isSequential && path !== '' ? `${path}0` : path)
  if (problem === null) return path
  const isAddress = /^[^/]+:\d+/.test(path)
  throw new CliFailure('usage', isAddress ? `${problem}. Servers are named before the command, by -s` : problem)
}

/** -1: any. */
export function versionOf(input: CommandInput, option: string): number {
  const text = input.valueOf(option)
  if (text === undefined) return -1
  if (!/^-?\d{1,10}$/.test(text)) throw new CliFailure('usage', `"${text}" is no version: it takes a whole number`)
  return Number(text)
}
