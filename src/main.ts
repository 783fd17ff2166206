/**
 * Entry of zkts-server: joins the machine to src/server and turns outcomes into exit codes. Three ways to run: with a
 * zoo.cfg, without one (standalone on 127.0.0.1:2181), or as a whole ensemble on this machine (`--local N`).
 * The only place that catches an invariant violation: it logs it and exits, since a server that broke an invariant
 * must not answer another request.
 */
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { versionText } from './admin/server-version.ts'
import { InvariantViolation } from './base/assert.ts'
import { describeProblem } from './config/config-problem.ts'
import { filesNamedIn, loadConfig, type ParsedConfig } from './config/load-config.ts'
import { type ChildServer, startChildServer } from './io/child-server.ts'
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
}

const thisFile = fileURLToPath(import.meta.url)
const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
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
    .version(version)
    .exitOverride()
    .allowExcessArguments(false)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= localServerCountMax) return count
  throw new InvalidArgumentError(`write a number from 1 to ${localServerCountMax}.`)
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
  const format = options.logFormat ?? (process.stdout.isTTY ? 'pretty' : 'json')
  const log = pinoLog({ level: options.logLevel, pretty: format === 'pretty', fileDescriptor: 1 })
  exitOnBugs(log)
  if (options.local === undefined) return runServer(options.config ?? null, log)
  if (options.config !== undefined) {
    process.stderr.write('zkts-server: --local writes its own configuration; leave out --config.\n')
    return exitCodes.usage.code
  }
  const logArgs = ['--log-level', options.logLevel, '--log-format', format]
  return new LocalEnsemble(options.local, { log, logArgs, isPretty: format === 'pretty' }).run()
}

function exitOnBugs(log: Log): void {
  const crash = (error: unknown): void => {
    const details = error instanceof InvariantViolation ? error.details : {}
    log.error('server-crashed', { err: error, details })
    process.exit(exitCodes.bug.code)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
}

// --- one server ---

async function runServer(configPath: string | null, log: Log): Promise<number> {
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
    host: nodeHost(),
  })
  const started = await server.start()
  if (!started.ok) {
    log.error('server-not-started', { kind: started.error.kind, text: started.error.message })
    process.stderr.write(`zkts-server: ${started.error.message}\n`)
    return exitCodes.notStarted.code
  }
  let isClosing = false
  onTermination(() => {
    // Whoever asks twice does not want to wait for the goodbyes.
    if (isClosing) process.exit(exitCodes.closed.code)
    isClosing = true
    void server.close()
  })
  await server.stopped
  return isClosing ? exitCodes.closed.code : exitCodes.stopped.code
}

/** Null: what is wrong was written to standard error. */
async function readConfig(path: string | null): Promise<ParsedConfig | null> {
  const complain = (lines: readonly string[]): null => {
    for (const line of lines) process.stderr.write(`zkts-server: ${line}\n`)
    return null
  }
  const unreadable: string[] = []
  const read = async (file: string): Promise<string | null> => {
    try {
      return await readTextFile(file)
    } catch (error) {
      unreadable.push(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
      return null
    }
  }
  const text = path === null ? null : await read(path)
  if (unreadable.length > 0) return complain(unreadable)
  if (path !== null && text === null) return complain([`there is no file ${path}; write its path behind --config.`])
  const { dataDir, dynamicConfigFile } = filesNamedIn(text)
  const dynamicText = dynamicConfigFile === null ? null : await read(dynamicConfigFile)
  if (unreadable.length > 0) return complain(unreadable)
  if (dynamicConfigFile !== null && dynamicText === null) {
    return complain([`${path}: dynamicConfigFile names ${dynamicConfigFile}, and there is no such file.`])
  }
  const myidText = dataDir === null ? null : await read(`${dataDir}/myid`)
  if (unreadable.length > 0) return complain(unreadable)
  const parsed = loadConfig({ text, dynamicText, myidText })
  if (parsed.ok) return parsed.value
  const names = { 'zoo.cfg': path, 'dynamic file': dynamicConfigFile, myid: `${dataDir}/myid` }
  return complain(parsed.error.map((problem) => describeProblem(problem, names)))
}

function onTermination(callback: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, callback)
}

// --- an ensemble on this machine ---

/**
 * One that was killed, or stopped by itself, comes back after a second, as under any supervisor, so that a failover and
 * the return can be watched. One that cannot start would not the second time either: then the others stop too.
 */
class LocalEnsemble {
  readonly #members: readonly LocalMember[]
  readonly #options: { readonly log: Log; readonly logArgs: readonly string[]; readonly isPretty: boolean }
  readonly #running = new Set<ChildServer>()
  readonly #pauses = new Set<() => void>()
  #isStopping = false

  constructor(
    serverCount: number,
    options: { readonly log: Log; readonly logArgs: readonly string[]; readonly isPretty: boolean },
  ) {
    this.#members = localEnsemble(serverCount, resolve('data'))
    this.#options = options
  }

  /** Resolves with the exit code when all have ended. */
  async run(): Promise<number> {
    for (const member of this.#members) {
      await writeTextFile(member.configPath, member.configText)
      await writeTextFile(member.myidPath, member.myidText)
    }
    process.stdout.write(`connect to ${connectStringOf(this.#members)}; Ctrl-C stops all servers\n`)
    onTermination(() => this.#stopAll())
    const codes = await Promise.all(this.#members.map((member) => this.#keepRunning(member)))
    return codes.find((code) => code !== exitCodes.closed.code) ?? exitCodes.closed.code
  }

  async #keepRunning(member: LocalMember): Promise<number> {
    const { log, logArgs, isPretty } = this.#options
    const { id: serverId, clientPort } = member
    // A JSON line says itself which server wrote it.
    const onLine = (line: string): void => void process.stdout.write(isPretty ? `[${serverId}] ${line}\n` : `${line}\n`)
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

process.exit(await main())
