/**
 * The shell: one session at a time, one command on each line. Watch events are printed when they arrive. After a
 * command that fails the shell goes on; if its input is a pipe, the first failure decides the exit status.
 * Owns: the session, the numbered lines, and that credentials are neither shown again nor stored.
 */
import { Command } from 'commander'
import { cliHistoryLinesMax } from '../base/limits.ts'
import type { Client, WatchEvent, Watcher } from '../client/types.ts'
import type { OpenLineEditor } from '../ports/terminal.ts'
import { addCommand, withReconfigOptions } from './add-command.ts'
import { type CliCommand, type CommandContext, jsonLine, type ShellControl } from './cli-command.ts'
import type { CliContext, CliSettings } from './cli-context.ts'
import { commandTable } from './command-table.ts'
import { completeLine } from './complete-line.ts'
import { CliFailure, type ExitName } from './exit-codes.ts'
import { openClient, toFailure } from './open-client.ts'
import { readFile } from './read-file.ts'
import { versionLine, watchJson, watchLine } from './render.ts'
import { splitWords } from './split-words.ts'

/** Resolves with the exit status of the shell. */
export async function runShell(cli: CliContext, settings: CliSettings, version: string): Promise<ExitName> {
  const shell = new Shell(cli, settings, version)
  await shell.connect(null)
  return shell.run()
}

class Shell implements ShellControl {
  printsWatches = true
  readonly #cli: CliContext
  readonly #version: string
  #settings: CliSettings
  #client: Client | null = null
  #editor: OpenLineEditor | null = null
  #isOver = false
  /** The last `cliHistoryLinesMax` lines by their number. */
  readonly #typed = new Map<number, string>()
  #typedCount = 0
  #keepsHistory: boolean
  #lastEvent: WatchEvent | null = null
  /**
   * The same watcher for all watches. An event that fires several of them arrives several times and is printed once.
   */
  readonly #watcher: Watcher = (event) => {
    if (!this.printsWatches || event === this.#lastEvent) return
    this.#lastEvent = event
    this.#writeAbove(this.#settings.isJson ? jsonLine(watchJson(event)) : `${watchLine(event)}\n`)
  }

  constructor(cli: CliContext, settings: CliSettings, version: string) {
    this.#cli = cli
    this.#settings = settings
    this.#version = version
    this.#keepsHistory = cli.isInteractive
  }

  get history(): readonly (readonly [number: number, line: string])[] {
    return [...this.#typed].map(([number, line]) => [number, withoutSecrets(line)])
  }

  async run(): Promise<ExitName> {
    const editor = this.#cli.lineEditor.open({
      history: await this.#loadHistory(),
      isRemembered: (line) => !holdsSecrets(line),
      complete: (text) => completeLine(text, commandTable, this.#client),
    })
    this.#editor = editor
    let firstFailure: ExitName = 'ok'
    this.#prompt()
    for await (const line of editor.lines) {
      const outcome = await this.#runNew(line)
      if (outcome !== 'ok' && firstFailure === 'ok' && !this.#cli.isInteractive) firstFailure = outcome
      if (this.#isOver) break
      // A script cannot notice this and run `connect`.
      if (this.#client?.state.kind === 'expired' && !this.#cli.isInteractive) return 'lost'
      this.#prompt()
    }
    editor.close()
    await this.close()
    return firstFailure
  }

  async connect(servers: string | null): Promise<void> {
    const settings = servers === null ? this.#settings : { ...this.#settings, servers }
    await this.close()
    const client = await openClient(this.#cli, settings)
    this.#settings = settings
    this.#client = client
    client.onStateChange((state) => {
      if (this.#client !== client) return
      if (state.kind === 'connecting') this.#warnAbove('connection lost, reconnecting\n')
      if (state.kind === 'expired') this.#warnAbove(`the session has expired, with its ephemerals and watches\n`)
      if (state.kind === 'auth-failed')
        this.#warnAbove('the server has refused the credentials and ended the session\n')
    })
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.close()
  }

  quit(): void {
    this.#isOver = true
  }

  async redo(number: number): Promise<void> {
    const line = this.#typed.get(number)
    const own = this.#typedCount - 1 // the line with the redo itself
    if (line === undefined || number === own) {
      throw new CliFailure('usage', `there is no earlier line ${number}; "history" shows the numbers`)
    }
    if (/^\s*redo\b/.test(line))
      throw new CliFailure('usage', `line ${number} is itself a redo; give the number of another line`)
    this.#typed.set(own, line)
    const outcome = await this.#run(line)
    if (outcome !== 'ok') throw new CliFailure(outcome, '')
  }

  write(text: string): void {
    this.#cli.write(text)
  }

  async #runNew(line: string): Promise<ExitName> {
    if (line.trim() === '') return 'ok'
    this.#typed.set(this.#typedCount++, line)
    this.#typed.delete(this.#typedCount - 1 - cliHistoryLinesMax)
    if (this.#keepsHistory && !holdsSecrets(line)) await this.#keep(line)
    return this.#run(line)
  }

  async #run(line: string): Promise<ExitName> {
    const words = splitWords(line)
    if (!words.ok) return this.#complain(new CliFailure('usage', words.error))
    try {
      await this.#program(words.value[0]).parseAsync([...withReconfigOptions(words.value)], { from: 'user' })
      return 'ok'
    } catch (error) {
      return this.#complain(toFailure(error))
    }
  }

  /** With only the named command, since most lines need no other; with all commands for `help` and for suggestions. */
  #program(name: string | undefined): Command {
    const named = commandTable.filter((command) => command.name === name)
    const program = new Command('zkts-cli')
      .usage('<command>')
      .exitOverride()
      .configureOutput({ writeOut: (text) => this.write(text), writeErr: (text) => this.#cli.writeError(text) })
      .helpOption(false)
      .helpCommand('help [command]', 'lists the commands, or explains one')
    for (const command of named.length > 0 ? named : commandTable) {
      addCommand(program, command, (input) => this.#perform(command, input))
    }
    program
      .command('version')
      .description('prints the version of zkts-cli')
      .action(() => this.write(versionLine(this.#version)))
    for (const command of program.commands) command.exitOverride().helpOption(false)
    return program
  }

  #perform(command: CliCommand, input: Parameters<CliCommand['run']>[0]): Promise<void> {
    return command.kind === 'shell' ? command.run(input, this) : command.run(input, this.#context())
  }

  #context(): CommandContext {
    const client = this.#client
    if (client === null) throw new CliFailure('refused', 'not connected; "connect" opens a session')
    return {
      client,
      isJson: this.#settings.isJson,
      write: (text) => this.write(text),
      warn: (text) => this.#cli.writeError(text),
      newWatcher: () => this.#watcher,
      readFile: (path) => readFile(this.#cli, path),
    }
  }

  #complain(failure: CliFailure): ExitName {
    if (failure.message !== '') this.#cli.writeError(`${failure.message}\n`)
    return failure.exit
  }

  #prompt(): void {
    if (!this.#cli.isInteractive) return
    const state = this.#client?.state
    const isConnected = state?.kind === 'connected'
    const where = isConnected ? `${state.server}${state.readOnly ? ' read-only' : ''}` : 'not connected'
    this.#editor?.prompt(`[${where} ${this.#typedCount}] `)
  }

  #writeAbove(text: string): void {
    if (this.#editor === null || !this.#cli.isInteractive) this.write(text)
    else this.#editor.writeAbove(text)
  }

  #warnAbove(text: string): void {
    if (this.#cli.isInteractive) this.#writeAbove(text)
    else this.#cli.writeError(text)
  }

  async #loadHistory(): Promise<readonly string[]> {
    if (!this.#keepsHistory) return []
    try {
      return await this.#cli.lineHistory.load()
    } catch (error) {
      this.#giveUpHistory(error)
      return []
    }
  }

  async #keep(line: string): Promise<void> {
    try {
      await this.#cli.lineHistory.append(line)
    } catch (error) {
      this.#giveUpHistory(error)
    }
  }

  #giveUpHistory(error: unknown): void {
    this.#keepsHistory = false
    this.#cli.writeError(
      `typed lines are not stored in the history file: ${error instanceof Error ? error.message : String(error)}\n`,
    )
  }
}

/** Also true for a mistyped `addauth`, such as `adauth`, since a password may follow it. */
function holdsSecrets(line: string): boolean {
  const words = splitWords(line)
  return /auth$/i.test((words.ok ? words.value[0] : line.trim().split(/\s/)[0]) ?? '')
}

function withoutSecrets(line: string): string {
  if (!holdsSecrets(line)) return line
  const words = splitWords(line)
  return [...(words.ok ? words.value.slice(0, 2) : ['addauth']), '…'].join(' ')
}
