/**
 * Runs the commands of examples/README.md in order. The server is started from the build of this clone, with its data
 * in a new folder. Each program must end by itself, without an error, with its expected last line. The first program
 * runs once more while the server is killed and started again. Needs port 2181.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shownCommands } from '../tidy/markdown.ts'
import { projectFile, projectRoot } from '../tidy/project-files.ts'
import { finish, report } from './checks.ts'
import { ServerProcess } from './server-process.ts'

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
let server = null as ServerProcess | null

try {
  for (const { text } of shownCommands([projectFile('examples/README.md')])) {
    report(text, text === 'npm start' ? await startServer() : await run(text))
  }
  const killed = await run('npx tsx examples/lock.ts', async () => {
    await server?.kill()
    await startServer()
  })
  report('the lock is handed on while the server is killed and started again', killed)
} finally {
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
}
finish()

function startServer(): Promise<string | null> {
  server = new ServerProcess(folder)
  return server.served(2181, /^Mode: standalone$/m)
}

/** What went wrong, or null. `disturb` is called once the program has printed its first line. */
async function run(command: string, disturb: (() => Promise<void>) | null = null): Promise<string | null> {
  const child = spawn('bash', ['-c', `exec ${command}`], { cwd: projectRoot, detached: true })
  let output = ''
  let disturbance: Promise<void> | null = null
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
      if (disturb !== null) disturbance ??= disturb()
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
