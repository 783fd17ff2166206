/**
 * Entry of zkts-server: joins the machine to src/server and turns outcomes into exit codes. Three ways to run: with a
 * zoo.cfg, without one (standalone on 127.0.0.1:2181), or as a whole ensemble on this machine (`--local N`).
 * The only place that catches an invariant violation: it logs it and exits, since a server that broke an invariant
 * must not answer another request.
 */
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { versionText } from './admin/server-version.ts'
import { InvariantViolation } from './base/assert.ts'
import { lastLinesMs, logBufferSizeBytesMax } from './base/limits.ts'
import { describeProblem } from './config/config-problem.ts'
import { filesNamedIn, loadConfig, type ParsedConfig } from './config/load-config.ts'
import { BoundedOutput } from './io/bounded-output.ts'
import { type ChildServer, startChildServer } from './io/child-server.ts'
import { descriptorOutput } from './io/descriptor-output.ts'
import { LogFile } from './io/log-file.ts'
import { readTextFile, writeTextFile } from './io/node-files.ts'
import { nodeHost } from './io/node-host.ts'
import { nodePorts } from './io/node-ports.ts'
import { type LogLevel, logLevels, pinoLog } from './io/pino-log.ts'
import type { Log } from './ports/log.ts'
import { createServer } from './server/create-server.ts'
import { exitCodes } from './server/exit-codes.ts'
import { connectStringOf, type LocalMember, localEnsemble, localServerCountMax } from './server/local-ensemble.ts'

interface MainOptions {
  readonly config?: string
  readonly local?: number
  readonly logLevel: LogLevel
  readonly logFormat?: 'json' | 'pretty'
  readonly logFile?: string
  readonly logRotateSize?: number // bytes
  readonly logRotateEvery?: string
  readonly logRotateCount: number
}

const thisFile = fileURLToPath(import.meta.url)
const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
const standardOutput = descriptorOutput(1)
const standardError = descriptorOutput(2)
/** All that must be written before the process ends. */
const outputs = [standardOutput, standardError]
/** A member of a local ensemble that died is started again after this. */
const restartDelayMs = 1000

function commandLine(): Command {
  return new Command('zkts-server')
    .description('A coordination server that every ZooKeeper client uses unchanged.')
    .option('-c, --config <file>', 'zoo.cfg to run with; without one: standalone on 127.0.0.1:2181, data in ./data')
    .option(
      '--local <count>',
      'run an ensemble of so many servers on this machine, data in ./data/server.N',
      parseCount,
    )
    .addOption(new Option('--log-level <level>', 'least severe lines to log').choices(logLevels).default('info'))
    .addOption(
      new Option('--log-format <format>', 'default: pretty on a terminal, json elsewhere').choices(['json', 'pretty']),
    )
    .option('--log-file <file>', 'log into this file and not to standard output')
    .option('--log-rotate-size <size>', 'begin a new log file when it has this size, e.g. 100M', parseSize)
    .option('--log-rotate-every <time>', 'begin a new log file each so many hours or days, e.g. 12h or 1d', parsePeriod)
    .option('--log-rotate-count <count>', 'how many rotated log files are kept', parseRotatedCount, 10)
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => standardOutput.write(text),
      writeErr: (text) => standardError.write(text),
    })
    .allowExcessArguments(false)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= localServerCountMax) return count
  throw new InvalidArgumentError(`write a number from 1 to ${localServerCountMax}.`)
}

/** Bytes; K, M and G are powers of 1024. */
function parseSize(text: string): number {
  const [, digits, unit] = /^(\d{1,9})([KMG]?)$/.exec(text) ?? []
  const sizeBytes = Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit ?? '')
  if (sizeBytes >= 1) return sizeBytes
  throw new InvalidArgumentError('write a number of bytes, or one with K, M or G, such as 100M.')
}

/** The clock is divided into such periods: hours must divide a day. */
function parsePeriod(text: string): string {
  const [, digits, unit] = /^(\d{1,3})([hd])$/.exec(text) ?? []
  const count = Number(digits)
  if (count >= 1 && (unit === 'd' || 24 % count === 0)) return text
  throw new InvalidArgumentError('write days, such as 1d, or hours that divide a day, such as 1h or 12h.')
}

function parseRotatedCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count
  throw new InvalidArgumentError('write a number from 1 to 1000.')
}

async function main(): Promise<number> {
  const command = commandLine()
  try {
    command.parse()
  } catch (error) {
    // Commander has printed what is wrong; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code
    throw error
  }
  const options = command.opts<MainOptions>()
  const logOutput = openLogOutput(options)
  if (logOutput === null) return exitCodes.usage.code
  const format = options.logFormat ?? (options.logFile === undefined && isatty(1) ? 'pretty' : 'json')
  const log = pinoLog({ level: options.logLevel, pretty: format === 'pretty', output: logOutput })
  exitOnBugs(log)
  if (options.local === undefined) return runServer(options.config ?? null, log, () => logOutput.lostLineCount)
  if (options.config !== undefined) {
    complain('--local writes its own configuration; leave out --config.')
    return exitCodes.usage.code
  }
  const logArgs = ['--log-level', options.logLevel, '--log-format', format]
  return new LocalEnsemble(options.local, { log, logArgs, isPretty: format === 'pretty', output: logOutput }).run()
}

/** Null: what is wrong was written to standard error. */
function openLogOutput(options: MainOptions): BoundedOutput | null {
  const { logFile: path, logRotateSize = null, logRotateEvery = null, logRotateCount } = options
  if (path === undefined) {
    if (logRotateSize === null && logRotateEvery === null) return standardOutput
    complain('--log-rotate-size and --log-rotate-every need a --log-file that they rotate.')
    return null
  }
  const file = new LogFile({
    path: resolve(path),
    rotateAtSizeBytes: logRotateSize,
    rotateEvery: logRotateEvery,
    rotatedCount: logRotateCount,
  })
  try {
    file.check()
  } catch (error) {
    complain(`--log-file: ${reasonOf(error)}. Write the path of a file that this user may write.`)
    return null
  }
  const keeps = `up to ${logBufferSizeBytesMax / 1024} KiB of lines wait in memory, and are written when it can be again`
  const onError = (error: Error): void =>
    complain(`the log file ${path} cannot be written: ${error.message}; ${keeps}.`)
  const output = new BoundedOutput(file, { onError })
  outputs.push(output)
  return output
}

function complain(text: string): void {
  standardError.write(`zkts-server: ${text}\n`)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function exitOnBugs(log: Log): void {
  const crash = (error: unknown): void => {
    const details = error instanceof InvariantViolation ? error.details : {}
    log.error('server-crashed', { err: error, details })
    exitNow(exitCodes.bug.code, lastLinesMs)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  // Node itself would print them to standard error, and wait there for a reader.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => log.warn('node-warning', { name: warning.name, text: warning.message }))
}

/** The last line before an exit is the one that matters; but a reader that has stopped must not keep the process. */
async function exit(code: number): Promise<never> {
  await Promise.all(outputs.map((output) => output.whenWritten(lastLinesMs)))
  return exitNow(code, 0)
}

function exitNow(code: number, withinMs: number): never {
  for (const output of outputs) output.writeLastLines(withinMs)
  process.exit(code)
}

// --- one server ---

async function runServer(configPath: string | null, log: Log, lostLogLines: () => number): Promise<number> {
  const parsed = await readConfig(configPath)
  if (parsed === null) return exitCodes.usage.code
  const { config, remarks } = parsed
  for (const remark of remarks) {
    const fields = { key: remark.key, text: describeProblem(remark, { 'zoo.cfg': configPath }) }
    if (remark.severity === 'warning') log.warn('config-warning', fields)
    else log.info('config-note', fields)
  }
  const server = createServer({
    config,
    version: versionText(version, statSync(thisFile).mtimeMs),
    ports: nodePorts({ log, backlog: config.clientBacklog, requiresDirectorySync: config.requiresDirectorySync }),
    host: nodeHost({ lostLogLines }),
  })
  const started = await server.start()
  if (!started.ok) {
    log.error('server-not-started', { kind: started.error.kind, text: started.error.message })
    complain(started.error.message)
    return exitCodes.notStarted.code
  }
  let isClosing = false
  onTermination(() => {
    // Whoever asks twice does not want to wait for the goodbyes.
    if (isClosing) exitNow(exitCodes.closed.code, 0)
    isClosing = true
    void server.close()
  })
  await server.stopped
  return isClosing ? exitCodes.closed.code : exitCodes.stopped.code
}

/** Null: what is wrong was written to standard error. */
async function readConfig(path: string | null): Promise<ParsedConfig | null> {
  const refuse = (lines: readonly string[]): null => {
    for (const line of lines) complain(line)
    return null
  }
  const unreadable: string[] = []
  const read = async (file: string): Promise<string | null> => {
    try {
      return await readTextFile(file)
    } catch (error) {
      unreadable.push(`${file} cannot be read: ${reasonOf(error)}`)
      return null
    }
  }
  const text = path === null ? null : await read(path)
  if (unreadable.length > 0) return refuse(unreadable)
  if (path !== null && text === null) return refuse([`there is no file ${path}; write its path behind --config.`])
  const { dataDir, dynamicConfigFile } = filesNamedIn(text)
  const dynamicText = dynamicConfigFile === null ? null : await read(dynamicConfigFile)
  if (unreadable.length > 0) return refuse(unreadable)
  if (dynamicConfigFile !== null && dynamicText === null) {
    return refuse([`${path}: dynamicConfigFile names ${dynamicConfigFile}, and there is no such file.`])
  }
  const myidText = dataDir === null ? null : await read(`${dataDir}/myid`)
  if (unreadable.length > 0) return refuse(unreadable)
  const parsed = loadConfig({ text, dynamicText, myidText })
  if (parsed.ok) return parsed.value
  const names = { 'zoo.cfg': path, 'dynamic file': dynamicConfigFile, myid: `${dataDir}/myid` }
  return refuse(parsed.error.map((problem) => describeProblem(problem, names)))
}

function onTermination(callback: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, callback)
}

// --- an ensemble on this machine ---

interface LocalEnsembleOptions {
  readonly log: Log
  readonly logArgs: readonly string[]
  readonly isPretty: boolean
  /** Takes the lines of all members. */
  readonly output: BoundedOutput
}

/**
 * One that was killed, or stopped by itself, comes back after a second, as under any supervisor, so that a failover and
 * the return can be watched. One that cannot start would not the second time either: then the others stop too.
 */
class LocalEnsemble {
  readonly #members: readonly LocalMember[]
  readonly #options: LocalEnsembleOptions
  readonly #running = new Set<ChildServer>()
  readonly #pauses = new Set<() => void>()
  #isStopping = false

  constructor(serverCount: number, options: LocalEnsembleOptions) {
    this.#members = localEnsemble(serverCount, resolve('data'))
    this.#options = options
  }

  /** Resolves with the exit code when all have ended. */
  async run(): Promise<number> {
    for (const member of this.#members) {
      await writeTextFile(member.configPath, member.configText)
      await writeTextFile(member.myidPath, member.myidText)
    }
    standardOutput.write(`connect to ${connectStringOf(this.#members)}; Ctrl-C stops all servers\n`)
    onTermination(() => this.#stopAll())
    const codes = await Promise.all(this.#members.map((member) => this.#keepRunning(member)))
    return codes.find((code) => code !== exitCodes.closed.code) ?? exitCodes.closed.code
  }

  async #keepRunning(member: LocalMember): Promise<number> {
    const { log, logArgs, isPretty, output } = this.#options
    const { id: serverId, clientPort } = member
    // A JSON line says itself which server wrote it.
    const onLine = (line: string): void => output.write(isPretty ? `[${serverId}] ${line}\n` : `${line}\n`)
    while (!this.#isStopping) {
      const child = startChildServer(thisFile, ['--config', member.configPath, ...logArgs], onLine)
      this.#running.add(child)
      log.info('local-server-started', { serverId, pid: child.pid, clientPort })
      const { code, signal } = await child.ended
      this.#running.delete(child)
      if (this.#isStopping) return code ?? exitCodes.closed.code
      if (signal === null && code !== exitCodes.stopped.code && code !== exitCodes.closed.code) {
        log.error('local-server-failed', { serverId, exitCode: code })
        this.#stopAll()
        return code ?? exitCodes.notStarted.code
      }
      log.warn('local-server-ended', { serverId, exitCode: code, signal, restartDelayMs })
      await this.#pause()
    }
    return exitCodes.closed.code
  }

  #stopAll(): void {
    this.#isStopping = true
    for (const child of this.#running) child.stop()
    for (const end of this.#pauses) end()
  }

  /** Ends early when all shall stop. */
  async #pause(): Promise<void> {
    let end = (): void => {}
    await new Promise<void>((done) => {
      const timer = setTimeout(done, restartDelayMs)
      end = () => {
        clearTimeout(timer)
        done()
      }
      this.#pauses.add(end)
    })
    this.#pauses.delete(end)
  }
}

await exit(await main())
