/**
 * The servers of one target whose processes end and start again while their folders stay.
 * Owns: their folders and processes. Assumes: no other ensemble under test runs at the same time.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { serverOptions, startMember } from '../ensemble.ts'
import { getDataFrame } from '../frames.ts'
import { treeParentSize, treePath } from '../load-job.ts'
import { LoadSession } from '../load-session.ts'
import type { Target } from '../options.ts'
import { fourLetterWord, type RunningServer } from '../server-process.ts'
import type { ServerOptions } from '../zoo-config.ts'

/** A large tree does not fit the JVM's heap of the other rows with room to spare. */
const heapSizeMibMax = 2048
const startLimitMs = 600_000
/** An orderly stop may write a checkpoint. */
const stopLimitMs = 120_000
const firstAnswerLimitMs = 60_000
const retryMs = 20

export type Settings = Readonly<Record<string, string>>

export class Members {
  readonly #target: Target
  readonly #classpath: string
  readonly #dir: string
  readonly #options: readonly ServerOptions[]
  readonly #running: (RunningServer | undefined)[]
  readonly #removeOnExit = (): void => rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 })

  private constructor(target: Target, classpath: string, dir: string, options: readonly ServerOptions[]) {
    this.#target = target
    this.#classpath = classpath
    this.#dir = dir
    this.#options = options
    this.#running = options.map(() => undefined)
    process.on('exit', this.#removeOnExit)
  }

  static async create(target: Target, size: number, parentDir: string, classpath: string): Promise<Members> {
    const dir = await mkdtemp(join(parentDir, `zkts-bench-${target}-`))
    return new Members(target, classpath, dir, await serverOptions(dir, size))
  }

  /** Resolves once the server serves, so members of an ensemble are started together: see `startAll`. */
  async start(index: number, settings: Settings, niceness = 0): Promise<RunningServer> {
    const options = { ...this.#options[index]!, heapSizeMibMax, timeoutMs: startLimitMs, niceness }
    const server = await startMember(this.#target, options, this.#classpath, { settings })
    this.#running[index] = server
    return server
  }

  async startAll(settings: Settings): Promise<void> {
    await Promise.all(this.#options.map((_, index) => this.start(index, settings)))
  }

  server(index: number): RunningServer {
    return this.#running[index]!
  }

  clientPort(index: number): number {
    return this.#options[index]!.clientPort
  }

  async stop(index: number): Promise<void> {
    await this.#running[index]?.stop(stopLimitMs)
    this.#running[index] = undefined
  }

  async kill(index: number): Promise<void> {
    await this.#running[index]?.kill()
    this.#running[index] = undefined
  }

  dataFolder(index: number): string {
    return join(this.#options[index]!.dir, 'data')
  }

  /** Leaves only the file that says which member it is. */
  async wipe(index: number): Promise<void> {
    const folder = this.dataFolder(index)
    for (const name of await readdir(folder)) {
      if (name !== 'myid') await rm(join(folder, name), { recursive: true })
    }
  }

  async leaderIndex(): Promise<number> {
    const answers = await Promise.all(this.#options.map(({ clientPort }) => fourLetterWord(clientPort, 'srvr')))
    const index = answers.findIndex((answer) => answer.includes('Mode: leader'))
    if (index < 0) throw new Error('no server is in the mode leader')
    return index
  }

  async version(index: number): Promise<string> {
    const answer = await fourLetterWord(this.clientPort(index), 'srvr')
    return /version: ([^\s,]+?)(?:-[0-9a-f]{40})?[\s,]/.exec(answer)?.[1] ?? 'unknown'
  }

  obituaries(): readonly string[] {
    return this.#running.flatMap((server) => server?.obituary() ?? [])
  }

  async remove(): Promise<void> {
    await Promise.all(this.#running.map((server) => server?.kill()))
    await rm(this.#dir, { recursive: true, force: true })
    process.off('exit', this.#removeOnExit)
  }
}

/** From the start of the process until a session has read the last znode of a tree of this size. */
export async function firstAnswerMs(server: RunningServer, znodes: number): Promise<number> {
  const startedAtMs = performance.now()
  const last = znodes - 1
  const path = `${treePath(Math.floor(last / treeParentSize))}/${String(last % treeParentSize).padStart(3, '0')}`
  while (!(await reads(server.clientPort, path).catch(() => false))) {
    if (performance.now() - startedAtMs > firstAnswerLimitMs) {
      throw new Error(`${path} cannot be read ${firstAnswerLimitMs} ms after the server served`)
    }
    await pause(retryMs)
  }
  return server.startMs + performance.now() - startedAtMs
}

function reads(port: number, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const session = new LoadSession(port, {
      onReply: (_xid, err) => void session.close().then(() => resolve(err === 0)),
      onChunkEnd() {},
    })
    session.open(reject).then(() => session.write(getDataFrame(path).bytes), reject)
  })
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
