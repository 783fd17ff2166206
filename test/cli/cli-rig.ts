/**
 * Runs zkts-cli against a simulated server in virtual time. A test gives lines or a command line, and gets the text on
 * both outputs and the exit status.
 */
import type { CliContext } from '../../src/cli/cli-context.ts'
import { runCli } from '../../src/cli/program.ts'
import { connectWith } from '../../src/client/connect.ts'
import type { Completion, LineEditorOptions } from '../../src/ports/terminal.ts'
import { clientPorts } from '../client/client-ports.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { clientPort, ServerRig, serverHost } from '../support/server-rig.ts'

export interface Ran {
  readonly out: string
  readonly err: string
  readonly status: number
}

export class CliRig {
  readonly simulation: ServerRig
  readonly disk: SimDisk
  readonly files: Record<string, string> = {}
  /** The lines of the history file. */
  readonly kept: string[] = []
  isInteractive = false
  historyFailure: Error | null = null
  prompts: string[] = []
  above: string[] = []
  options: LineEditorOptions | null = null
  #out = ''
  #err = ''

  static async started(): Promise<CliRig> {
    const simulation = new ServerRig()
    await simulation.started()
    return new CliRig(simulation)
  }

  constructor(simulation: ServerRig, disk = simulation.disk()) {
    this.simulation = simulation
    this.disk = disk
  }

  /** Runs one command line. The option -s is put before it. */
  run(...argv: readonly string[]): Promise<Ran> {
    return this.#ran([], ['-s', `${serverHost}:${clientPort}`, ...argv])
  }

  /** As `run`, without the option -s. */
  runWithoutServer(...argv: readonly string[]): Promise<Ran> {
    return this.#ran([], argv)
  }

  /**
   * Runs a shell with these lines, piped in or, if `isInteractive`, typed. A function among them runs between the
   * lines.
   */
  shell(lines: readonly (string | (() => Promise<void>))[], ...argv: readonly string[]): Promise<Ran> {
    return this.#ran(lines, ['-s', `${serverHost}:${clientPort}`, ...argv, 'shell'])
  }

  /** The completion of `text` by the Tab key, while a shell is open. */
  async completed(text: string): Promise<Completion> {
    let completion: Completion | null = null
    await this.shell([
      async () => {
        completion = (await this.options?.complete(text)) ?? null
      },
    ])
    if (completion === null) throw new Error('no shell was open')
    return completion
  }

  async #ran(lines: readonly (string | (() => Promise<void>))[], argv: readonly string[]): Promise<Ran> {
    this.#out = ''
    this.#err = ''
    const status = await this.simulation.settle(runCli(argv, '9.9.9', this.#cliContext(lines)))
    return { out: this.#out, err: this.#err, status }
  }

  #cliContext(lines: readonly (string | (() => Promise<void>))[]): CliContext {
    const ports = clientPorts(this.simulation)
    return {
      write: (text) => {
        this.#out += text
      },
      writeError: (text) => {
        this.#err += text
      },
      lineEditor: {
        open: (options) => {
          this.options = options
          return {
            lines: typed(lines),
            prompt: (text) => void this.prompts.push(text),
            writeAbove: (text) => void this.above.push(text),
            close: () => undefined,
          }
        },
      },
      lineHistory: {
        load: async () => {
          if (this.historyFailure !== null) throw this.historyFailure
          return [...this.kept]
        },
        append: async (line) => {
          if (this.historyFailure !== null) throw this.historyFailure
          this.kept.push(line)
        },
      },
      isInteractive: this.isInteractive,
      dialer: ports.dialer,
      timers: ports.timers,
      clock: ports.clock,
      random: ports.random,
      disk: this.disk,
      stores: async () => new SimKeyValues(this.disk),
      readFile: async (path) => {
        const text = this.files[path]
        if (text === undefined) throw new Error('no such file')
        return text
      },
      connect: (options, connectTimeoutMs) => connectWith(options, connectTimeoutMs, ports),
    }
  }
}

/** A function among the lines runs when the lines before it are read. */
async function* typed(lines: readonly (string | (() => Promise<void>))[]): AsyncGenerator<string> {
  for (const line of lines) {
    if (typeof line === 'string') yield line
    else await line()
  }
}
