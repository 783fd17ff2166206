/**
 * Entry of zkts-server: passes the real ports to src/server and turns outcomes into exit codes. It runs one server with
 * a zoo.cfg, one server without (standalone on 127.0.0.1:2181), or a whole ensemble on this machine (`--local N`).
 * This is the only file that catches an invariant violation. It logs the violation and exits, since a server that broke
 * an invariant must not answer another request.
 */
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versionText } from './admin/server-version.ts'
import { InvariantViolation } from './base/assert.ts'
import { lastLinesMs } from './base/limits.ts'
import { describeProblem } from './config/config-problem.ts'
import { readTextFile } from './io/node-files.ts'
import { nodeHost } from './io/node-host.ts'
import { nodePorts } from './io/node-ports.ts'
import { nodeTimers } from './io/node-timers.ts'
import { type CommandLineOptions, readCommandLine } from './launch/command-line.ts'
import { type OpenLog, ProcessOutputs } from './launch/process-outputs.ts'
import { Supervisor } from './launch/supervisor.ts'
import type { Log } from './ports/log.ts'
import { readConfig } from './server/config-files.ts'
import { createServer } from './server/create-server.ts'
import { exitCodes } from './server/exit-codes.ts'

const thisFile = fileURLToPath(import.meta.url)
const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
const outputs = new ProcessOutputs()

async function main(): Promise<number> {
  const commandLine = readCommandLine(process.argv.slice(2), version, {
    writeOut: (text) => outputs.print(text),
    writeErr: (text) => outputs.printError(text),
  })
  if (commandLine.kind !== 'run') return commandLine.kind === 'answered' ? 0 : exitCodes.usage.code
  const { options } = commandLine
  const opened = outputs.openLog(options)
  if (opened === null) return exitCodes.usage.code
  exitOnBugs(opened.log)
  onHangUp(opened.log)
  // The start can take long (a large log), and a kill at any moment of it loses nothing that was acknowledged.
  onTermination(() => exitNow(exitCodes.closed.code, lastLinesMs))
  if (options.endWithInput === true) process.stdin.on('end', () => process.emit('SIGTERM', 'SIGTERM')).resume()
  if (options.local === undefined) return runServer(options, opened)
  if (options.config !== undefined) {
    outputs.reportError('--local writes the configuration of its servers; leave out --config.')
    return exitCodes.usage.code
  }
  const passedOn = options.plainSockets ? ['--plain-sockets'] : []
  return runEnsemble(
    options.local,
    ['--log-level', options.logLevel, '--log-format', opened.format, ...passedOn],
    opened,
  )
}

function exitOnBugs(log: Log): void {
  const crash = (error: unknown): void => {
    const details = error instanceof InvariantViolation ? error.details : {}
    log.error('server-crashed', { err: error, details })
    exitNow(exitCodes.bug.code, lastLinesMs)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  // Node itself would print warnings to standard error, and would block if its reader had stopped.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => log.warn('node-warning', { name: warning.name, text: warning.message }))
}

/**
 * SIGHUP comes from logrotate, or from a terminal that closes. It never ends the server, so that one under nohup goes
 * on.
 */
function onHangUp(log: Log): void {
  replaceListeners('SIGHUP', () => log.info('settings-reloaded', { reloaded: outputs.reopen() }))
}

/** Replaces the callback of an earlier phase, and the handlers that bin/zkts-server.js set before it loaded this file. */
function onTermination(callback: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) replaceListeners(signal, callback)
}

/**
 * Adds first and removes then. Without a listener in between, Node.js would drop a signal that has arrived and that it
 * has not delivered yet.
 */
function replaceListeners(signal: NodeJS.Signals, listener: () => void): void {
  const earlier = process.listeners(signal)
  process.on(signal, listener)
  for (const each of earlier) process.removeListener(signal, each)
}

async function exit(code: number): Promise<never> {
  await outputs.whenWritten()
  return exitNow(code, 0)
}

function exitNow(code: number, withinMs: number): never {
  outputs.writeLastLines(withinMs)
  process.exit(code)
}

async function runEnsemble(
  serverCount: number,
  args: readonly string[],
  { log, format, output }: OpenLog,
): Promise<number> {
  const supervisor = new Supervisor({
    serverCount,
    folder: resolve('data'),
    program: thisFile,
    log,
    args,
    isPretty: format === 'pretty',
    timers: nodeTimers(),
    writeLogLine: (line) => output.write(`${line}\n`),
    print: (line) => outputs.print(`${line}\n`),
  })
  onTermination(() => supervisor.stop())
  return supervisor.run()
}

// --- one server ---

async function runServer(options: CommandLineOptions, { log, output }: OpenLog): Promise<number> {
  const configPath = options.config ?? null
  const parsed = await readConfig(configPath, readTextFile)
  if (!parsed.ok) {
    for (const line of parsed.error) outputs.reportError(line)
    return exitCodes.usage.code
  }
  const { config, remarks } = parsed.value
  for (const remark of remarks) {
    const fields = { key: remark.key, text: describeProblem(remark, { 'zoo.cfg': configPath }) }
    if (remark.severity === 'warning') log.warn('config-warning', fields)
    else log.info('config-note', fields)
  }
  const server = createServer({
    config,
    version: versionText(version, statSync(thisFile).mtimeMs),
    ports: nodePorts({
      log,
      backlog: config.clientBacklog,
      requiresDirectorySync: config.requiresDirectorySync,
      plainSockets: options.plainSockets === true,
    }),
    host: nodeHost({ lostLogLines: () => output.lostLineCount }),
  })
  const started = await server.start()
  if (!started.ok) {
    log.error('server-not-started', { kind: started.error.kind, text: started.error.message })
    outputs.reportError(started.error.message)
    return exitCodes.notStarted.code
  }
  let isClosing = false
  onTermination(() => {
    // A second signal ends the process at once; clients get no close reply.
    if (isClosing) exitNow(exitCodes.closed.code, 0)
    isClosing = true
    void server.close()
  })
  await server.stopped
  return isClosing ? exitCodes.closed.code : exitCodes.stopped.code
}

await exit(await main())
