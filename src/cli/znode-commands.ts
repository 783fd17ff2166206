/**
 * The commands on znodes, with the names and flags of zkCli where it has them. One definition serves the
 * one-shot form and the shell. They print; they do not decide exit codes beyond what a refusal means.
 */
import type { Command } from 'commander'
import type { Client, Watcher } from '../client/types.ts'
import { CliFailure } from './exit-codes.ts'
import { dataJson, dataText, statJson, statLines } from './render.ts'

export interface ZnodeContext {
  readonly client: Client
  readonly isJson: boolean
  write(text: string): void
  /** Makes a watcher for a read with -w, which prints the event when it comes. */
  newWatcher(): Watcher
}

/** Runs `action` with a client; how one is come by and what follows is the caller's business. */
export type WithClient = (command: Command, action: (context: ZnodeContext) => Promise<void>) => Promise<void>

interface ReadFlags {
  readonly stat?: boolean
  readonly watch?: boolean
}

export function addZnodeCommands(program: Command, withClient: WithClient): void {
  addReads(program, withClient)
  addWrites(program, withClient)
}

function addReads(program: Command, withClient: WithClient): void {
  program
    .command('ls <path>')
    .description('the names of the children')
    .option('-s, --stat', 'show the stat as well')
    .option('-w, --watch', 'print a line when they change')
    .action((path: string, flags: ReadFlags, command: Command) =>
      withClient(command, async ({ client, isJson, write, newWatcher }) => {
        const { children, stat } = await client.getChildren(path, flags.watch ? { watch: newWatcher() } : {})
        const names = [...children].sort()
        if (isJson) write(jsonLine({ path, children: names, stat: statJson(stat) }))
        else write(textOf([`[${names.join(', ')}]`, ...(flags.stat ? statLines(stat) : [])]))
      }),
    )
  program
    .command('get <path>')
    .description('the data')
    .option('-s, --stat', 'show the stat as well')
    .option('-w, --watch', 'print a line when it changes')
    .action((path: string, flags: ReadFlags, command: Command) =>
      withClient(command, async ({ client, isJson, write, newWatcher }) => {
        const { data, stat } = await client.getData(path, flags.watch ? { watch: newWatcher() } : {})
        if (isJson) write(jsonLine({ path, ...dataJson(data), stat: statJson(stat) }))
        else write(textOf([dataText(data), ...(flags.stat ? statLines(stat) : [])]))
      }),
    )
}

/** Not with the others: the one-shot form shares its name with a four-letter word. */
export function showStat(path: string, flags: ReadFlags): (context: ZnodeContext) => Promise<void> {
  return async ({ client, isJson, write, newWatcher }) => {
    const stat = await client.exists(path, flags.watch ? { watch: newWatcher() } : {})
    if (stat === null) {
      if (!flags.watch) throw new CliFailure('refused', `stat ${path}: no-node: the znode does not exist`, 'no-node')
      write(isJson ? jsonLine({ path, stat: null }) : textOf([`${path} does not exist`]))
    } else write(isJson ? jsonLine({ path, stat: statJson(stat) }) : textOf(statLines(stat)))
  }
}

function addWrites(program: Command, withClient: WithClient): void {
  program
    .command('set <path> <data>')
    .description('replaces the data')
    .option('-s, --stat', 'show the new stat')
    .option('-v, --data-version <version>', 'only if this is the current data version')
    .action((path: string, data: string, flags: { stat?: boolean; dataVersion?: string }, command: Command) =>
      withClient(command, async ({ client, isJson, write }) => {
        const stat = await client.setData(path, bytesOf(data), versionOf(flags.dataVersion))
        if (isJson) write(jsonLine({ path, stat: statJson(stat) }))
        else if (flags.stat) write(textOf(statLines(stat)))
      }),
    )
  program
    .command('create <path> [data]')
    .description('makes a znode')
    .option('-e, --ephemeral', 'it lives as long as the session')
    .option('-s, --sequential', 'a number is appended to the name')
    .option('-c, --container', 'it vanishes when it has lost its last child')
    .action((path: string, data: string | undefined, flags: CreateFlags, command: Command) =>
      withClient(command, async ({ client, isJson, write }) => {
        const created = await client.create(path, data === undefined ? null : bytesOf(data), { mode: modeOf(flags) })
        write(
          isJson ? jsonLine({ path: created.path, stat: statJson(created.stat) }) : textOf([`Created ${created.path}`]),
        )
      }),
    )
  program
    .command('delete <path>')
    .description('removes a znode without children')
    .option('-v, --data-version <version>', 'only if this is the current data version')
    .action((path: string, flags: { dataVersion?: string }, command: Command) =>
      withClient(command, async ({ client, isJson, write }) => {
        await client.delete(path, versionOf(flags.dataVersion))
        if (isJson) write(jsonLine({ path, deleted: true }))
      }),
    )
  program
    .command('sync <path>')
    .description('waits until the server has all that was committed')
    .action((path: string, _flags: object, command: Command) =>
      withClient(command, async ({ client, isJson, write }) => {
        await client.sync(path)
        if (isJson) write(jsonLine({ path, synced: true }))
      }),
    )
}

interface CreateFlags {
  readonly ephemeral?: boolean
  readonly sequential?: boolean
  readonly container?: boolean
}

function modeOf(
  flags: CreateFlags,
): 'persistent' | 'ephemeral' | 'persistent-sequential' | 'ephemeral-sequential' | 'container' {
  if (flags.container) {
    if (flags.ephemeral || flags.sequential)
      throw new CliFailure('usage', 'a container is neither ephemeral nor sequential')
    return 'container'
  }
  if (flags.ephemeral) return flags.sequential ? 'ephemeral-sequential' : 'ephemeral'
  return flags.sequential ? 'persistent-sequential' : 'persistent'
}

function versionOf(text: string | undefined): number {
  if (text === undefined) return -1
  if (!/^-?\d{1,10}$/.test(text)) throw new CliFailure('usage', `"${text}" is no version`)
  return Number(text)
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
