/**
 * A server as users start it: `node bin/zkts-server.js` of this clone, in a folder of its own. It runs until it is
 * killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { projectRoot } from '../tidy/project-files.ts'

const startTimeoutMs = 30_000
const pollMs = 100

export class ServerProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #output = ''

  constructor(folder: string, args: readonly string[] = []) {
    this.#child = spawn(process.execPath, [join(projectRoot, 'bin/zkts-server.js'), ...args], { cwd: folder })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += chunk
      })
    }
    this.#ended = new Promise((done) => this.#child.on('close', done))
  }

  /** Resolves with null once the server serves at the port in the given mode, or with what went wrong. */
  async served(port: number, mode: RegExp): Promise<string | null> {
    for (let waitedMs = 0; waitedMs < startTimeoutMs && this.#child.exitCode === null; waitedMs += pollMs) {
      if (mode.test(await answerTo('srvr', port))) return null
      await pause(pollMs)
    }
    return `does not serve at port ${port}: ${this.#output.slice(-600)}`
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

/** Empty if no server answers. */
function answerTo(word: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(word))
    socket.on('data', (bytes) => {
      answer += bytes.toString()
    })
    socket.on('error', () => resolve(''))
    socket.on('close', () => resolve(answer))
  })
}
