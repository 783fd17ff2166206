/**
 * Follows the README: copies the project as a fresh clone would be, runs every command of its shell blocks in order,
 * and runs its example. A server runs until the next one is started. Then SIGTERM goes only to the process of the
 * command, as from a systemd unit, and must end the server. Needs ports 2181 to 2183 and 2888 to 2890, and the registry
 * that npm is set to. Commands with `npm test` are left out; .ci/run has a step for them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { shownCommands } from '../tidy/markdown.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const notCloned: ReadonlySet<string> = new Set(['.git', 'node_modules', 'dist', 'data', '.cache'])
const clientPort = 2181
const commandTimeoutMs = 180_000

type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const folder = mkdtempSync(join(tmpdir(), 'zkts-readme-'))
let server: ChildProcess | null = null
let serverCommand = ''
let serverOutput = ''
let passed = 0
let failed = 0

cpSync(root, folder, { recursive: true, filter: (path) => !notCloned.has(basename(path)) })
try {
  for (const { text } of shownCommands([{ path: 'README.md', text: readme }])) {
    if (!text.includes('npm test')) report(text, await type(text))
  }
  writeFileSync(join(folder, 'example.js'), /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? 'throw new Error("no example")')
  report('the example of the client', await run('node example.js'))
} finally {
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function report(title: string, outcome: Outcome): void {
  if (outcome.ok) passed++
  else failed++
  console.log(outcome.ok ? `ok ${title}` : `not ok ${title}: ${outcome.reason}`)
}

async function type(command: string): Promise<Outcome> {
  if (!command.includes('npm start')) return run(command)
  await stopServer()
  serverCommand = command
  server = inFolder(replacingTheShell(command))
  serverOutput = ''
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk) => (serverOutput += chunk))
  const deadlineMs = Date.now() + commandTimeoutMs
  while (Date.now() < deadlineMs) {
    if (server.exitCode !== null)
      return { ok: false, reason: `ended with ${server.exitCode}: ${serverOutput.slice(-600)}` }
    if (await allServe(portsOf(command))) return { ok: true }
    await pause(200)
  }
  return { ok: false, reason: `not every server serves: ${serverOutput.slice(-600)}` }
}

/** The client ports of the servers that the command starts: with `--local 3`, a quorum can serve before the third does. */
function portsOf(command: string): readonly number[] {
  const serverCount = Number(/--local (\d+)/.exec(command)?.[1] ?? 1)
  return Array.from({ length: serverCount }, (_, i) => clientPort + i)
}

async function allServe(ports: readonly number[]): Promise<boolean> {
  const answers = await Promise.all(ports.map((port) => ask('srvr', port)))
  return answers.every((answer) => answer.includes('Mode: '))
}

/** Standard input is empty, so that the shell of zkts-cli ends at once. */
async function run(command: string): Promise<Outcome> {
  const child = inFolder(command)
  let output = ''
  child.stdout?.on('data', (chunk) => (output += chunk))
  child.stderr?.on('data', (chunk) => (output += chunk))
  child.stdin?.end('ls /\nquit\n')
  const timer = setTimeout(() => stopGroup(child, 'SIGKILL'), commandTimeoutMs)
  const code = await new Promise((done) => child.on('close', done))
  clearTimeout(timer)
  return code === 0 ? { ok: true } : { ok: false, reason: `ended with ${code}: ${output.slice(-600)}` }
}

/** Runs the command in a process group of its own, so that a failed command leaves no process. */
function inFolder(command: string): ChildProcess {
  return spawn('bash', ['-c', command], { cwd: folder, detached: true })
}

function stopGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {
    // The process has ended already.
  }
}

/** With `exec` before its last part, so that the pid of the shell becomes the pid of that part. */
function replacingTheShell(command: string): string {
  const at = command.lastIndexOf('npm start')
  return `${command.slice(0, at)}exec ${command.slice(at)}`
}

async function stopServer(): Promise<void> {
  if (server === null) return
  const stopping = server
  server = null
  const ended = new Promise((done) => (stopping.exitCode === null ? stopping.on('exit', done) : done(null)))
  stopping.kill('SIGTERM')
  await Promise.race([ended, pause(10_000)])
  let isGone = false
  for (let i = 0; i < 50 && !isGone; i++) {
    isGone = (await ask('ruok')) === ''
    if (!isGone) await pause(100)
  }
  report(`SIGTERM to "${serverCommand}"`, isGone ? { ok: true } : { ok: false, reason: 'the server stays' })
  stopGroup(stopping, 'SIGKILL')
}

/** Empty if no server answers. */
function ask(word: string, port = clientPort): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(word))
    socket.on('data', (bytes) => (answer += bytes.toString()))
    socket.on('error', () => resolve(''))
    socket.on('close', () => resolve(answer))
    socket.setTimeout(1000, () => socket.destroy())
  })
}
