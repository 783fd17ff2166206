/**
 * What a server process writes beside its data: the log, to standard output or a file, and errors of the start, to
 * standard error. Owns: that the server never waits for a reader of them (design D16), and that the last lines before
 * an exit are written.
 */
import { lastLinesMs, logBufferSizeBytesMax } from '../base/limits.ts'
import { BoundedOutput } from '../io/bounded-output.ts'
import { descriptorOutput, isTerminal } from '../io/descriptor-output.ts'
import { LogFile } from '../io/log-file.ts'
import { pinoLog } from '../io/pino-log.ts'
import type { Log } from '../ports/log.ts'
import type { CommandLineOptions } from './command-line.ts'

export type LogFormat = 'json' | 'pretty'

/** The log of this process. */
export interface OpenLog {
  readonly log: Log
  readonly format: LogFormat
  readonly output: BoundedOutput
}

export class ProcessOutputs {
  readonly #standardOutput = descriptorOutput(1)
  readonly #standardError = descriptorOutput(2)
  readonly #all = [this.#standardOutput, this.#standardError]
  #logFile: LogFile | null = null

  print(text: string): void {
    this.#standardOutput.write(text)
  }

  printError(text: string): void {
    this.#standardError.write(text)
  }

  reportError(text: string): void {
    this.printError(`zkts-server: ${text}\n`)
  }

  /** Null: an error was written to standard error. */
  openLog(options: CommandLineOptions): OpenLog | null {
    const output = this.#openLogOutput(options)
    if (output === null) return null
    const format = options.logFormat ?? (options.logFile === undefined && isTerminal(1) ? 'pretty' : 'json')
    return { log: pinoLog({ level: options.logLevel, pretty: format === 'pretty', output }), format, output }
  }

  #openLogOutput(options: CommandLineOptions): BoundedOutput | null {
    const { logFile: path, logRotateSize = null, logRotateEvery = null, logRotateCount } = options
    if (path === undefined) {
      if (logRotateSize === null && logRotateEvery === null) return this.#standardOutput
      this.reportError('--log-rotate-size and --log-rotate-every rotate a log file; give --log-file as well.')
      return null
    }
    const file = new LogFile({
      path,
      rotateAtSizeBytes: logRotateSize,
      rotateEvery: logRotateEvery,
      rotatedCount: logRotateCount,
    })
    const problem = file.problem()
    if (problem !== null) {
      this.reportError(`--log-file: ${problem}. Give the path of a file that this user may write.`)
      return null
    }
    this.#logFile = file
    const keeps = `up to ${logBufferSizeBytesMax / 1024} KiB of lines are kept in memory until it can be written again`
    const onError = (error: Error): void =>
      this.reportError(`the log file ${path} cannot be written: ${error.message}; ${keeps}.`)
    const output = new BoundedOutput(file, { onError })
    this.#all.push(output)
    return output
  }

  /** Opens the log file again. Returns the names of the files that were reopened, for the log. */
  reopen(): readonly string[] {
    if (this.#logFile === null) return []
    this.#logFile.reopen()
    return ['log-file']
  }

  /**
   * Waits until all lines are written: the last line before an exit matters most. A reader that has stopped delays the
   * exit by at most `lastLinesMs`.
   */
  async whenWritten(): Promise<void> {
    await Promise.all(this.#all.map((output) => output.whenWritten(lastLinesMs)))
  }

  /** The same without the event loop, for a process that must end now. */
  writeLastLines(withinMs: number): void {
    for (const output of this.#all) output.writeLastLines(withinMs)
  }
}
