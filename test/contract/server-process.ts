/** A server as users start it: a process of its own. The test chooses its standard output and standard error. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { freePort } from '../support/free-ports.ts'

const entry = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

export interface ServerProcess {
  readonly child: ChildProcess
  readonly folder: string
  /** The answer to a four-letter word; repeats the question until the server answers. */
  ask(word: string): Promise<string>
  /** Sends SIGTERM and resolves with the exit status. */
  stop(): Promise<number | null>
}

export interface ServerProcessOptions {
  readonly args?: readonly string[]
  readonly stdout?: number | 'pipe'
  readonly stderr?: number | 'pipe'
  readonly env?: NodeJS.ProcessEnv
}

/** A standalone server in a folder of its own, which is removed after the server has stopped. */
export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const folder = scratchFolder()
  const port = await freePort()
  const config = join(folder, 'zoo.cfg')
  writeFileSync(config, `dataDir=${folder}/data\nclientPort=${port}\nclientPortAddress=127.0.0.1\n`)
  const { args = [], stdout = 'pipe', stderr = 'pipe', env = process.env } = options
  const child = spawn(process.execPath, ['--import', 'tsx', entry, '--config', config, ...args], {
    stdio: ['ignore', stdout, stderr],
    env,
  })
  const ended = once(child, 'exit')
  onTestFinished(() => void child.kill('SIGKILL')) // if the test failed
  return {
    child,
    folder,
    ask: (word) => askUntilAnswered(child, port, word),
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      rmSync(folder, { recursive: true })
      return code
    },
  }
}

export function scratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'zkts-contract-'))
}

async function askUntilAnswered(child: ChildProcess, port: number, word: string): Promise<string> {
  const deadlineMs = performance.now() + 20_000
  for (;;) {
    const answer = await ask(port, word)
    if (answer !== '') return answer
    expect(child.exitCode, 'exit status of the server before it answers').toBe(null)
    expect(performance.now(), 'the server answers').toBeLessThan(deadlineMs)
  }
}

/** Empty if no server answers within a few seconds. */
export function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(word))
    socket.on('data', (bytes) => {
      answer += bytes.toString()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
    socket.setTimeout(5_000, () => socket.destroy())
  })
}
