/**
 * Types the commands of examples/README.md in order: the server is started from the build of this clone, with its data
 * in a fresh folder, and each program must end by itself, without an error, with the line that it promises. The first
 * program runs once more while the server is killed and started again. Needs port 2181.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { shownCommands } from '../tidy/markdown.ts'
import { projectFile, projectRoot } from '../tidy/project-files.ts'

/** The last line of each program. */
const lastLines: Readonly<Record<string, string>> = {
  lock: 'the counter is 15',
  'leader-election': 'now the leader is null',
  configuration: 'working with 3',
  'service-discovery': 'no instance',
  'embedded-server': 'stopped: closed',
}
const programTimeoutMs = 60_000

const folder = mkdtempSync(join(tmpdir(), 'zkts-examples-'))
let server: ChildProcess | null = null
let passed = 0
let failed = 0

try {
  for (const { text } of shownCommands([projectFile('examples/README.md')])) {
    if (text === 'npx zkts-server') report(text, await startServer())
    else report(text, await run(text))
  }
  const killed = await run('npx tsx examples/lock.ts', async () => {
    await killServer()
    await startServer()
  })
  report('the lock passes from one to the next while the server is killed and comes back', killed)
} finally {
  await killServer()
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function report(title: string, problem: string | null): void {
  if (problem === null) passed++
  else failed++
  console.log(problem === null ? `ok ${title}` : `not ok ${title}: ${problem}`)
}

/** Null, or what went wrong. `disturb` is called once the program has printed its first line. */
async function run(command: string, disturb: (() => Promise<void>) | null = null): Promise<string | null> {
  const child = spawn('bash', ['-c', `exec ${command}`], { cwd: projectRoot, detached: true })
  let output = ''
  let disturbance: Promise<void> | null = null
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
      disturbance ??= disturb === null ? null : disturb()
    })
  }
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), programTimeoutMs)
  const code = await new Promise((done) => child.on('close', done))
  clearTimeout(timer)
  await disturbance
  const expected = lastLines[/examples\/(.+)\.ts/.exec(command)![1]!]
  const isRight = code === 0 && output.trimEnd().split('\n').at(-1) === expected
  return isRight ? null : `ended with ${code}, wrote: ${output.slice(-800)}`
}

/** Null, or what went wrong. */
async function startServer(): Promise<string | null> {
  server = spawn(process.execPath, [join(projectRoot, 'bin/zkts-server.js')], { cwd: folder, stdio: 'pipe' })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk) => (output += chunk))
  for (let i = 0; i < 300 && server.exitCode === null; i++) {
    if ((await askMode()).includes('Mode: standalone')) return null
    await pause(100)
  }
  return `does not serve: ${output.slice(-600)}`
}

async function killServer(): Promise<void> {
  if (server === null) return
  const ended = new Promise((done) => server!.on('close', done))
  if (server.kill('SIGKILL')) await ended
  server = null
}

/** Empty if no server answers. */
function askMode(): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(2181, '127.0.0.1', () => socket.write('srvr'))
    socket.on('data', (bytes) => (answer += bytes.toString()))
    socket.on('error', () => resolve(''))
    socket.on('close', () => resolve(answer))
  })
}
