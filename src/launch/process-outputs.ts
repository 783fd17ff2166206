/**
 * What a server process writes beside its data: the log, on standard output or in a file, and complaints on standard
 * error. Owns: that all of it leaves without anyone waiting for a reader (design D16), the last lines included.
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

  complain(text: string): void {
    this.printError(`zkts-server: ${text}\n`)
  }

  /** Null: what is wrong was written to standard error. */
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
      this.complain('--log-rotate-size and --log-rotate-every need a --log-file that they rotate.')
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
      this.complain(`--log-file: ${problem}. Write the path of a file that this user may write.`)
      return null
    }
    this.#logFile = file
    const keeps = `up to ${logBufferSizeBytesMax / 1024} KiB of lines wait in memory, and are written when it can be again`
    const onError = (error: Error): void =>
      this.complain(`the log file ${path} cannot be written: ${error.message}; ${keeps}.`)
    const output = new BoundedOutput(file, { onError })
    this.#all.push(output)
    return output
  }

  /** What was opened anew, for the log. */
  reopen(): readonly string[] {
    if (this.#logFile === null) return []
    this.#logFile.reopen()
    return ['log-file']
  }

  /** The last line before an exit is the one that matters; but a reader that has stopped must not keep the process. */
  async whenWritten(): Promise<void> {
    await Promise.all(this.#all.map((output) => output.whenWritten(lastLinesMs)))
  }

  /** For a process that must not run on: the same without the event loop. */
  writeLastLines(withinMs: number): void {
    for (const output of this.#all) output.writeLastLines(withinMs)
  }
}
