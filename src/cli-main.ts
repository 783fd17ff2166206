/**
 * Entry of zkts-cli: passes the real terminal, network and files to src/cli. It sets the exit status and lets the
 * process end by itself, so that output to a pipe is not cut off.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { cliHistoryLinesMax } from './base/limits.ts'
import { exitCodes } from './cli/exit-codes.ts'
import { runCli } from './cli/program.ts'
import { connectWith } from './client/connect.ts'
import { nodeClock } from './io/node-clock.ts'
import { nodeDisk } from './io/node-disk.ts'
import { nodeLineEditor } from './io/node-line-editor.ts'
import { nodeLineHistory } from './io/node-line-history.ts'
import { nodeDialer } from './io/node-net.ts'
import { nodeRandom } from './io/node-random.ts'
import { nodeTimers } from './io/node-timers.ts'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
const clock = nodeClock()
const timers = nodeTimers()
const random = nodeRandom()
const dialer = nodeDialer()
const disk = nodeDisk()
const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true

// The reader of the output has ended, as in `zkts-cli ls / | head -1`. Other programs end by SIGPIPE with this status;
// Node ignores that signal and would print a stack.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(exitCodes.unread.code)
})

process.exitCode = await runCli(process.argv.slice(2), version, {
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  lineEditor: nodeLineEditor({ input: process.stdin, output: process.stdout, isTerminal }),
  lineHistory: nodeLineHistory(join(homedir(), '.zkts_cli_history'), cliHistoryLinesMax),
  isInteractive: isTerminal,
  dialer,
  timers,
  clock,
  random,
  disk,
  stores: async () => (await import('./io/level-stores.ts')).levelStores(disk),
  readFile: (path) => readFile(path, 'utf8'),
  connect: (options, connectTimeoutMs) =>
    connectWith(options, connectTimeoutMs, { clock, timers, random, dialer, log: null }),
})
