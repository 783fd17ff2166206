/**
 * The shell: one session at a time, a command a line, watches printed as they fire. A command that fails is
 * reported and the shell goes on; when input is piped in, the first failure decides the exit status.
 * Owns: the session, the numbered lines, and that credentials are neither shown again nor kept.
 */
import { Command } from 'commander'
import { cliHistoryLinesMax } from '../base/limits.ts'
import type { Client, WatchEvent, Watcher } from '../client/types.ts'
import type { OpenLineEditor } from '../ports/terminal.ts'
import { addCommand, withReconfigOptions } from './add-command.ts'
import { type CliCommand, type CommandContext, jsonLine, type ShellControl } from './cli-command.ts'
import type { CliSettings, CliWorld } from './cli-world.ts'
import { commandTable } from './command-table.ts'
import { completeLine } from './complete-line.ts'
import { CliFailure, type ExitName } from './exit-codes.ts'
import { openClient, toFailure } from './open-client.ts'
import { readFile } from './read-file.ts'
import { versionLine, watchJson, watchLine } from './render.ts'
import { splitWords } from './split-words.ts'

/** Resolves with how the shell ended. */
export async function runShell(world: CliWorld, settings: CliSettings, version: string): Promise<ExitName> {
  const shell = new Shell(world, settings, version)
  await shell.connect(null)
  return shell.run()
}

class Shell implements ShellControl {
  printsWatches = true
  readonly #world: CliWorld
  readonly #version: string
  #settings: CliSettings
  #client: Client | null = null
  #editor: OpenLineEditor | null = null
  #isOver = false
  /** As they were typed, the last of them by number. */
  readonly #typed = new Map<number, string>()
  #typedCount = 0
  #keepsHistory: boolean
  #lastEvent: WatchEvent | null = null
  /** One for all: an event that several watches concern comes several times, and is printed once. */
  readonly #watcher: Watcher = (event) => {
    if (!this.printsWatches || event === this.#lastEvent) return
    this.#lastEvent = event
    this.#writeAbove(this.#settings.isJson ? jsonLine(watchJson(event)) : `${watchLine(event)}\n`)
  }

  constructor(world: CliWorld, settings: CliSettings, version: string) {
    this.#world = world
    this.#settings = settings
    this.#version = version
    this.#keepsHistory = world.isInteractive
  }

  get history(): readonly (readonly [number: number, line: string])[] {
    return [...this.#typed].map(([number, line]) => [number, withoutSecrets(line)])
  }

  async run(): Promise<ExitName> {
    const editor = this.#world.lineEditor.open({
      history: await this.#loadHistory(),
      isRemembered: (line) => !holdsSecrets(line),
      complete: (text) => completeLine(text, commandTable, this.#client),
    })
    this.#editor = editor
    let firstFailure: ExitName = 'ok'
    this.#prompt()
    for await (const line of editor.lines) {
      const outcome = await this.#runNew(line)
      if (outcome !== 'ok' && firstFailure === 'ok' && !this.#world.isInteractive) firstFailure = outcome
      if (this.#isOver) break
      // Nobody is there to connect again.
      if (this.#client?.state.kind === 'expired' && !this.#world.isInteractive) return 'lost'
      this.#prompt()
    }
    editor.close()
    await this.close()
    return firstFailure
  }

  async connect(servers: string | null): Promise<void> {
    const settings = servers === null ? this.#settings : { ...this.#settings, servers }
    await this.close()
    const client = await openClient(this.#world, settings)
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
    const own = this.#typedCount - 1 // the line that asks for it
    if (line === undefined || number === own) {
      throw new CliFailure('usage', `there is no line ${number} before this one; history shows them`)
    }
    if (/^\s*redo\b/.test(line)) throw new CliFailure('usage', `line ${number} is a redo itself`)
    this.#typed.set(own, line)
    const outcome = await this.#run(line)
    if (outcome !== 'ok') throw new CliFailure(outcome, '')
  }

  write(text: string): void {
    this.#world.write(text)
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

  /** Most lines need one command; to explain or to suggest takes them all. */
  #program(name: string | undefined): Command {
    const named = commandTable.filter((command) => command.name === name)
    const program = new Command('zkts-cli')
      .usage('<command>')
      .exitOverride()
      .configureOutput({ writeOut: (text) => this.write(text), writeErr: (text) => this.#world.writeError(text) })
      .helpOption(false)
      .helpCommand('help [command]', 'what there is, or one command in detail')
    for (const command of named.length > 0 ? named : commandTable) {
      addCommand(program, command, (input) => this.#perform(command, input))
    }
    program
      .command('version')
      .description('the version of zkts-cli')
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
      warn: (text) => this.#world.writeError(text),
      newWatcher: () => this.#watcher,
      readFile: (path) => readFile(this.#world, path),
    }
  }

  #complain(failure: CliFailure): ExitName {
    if (failure.message !== '') this.#world.writeError(`${failure.message}\n`)
    return failure.exit
  }

  #prompt(): void {
    if (!this.#world.isInteractive) return
    const state = this.#client?.state
    const isConnected = state?.kind === 'connected'
    const where = isConnected ? `${state.server}${state.readOnly ? ' read-only' : ''}` : 'not connected'
    this.#editor?.prompt(`[${where} ${this.#typedCount}] `)
  }

  #writeAbove(text: string): void {
    if (this.#editor === null || !this.#world.isInteractive) this.write(text)
    else this.#editor.writeAbove(text)
  }

  #warnAbove(text: string): void {
    if (this.#world.isInteractive) this.#writeAbove(text)
    else this.#world.writeError(text)
  }

  async #loadHistory(): Promise<readonly string[]> {
    if (!this.#keepsHistory) return []
    try {
      return await this.#world.lineHistory.load()
    } catch (error) {
      this.#giveUpHistory(error)
      return []
    }
  }

  async #keep(line: string): Promise<void> {
    try {
      await this.#world.lineHistory.append(line)
    } catch (error) {
      this.#giveUpHistory(error)
    }
  }

  #giveUpHistory(error: unknown): void {
    this.#keepsHistory = false
    this.#world.writeError(`lines are not kept: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}

/** Also for what is only almost `addauth`: a password typed behind a slip of the finger is one all the same. */
function holdsSecrets(line: string): boolean {
  const words = splitWords(line)
  return /auth$/i.test((words.ok ? words.value[0] : line.trim().split(/\s/)[0]) ?? '')
}

function withoutSecrets(line: string): string {
  if (!holdsSecrets(line)) return line
  const words = splitWords(line)
  return [...(words.ok ? words.value.slice(0, 2) : ['addauth']), '…'].join(' ')
}
