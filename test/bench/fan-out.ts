/**
 * One znode, watched by thousands of sessions: the time from a write until each session has its event.
 * Owns: the sessions of the watchers, and the count of lost events. Assumes: it runs in the process of the load
 * generator, which also reads all events, so the times include the time to read them.
 */
import { connect, type Socket } from 'node:net'
import { addRecursiveWatchFrame, connectFrame, type FrameTemplate, setDataFrame, watchDataFrame } from './frames.ts'
import { type FanOutResult, type FanOutRound, type LoadJob, rootPath } from './load-job.ts'
import { LoadSession } from './load-session.ts'
import { ReplyReader } from './reply-reader.ts'

type FanOutJob = Extract<LoadJob, { kind: 'fan-out' }>

const watchedPath = `${rootPath}/k0000`
// Below the backlog of connections that ZooKeeper sets.
const connectingAtOnce = 40
const sessionTimeoutMs = 40_000
/** An event that has not arrived after this time counts as lost. */
const roundTimeoutMs = 20_000
const notificationXid = -1

export async function measureFanOut(job: FanOutJob): Promise<FanOutResult> {
  const watchers = new Watchers(job)
  const openingAtMs = performance.now()
  await watchers.openAll()
  const openMs = performance.now() - openingAtMs
  const writer = await openWriter(job.ports[0]!)
  const rounds: FanOutRound[] = []
  for (let round = 0; round < job.rounds; round++) {
    if (round === 0 || job.watch === 'data') await watchers.watch()
    rounds.push(await watchers.awaitEvents(writer.change))
  }
  watchers.closeAll()
  await writer.session.close()
  return { openMs, rounds }
}

/** One step that all sessions perform together. There is at most one at a time. */
interface Phase {
  readonly isOpening: boolean
  left: number
  readonly done: () => void
  readonly failed: (cause: Error) => void
}

class Watchers {
  readonly #job: FanOutJob
  readonly #sockets: Socket[] = []
  readonly #watchFrame: Buffer
  // Shared by all sockets: each read is handled completely before the next one.
  readonly #receiveBuffer = Buffer.allocUnsafe(64 * 1024)
  readonly #eventAtMs: number[] = []
  #phase: Phase | null = null
  #isClosing = false

  constructor(job: FanOutJob) {
    this.#job = job
    const template = job.watch === 'data' ? watchDataFrame(watchedPath) : addRecursiveWatchFrame(watchedPath)
    this.#watchFrame = template.bytes
  }

  async openAll(): Promise<void> {
    const { sessions } = this.#job
    for (let opened = 0; opened < sessions; opened += connectingAtOnce) {
      const count = Math.min(connectingAtOnce, sessions - opened)
      await this.#together('opening', count, () => {
        for (let i = 0; i < count; i++) this.#open(opened + i)
      })
    }
  }

  watch(): Promise<void> {
    return this.#together('open', this.#sockets.length, () => {
      for (const socket of this.#sockets) socket.write(this.#watchFrame)
    })
  }

  /** `change` writes to the watched znode. */
  async awaitEvents(change: () => void): Promise<FanOutRound> {
    this.#eventAtMs.length = 0
    const startedAtMs = performance.now()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, roundTimeoutMs)
    })
    await Promise.race([this.#together('open', this.#sockets.length, change), timeout])
    clearTimeout(timer)
    const latenciesMs = this.#eventAtMs.map((atMs) => atMs - startedAtMs)
    return {
      halfMs: latenciesMs[Math.floor(latenciesMs.length / 2)] ?? roundTimeoutMs,
      lastMs: latenciesMs.at(-1) ?? roundTimeoutMs,
      lostCount: this.#sockets.length - latenciesMs.length,
    }
  }

  /** Destroys the sockets without closing the sessions, which then expire. */
  closeAll(): void {
    this.#isClosing = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Calls `start`, and waits until every session has a reply. */
  #together(state: 'opening' | 'open', count: number, start: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#phase = { isOpening: state === 'opening', left: count, done: resolve, failed: reject }
      start()
    })
  }

  #open(index: number): void {
    const { ports } = this.#job
    const reader = new ReplyReader((xid, zxidHigh, err) => this.#onFrame(xid, zxidHigh, err))
    const socket = connect({
      port: ports[index % ports.length]!,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: this.#receiveBuffer,
        callback: (length, buffer) => {
          reader.read(buffer as Buffer, length)
          return true
        },
      },
    })
    socket.on('connect', () => socket.write(connectFrame(sessionTimeoutMs)))
    socket.on('error', (cause) => this.#phase?.failed(cause))
    socket.on('close', () => {
      if (!this.#isClosing) this.#phase?.failed(new Error('the server closed the connection of a watcher'))
    })
    this.#sockets.push(socket)
  }

  #onFrame(xid: number, zxidHigh: number, err: number): void {
    const phase = this.#phase
    if (phase === null) return
    // A connect response has its timeout in the place of the upper half of the zxid in a reply; 0 = refused.
    if (phase.isOpening ? zxidHigh <= 0 : err !== 0) phase.failed(new Error('the server refused a watcher'))
    if (xid === notificationXid) this.#eventAtMs.push(performance.now())
    phase.left--
    if (phase.left === 0) phase.done()
  }
}

async function openWriter(port: number): Promise<{ readonly session: LoadSession; readonly change: () => void }> {
  const session = new LoadSession(port, { onReply() {}, onChunkEnd() {} })
  await session.open((cause) => {
    throw cause
  })
  const frame: FrameTemplate = setDataFrame(watchedPath, Buffer.alloc(100, 'z'))
  return { session, change: () => session.write(frame.bytes) }
}
