/**
 * Entry of zkts-cli: joins the terminal and the network to src/cli. Sets the exit status and lets the process end
 * by itself, so that output to a pipe is not cut off.
 */
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { runCli } from './cli/program.ts'
import { connectWith } from './client/connect.ts'
import { nodeClock } from './io/node-clock.ts'
import { nodeDialer } from './io/node-net.ts'
import { nodeRandom } from './io/node-random.ts'
import { nodeTimers } from './io/node-timers.ts'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
const clock = nodeClock()
const timers = nodeTimers()
const random = nodeRandom()
const dialer = nodeDialer()

process.exitCode = await runCli(process.argv.slice(2), version, {
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  lines: { [Symbol.asyncIterator]: linesOfInput },
  isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
  dialer,
  timers,
  connect: (options, connectTimeoutMs) =>
    connectWith(options, connectTimeoutMs, { clock, timers, random, dialer, log: null }),
})

/** Nothing is read from standard input before the shell asks for it. */
function linesOfInput(): AsyncIterator<string> {
  return createInterface({ input: process.stdin, terminal: process.stdin.isTTY === true })[Symbol.asyncIterator]()
}
