/**
 * zkts-cli against a running server, in virtual time: lines or a command line in, both outputs and the status out.
 */
import type { CliWorld } from '../../src/cli/cli-world.ts'
import { runCli } from '../../src/cli/program.ts'
import { connectWith } from '../../src/client/connect.ts'
import type { Completion, LineEditorOptions } from '../../src/ports/terminal.ts'
import { clientPorts } from '../client/client-ports.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { clientPort, serverHost, ServerRig as World } from '../support/server-rig.ts'

export interface Ran {
  readonly out: string
  readonly err: string
  readonly status: number
}

export class CliRig {
  readonly world: World
  readonly disk: SimDisk
  readonly files: Record<string, string> = {}
  /** What is kept between shells at a terminal. */
  readonly kept: string[] = []
  isInteractive = false
  historyFailure: Error | null = null
  prompts: string[] = []
  above: string[] = []
  options: LineEditorOptions | null = null
  #out = ''
  #err = ''

  static async started(): Promise<CliRig> {
    const world = new World()
    await world.started()
    return new CliRig(world)
  }

  constructor(world: World) {
    this.world = world
    this.disk = world.disk()
  }

  /** One command line; the servers are named before it. */
  run(...argv: readonly string[]): Promise<Ran> {
    return this.#ran([], ['-s', `${serverHost}:${clientPort}`, ...argv])
  }

  /** A shell that these lines are piped into, or typed if it is interactive. */
  shell(lines: readonly (string | (() => Promise<void>))[], ...argv: readonly string[]): Promise<Ran> {
    return this.#ran(lines, ['-s', `${serverHost}:${clientPort}`, ...argv, 'shell'])
  }

  /** What the Tab key offers while a shell is open. */
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
    const status = await this.world.settle(runCli(argv, '9.9.9', this.#cliWorld(lines)))
    return { out: this.#out, err: this.#err, status }
  }

  #cliWorld(lines: readonly (string | (() => Promise<void>))[]): CliWorld {
    const ports = clientPorts(this.world)
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
      disk: this.disk,
      readFile: async (path) => {
        const text = this.files[path]
        if (text === undefined) throw new Error('no such file')
        return text
      },
      connect: (options, connectTimeoutMs) => connectWith(options, connectTimeoutMs, ports),
    }
  }
}

/** Steps between the lines run when their turn has come. */
async function* typed(lines: readonly (string | (() => Promise<void>))[]): AsyncGenerator<string> {
  for (const line of lines) {
    if (typeof line === 'string') yield line
    else await line()
  }
}
