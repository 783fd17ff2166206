/**
 * Thousands of sessions that only wait, over raw sockets: each has watches on paths of its own that do not exist yet, and
 * pings. They count what a leader change costs them: closed connections, events that do not come.
 * Owns: the sockets and the pings. Assumes: no session sends anything else, so each frame is the connect response, a reply
 * to a request for a watch, the answer to a ping, or an event.
 */
import { connect, type Socket } from 'node:net'
import { connectFrame, createFrame, existsWatchFrame, pingFrame, writeFrame } from './frames.ts'
import { LoadSession } from './load-session.ts'
import { ReplyReader } from './reply-reader.ts'

const sessionTimeoutMs = 40_000
const pingIntervalMs = 10_000
const pingRoundMs = 100
// Below the backlog of connections that ZooKeeper sets.
const connectingAtOnce = 40
const eventXid = -1
const createsAtOnce = 1_000
const watchedPath = '/watched-########'
const limitMs = 60_000

interface IdleSession {
  socket: Socket
  sessionId: Buffer
  password: Buffer
  isClosed: boolean
  eventCount: number
}

export class IdleSessions {
  readonly #sessions: IdleSession[] = []
  readonly #watchesEach: number
  // Shared by all sockets: each read is handled completely before the next one.
  readonly #receiveBuffer = Buffer.allocUnsafe(64 * 1024)
  readonly #timer: NodeJS.Timeout
  #pingedCount = 0
  #replyCount = 0
  #isOver = false

  constructor(watchesEach: number) {
    this.#watchesEach = watchesEach
    this.#timer = setInterval(() => this.#ping(), pingRoundMs)
  }

  get closedCount(): number {
    return this.#sessions.filter(({ isClosed }) => isClosed).length
  }

  get eventCount(): number {
    return this.#sessions.reduce((sum, { eventCount }) => sum + eventCount, 0)
  }

  /** Opens the sessions, spread over the ports, and registers their watches. */
  async open(count: number, ports: readonly number[]): Promise<void> {
    while (this.#sessions.length < count) {
      const begun = Array.from({ length: Math.min(connectingAtOnce, count - this.#sessions.length) }, (_, i) => {
        const index = this.#sessions.length + i
        return this.#connect(ports[index % ports.length]!, connectFrame(sessionTimeoutMs))
      })
      this.#sessions.push(...(await Promise.all(begun)))
    }
    const frame = existsWatchFrame(watchedPath)
    this.#sessions.forEach(({ socket }, index) => {
      const bytes = Buffer.alloc(frame.bytes.length * this.#watchesEach)
      for (let i = 0, at = 0; i < this.#watchesEach; i++)
        at = writeFrame(frame, i + 1, index * this.#watchesEach + i, bytes, at)
      socket.write(bytes)
    })
    await this.#until(() => this.#replyCount >= count * this.#watchesEach, 'the watches are not registered')
  }

  /** Every session comes back when its connection has closed. Returns the time from the fault until the last has its session. */
  async reconnect(ports: readonly number[], faultAtMs: number): Promise<number> {
    await Promise.all(
      this.#sessions.map(async (session, index) => {
        await new Promise<void>((resolve) => session.socket.once('close', () => resolve()))
        const frame = connectFrame(sessionTimeoutMs)
        session.sessionId.copy(frame, 20)
        session.password.copy(frame, 32)
        session.socket = (await this.#connectUntilOpen(ports[index % ports.length]!, frame)).socket
      }),
    )
    return performance.now() - faultAtMs
  }

  /** Creates all watched znodes, and returns how many of the events do not come. */
  async lostEvents(port: number): Promise<number> {
    const expected = this.#sessions.length * this.#watchesEach
    const frame = createFrame(watchedPath, Buffer.alloc(0))
    let [sent, answered] = [0, 0]
    const writer = new LoadSession(port, {
      onReply: () => void answered++,
      onChunkEnd: () => {
        while (sent < expected && sent - answered < createsAtOnce) {
          const bytes = Buffer.alloc(frame.bytes.length)
          writeFrame(frame, sent + 1, sent, bytes, 0)
          writer.write(bytes)
          sent++
        }
      },
    })
    await writer.open(() => {})
    const first = Buffer.alloc(frame.bytes.length)
    writeFrame(frame, 1, 0, first, 0)
    sent = 1
    writer.write(first)
    await this.#until(() => answered >= expected, 'the watched znodes are not created')
    await this.#until(() => this.eventCount >= expected, null, 5_000)
    return expected - this.eventCount
  }

  /** Destroys the sockets without closing the sessions. */
  abandon(): void {
    this.#isOver = true
    clearInterval(this.#timer)
    for (const { socket } of this.#sessions) socket.destroy()
  }

  #connect(port: number, frame: Buffer): Promise<IdleSession> {
    return new Promise((resolve, reject) => {
      let isFirst = true
      const reader = new ReplyReader((xid) => {
        if (xid === eventXid) session.eventCount++
        else if (xid > 0) this.#replyCount++
      })
      const socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: {
          buffer: this.#receiveBuffer,
          callback: (length, bytes) => {
            const buffer = bytes as Buffer
            if (!isFirst) reader.read(buffer, length)
            else {
              isFirst = false
              if (length !== 41 || buffer.readInt32BE(8) === 0) reject(new Error('the server refused a session'))
              session.sessionId = Buffer.from(buffer.subarray(12, 20))
              session.password = Buffer.from(buffer.subarray(24, 40))
              resolve(session)
            }
            return true
          },
        },
      })
      const [sessionId, password] = [Buffer.alloc(8), Buffer.alloc(16)]
      const session: IdleSession = { socket, sessionId, password, isClosed: false, eventCount: 0 }
      socket.on('connect', () => socket.write(frame))
      socket.on('error', reject)
      socket.on('close', () => {
        if (!this.#isOver) session.isClosed = true
        reject(new Error(`the server on port ${port} closed a connection`))
      })
    })
  }

  async #connectUntilOpen(port: number, frame: Buffer): Promise<IdleSession> {
    for (;;) {
      try {
        return await this.#connect(port, frame)
      } catch (cause) {
        if (this.#isOver) throw cause
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  /** Each session every ten seconds, a few at a time. */
  #ping(): void {
    const count = Math.ceil((this.#sessions.length * pingRoundMs) / pingIntervalMs)
    for (let i = 0; i < count; i++) {
      const session = this.#sessions[this.#pingedCount++ % this.#sessions.length]
      if (session?.socket.writable) session.socket.write(pingFrame().bytes)
    }
  }

  async #until(isDone: () => boolean, problem: string | null, waitMs = limitMs): Promise<void> {
    const deadlineMs = performance.now() + waitMs
    while (!isDone()) {
      if (performance.now() > deadlineMs) {
        if (problem !== null) throw new Error(problem)
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
