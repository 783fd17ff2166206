/**
 * While the client is connected to a server without a leader, looks for a server with a leader: sends the four-letter
 * word `isro` to one server after the other, with pauses that double (ZK: ClientCnxn.pingRwServer). The answer only
 * decides where to connect next, so a wrong or lost answer costs one more attempt and nothing else.
 */
import type { Address, ByteStream } from '../ports/stream.ts'
import type { CancelTimer } from '../ports/timers.ts'
import type { ClientPorts } from './types.ts'

const firstPauseMs = 100
const pauseMsMax = 60_000

export class ReadWriteSeeker {
  readonly #addresses: readonly Address[]
  readonly #dialTimeoutMs: number
  readonly #ports: Pick<ClientPorts, 'dialer' | 'timers'>
  readonly #onFound: (address: Address) => void
  #others: readonly Address[] = []
  #at = 0
  #pauseMs = firstPauseMs
  /** Cancels the pause or the question in progress. */
  #cancel: CancelTimer | null = null

  constructor(
    addresses: readonly Address[],
    dialTimeoutMs: number,
    ports: Pick<ClientPorts, 'dialer' | 'timers'>,
    onFound: (address: Address) => void,
  ) {
    this.#addresses = addresses
    this.#dialTimeoutMs = dialTimeoutMs
    this.#ports = ports
    this.#onFound = onFound
  }

  /**
   * `inUse`, the server that the client is connected to, is not asked: it closes the connection when it has a leader.
   */
  start(inUse: Address): void {
    this.stop()
    this.#others = this.#addresses.filter(({ host, port }) => host !== inUse.host || port !== inUse.port)
    this.#pauseMs = firstPauseMs
    if (this.#others.length > 0) this.#pause()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #pause(): void {
    this.#cancel = this.#ports.timers.after(this.#pauseMs, () => this.#askNext())
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMsMax)
  }

  #askNext(): void {
    this.#at = (this.#at + 1) % this.#others.length
    const address = this.#others[this.#at]!
    this.#cancel = this.#ports.dialer.dial(address, this.#dialTimeoutMs, (outcome) => {
      if (outcome.ok) this.#ask(outcome.stream, address)
      else this.#pause()
    })
  }

  #ask(stream: ByteStream, address: Address): void {
    let text = ''
    let isOver = false
    const end = (goOn: () => void): void => {
      if (isOver) return
      isOver = true
      cancelTimer()
      stream.destroy()
      goOn()
    }
    const cancelTimer = this.#ports.timers.after(this.#dialTimeoutMs, () => end(() => this.#pause()))
    this.#cancel = () => end(() => undefined)
    stream.handle({
      onData: (bytes) => {
        text += new TextDecoder().decode(bytes)
        if (text === 'rw') end(() => this.#onFound(address))
        else if (text === 'ro') end(() => this.#pause())
      },
      onDrain: () => undefined,
      onClose: () => end(() => this.#pause()),
    })
    stream.write(new TextEncoder().encode('isro'))
  }
}
