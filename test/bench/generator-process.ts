/**
 * The parent's side of the load generator: forks the process and sends one job at a time, each with a time limit.
 * Owns: the child process. Assumes: one job at a time.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadAnswer, LoadJob, StopMessage } from './load-job.ts'

const program = fileURLToPath(new URL('./load-generator.ts', import.meta.url))
const graceMs = 120_000
/** The slowest that a server may be in a job of a known number of requests, or the job fails. */
const requestsPerSecondMin = 500
const pacedMsMax = 600_000

export class GeneratorProcess {
  readonly #child: ChildProcess = fork(program) // inherits the flags by which Node runs TypeScript

  async run(job: LoadJob): Promise<Exclude<LoadAnswer, { kind: 'failed' }>> {
    const limitMs = graceMs + expectedMsMax(job)
    const answer = await new Promise<LoadAnswer>((resolve, reject) => {
      const onExit = (code: number | null): void =>
        end(() => reject(new Error(`the load generator ended with ${code}`)))
      const onMessage = (message: unknown): void => end(() => resolve(message as LoadAnswer))
      const onTimeout = (): void => end(() => reject(new Error(`the load generator did not answer in ${limitMs} ms`)))
      const timer = setTimeout(onTimeout, limitMs)
      const end = (settle: () => void): void => {
        clearTimeout(timer)
        this.#child.off('exit', onExit)
        this.#child.off('message', onMessage)
        settle()
      }
      this.#child.on('exit', onExit)
      this.#child.on('message', onMessage)
      this.#child.send(job)
    })
    if (answer.kind === 'failed') throw new Error(answer.reason)
    return answer
  }

  /** Ends the job `paced`, so that the `run` that waits for it answers. */
  endPaced(): void {
    const message: StopMessage = { kind: 'stop' }
    this.#child.send(message)
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}

function expectedMsMax(job: LoadJob): number {
  switch (job.kind) {
    case 'measure':
      return job.warmUpMs + job.measureMs
    case 'fill':
      return (job.znodes * 1000) / requestsPerSecondMin
    case 'change':
      return (job.count * 1000) / requestsPerSecondMin
    case 'set-keys':
      return (job.sets * 1000) / requestsPerSecondMin
    case 'paced':
      return pacedMsMax
    case 'prepare':
    case 'fan-out':
      return 0
  }
}
